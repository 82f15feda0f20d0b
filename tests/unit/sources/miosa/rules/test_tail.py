"""Two looks at the tail of a log, compared by their overlap."""

from __future__ import annotations

import random

import pytest

from bridge.sources.miosa.rules.tail import ASKED, Tail
from tests.cases import each_case


def test_lines_that_both_looks_show_are_not_new() -> None:
    tail = Tail()
    assert list(tail.look(["a", "b"]).lines) == ["a", "b"]
    grown = tail.look(["a", "b", "c"])
    assert (list(grown.lines), grown.has_gap) == (["c"], False)
    grown = tail.look(["b", "c", "d"])
    assert (list(grown.lines), grown.has_gap) == (["d"], False)


def test_looks_that_do_not_overlap_have_a_gap_between_them() -> None:
    tail = Tail()
    tail.look(["a", "b"])
    grown = tail.look(["x", "y"])
    assert (list(grown.lines), grown.has_gap) == (["x", "y"], True)


def test_an_empty_reply_makes_nothing_new_again() -> None:
    tail = Tail()
    tail.look(["a", "b"])
    assert not tail.look([]).has_gap
    assert list(tail.look(["a", "b"]).lines) == []


def test_lines_that_repeat_are_not_taken_for_old_ones() -> None:
    tail = Tail()
    tail.look(["go", "go"])
    assert list(tail.look(["go", "go", "go"]).lines) == ["go"]


def test_it_goes_on_after_a_restart_and_keeps_no_line() -> None:
    tail = Tail()
    tail.look(["password=hunter2", "b"])
    assert "hunter2" not in tail.saved()
    assert list(Tail.restored(tail.saved()).look(["b", "c"]).lines) == ["c"]


@pytest.mark.parametrize("text", ["?", "AAAA", "é"])
def test_a_memory_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Tail.restored(text)


@each_case("seed", range(20))
def test_every_line_comes_once_whatever_the_growth_between_two_looks(seed: int) -> None:
    chance = random.Random(seed)
    log: list[str] = []
    tail, got, gaps, jumps = Tail(), [], 0, 0
    for _ in range(40):
        grown = chance.choice([0, 1, 5, 60, 99, 150])
        jumps += grown >= ASKED and bool(log)
        log += [f"line {len(log) + n}" for n in range(grown)]
        look = tail.look(log[-ASKED:])
        got += look.lines
        gaps += look.has_gap
        tail = Tail.restored(tail.saved())
    assert len(got) == len(set(got))
    assert gaps == jumps
    assert set(got) <= set(log)
    if not jumps:
        assert got == log
