"""Folding keeps offsets: every found span can be cut out of the text it came from."""

from __future__ import annotations

import sys

import pytest

from bridge.redact.fold import INVISIBLE, fold, offsets


def test_ascii_is_returned_as_it_is() -> None:
    text = "password=x"
    assert fold(text) is text


def test_full_width_and_homoglyphs_become_latin() -> None:
    assert fold("ｐａｓｓ：") == "pass:"
    assert fold("pаssword") == "password"  # a Cyrillic letter


def test_invisible_characters_vanish_and_offsets_point_back() -> None:
    text = "pa\u200bss\u00adw\ufefford"
    folded = fold(text)
    assert folded == "password"
    back = offsets(text)
    assert len(back) == len(folded) + 1
    assert [text[at] for at in back[:-1]] == list(folded)


@pytest.mark.slow
def test_one_character_stays_one_character_in_every_plane() -> None:
    for code in range(sys.maxunicode + 1):
        folded = fold(chr(code))
        assert len(folded) == (0 if code in INVISIBLE else 1)
        assert len(folded.lower()) == len(folded)
