"""A redactor does not care how a secret is dressed: the whole corpus, in each dress."""

from __future__ import annotations

import pytest

from bridge.redact import Redactor
from tests.corpus import blocks, texts
from tests.corpus.build import Maker, survives
from tests.corpus.dresses import DRESSES

RECALL_LOST_MAX = 0.002  # share of the texts that lose no secret plain and one dressed
SAME_LEAST = 0.99  # share of the texts that are, undressed, what the plain one became


def all_texts() -> list[tuple[str, list[str]]]:
    maker = Maker(5)
    lines = [line for kind, some in texts.LINES.items() if kind != "cut" for line in some]
    filled = [maker.fill(line)[:2] for line in lines]
    return filled + [blocks.filled(maker, block)[:2] for block in blocks.blocks("positive")]


@pytest.fixture(scope="module")
def plain() -> list[tuple[str, list[str], str]]:
    redactor = Redactor()
    return [(text, secrets, redactor.text(text)) for text, secrets in all_texts()]


@pytest.mark.parametrize("name", DRESSES)
def test_a_dressed_text_loses_what_the_plain_one_loses(
    name: str, plain: list[tuple[str, list[str], str]]
) -> None:
    dress, redactor = DRESSES[name], Redactor()
    lost = same = 0
    plain = [one for one in plain if one[0].count("\n") + 1 >= dress.lines_least]
    for text, secrets, expected in plain:
        result = dress.off(redactor.text(dress.on(text)))
        same += result == expected
        shows = [any(survives(one, seen) for one in secrets) for seen in (expected, result)]
        lost += shows == [False, True]
    assert lost <= RECALL_LOST_MAX * len(plain)
    assert same >= SAME_LEAST * len(plain)


@pytest.mark.parametrize("name", DRESSES)
def test_a_dress_comes_off_as_it_went_on(name: str) -> None:
    dress = DRESSES[name]
    for text, _ in all_texts()[:200]:
        assert dress.off(dress.on(text)) == text
