"""The same table tests the page's ansi.js (tests/clients/test_page_modules.py)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.outputs.story.ansi import Style, lines_of, plain_lines
from tests.cases import each_case

CASES = json.loads((Path(__file__).parents[3] / "ansi_cases.json").read_text())


def classes(style: Style) -> str:
    names = ("bold", "dim", "italic", "underline", "strike", "inverse")
    words = [f"a-{name}" for name in names if getattr(style, name)]
    words += [f"a-ink{style.ink}"] if style.ink is not None else []
    words += [f"a-ground{style.ground}"] if style.ground is not None else []
    return " ".join(words)


@each_case(("text", "expected"), CASES, ids=[repr(case[0])[:30] for case in CASES])
def test_an_output_is_what_the_screen_showed_in_the_end(text: str, expected: object) -> None:
    lines = [[[span.text, classes(span.style)] for span in line] for line in lines_of(text)]
    assert lines == expected


def test_what_is_written_over_keeps_what_it_does_not_cover() -> None:
    assert plain_lines("downloading 100%\rdone\n") == ["doneloading 100%"]


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["\x1b[", "\x1b]", "\x1bP", "x\r", "\x1b[99G.\n", "\x1b[31mx"])
def test_nothing_hostile_takes_for_ever(piece: str) -> None:
    """Linear work is a blink here; anything quadratic would run into the time limit of a test."""
    assert lines_of(piece * 30_000) is not None
