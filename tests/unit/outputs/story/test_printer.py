"""What `follow --format pretty` prints, held against files: UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.outputs.story.layout import Look
from bridge.outputs.story.printer import Seen, StoryPrinter, Tales
from bridge.outputs.story.text import width
from tests.story_records import BEGIN, RUNS, Run, cancelled, failing, merged, passing

GOLDEN = Path(__file__).parent / "golden"


def play(pairs: list[tuple[datetime, Seen]], look: Look, run_ids: tuple[str, ...]) -> list[str]:
    """As in life: each record at its time, a tick four times a second."""
    printer = StoryPrinter(look, Tales(lambda text: text), run_ids)
    lines: list[str] = []
    now = 0.0
    for at, seen in pairs:
        due = (at - BEGIN).total_seconds()
        while now + 0.25 < due:
            now += 0.25
            lines += [line for _, line in printer.tick_runs(now)]
        now = due
        lines += [line for _, line in printer.take_runs([seen], now)]
    lines += [line for _, line in printer.rest(now)]
    return [*lines, *printer.summary()]


def scene(name: str) -> tuple[list[tuple[datetime, Seen]], tuple[str, ...]]:
    one = failing(Run(RUNS[0]))
    if name == "one":
        return list(merged(one)), RUNS[:1]
    two = passing(Run(RUNS[1], BEGIN + timedelta(seconds=2)))
    three = cancelled(Run(RUNS[2], BEGIN + timedelta(seconds=3)))
    return list(merged(one, two, three)), RUNS


@pytest.mark.parametrize("runs", ["one", "three"])
@pytest.mark.parametrize("columns", [80, 200, None])
@pytest.mark.parametrize("colour", [True, False])
def test_the_story_is_printed_as_in_the_golden_file(
    runs: str, columns: int | None, *, colour: bool
) -> None:
    pairs, ids = scene(runs)
    lines = play(pairs, Look(columns=columns, colour=colour, zone=UTC), ids)
    text = "".join(f"{line}\n" for line in lines)
    file = GOLDEN / f"{runs}-{columns or 'pipe'}-{'colour' if colour else 'plain'}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text()
    if columns and not colour:
        assert max(map(width, lines)) <= columns


def test_runs_are_merged_by_time_and_never_later_than_a_second() -> None:
    """Two runs with clocks five seconds apart: a record waits for an older one, but not long."""
    late = Run(RUNS[0], BEGIN + timedelta(seconds=5)).event("log", "late", after_s=0)
    early = Run(RUNS[1], BEGIN).event("log", "early", after_s=0)
    printer = StoryPrinter(Look(zone=UTC), Tales(lambda text: text), RUNS[:2])
    assert printer.take_runs([late.seen[0][1]], 0.0) == []
    assert printer.take_runs([early.seen[0][1]], 0.5) == []
    lines = [line for _, line in printer.tick_runs(0.9)]
    assert [line.split()[-1] for line in lines] == ["early", "late"]


def test_two_feeds_with_one_id_are_not_joined() -> None:
    """A sandbox and a run, or the runs of two accounts: one ended the other, and had its title."""
    one, other = (Run(RUNS[0], account=account) for account in ("default", "second"))
    one.opening("Mend the build").ended("success")
    other.opening("Write the docs").begun("make docs")
    tales = Tales(lambda text: text)
    printer = StoryPrinter(Look(zone=UTC), tales, (RUNS[0], RUNS[0]))
    for at, seen in merged(one, other):
        printer.take_runs([seen], (at - BEGIN).total_seconds())
    printer.rest(60.0)
    assert [(tale.title, tale.is_over) for tale in tales.all] == [
        ("Mend the build", True), ("Write the docs", False)
    ]  # fmt: skip
    assert tales.counts() == "2 runs: 1 success, 1 not ended"


def test_one_run_is_not_held_up() -> None:
    run = Run().event("log", "now")
    printer = StoryPrinter(Look(zone=UTC), Tales(lambda text: text), RUNS[:1])
    assert len(printer.take_runs([run.seen[0][1]], 0.0)) == 1


def test_a_sentence_that_does_not_go_on_is_printed_after_a_second() -> None:
    run = Run().said("Half a sen")
    printer = StoryPrinter(Look(zone=UTC), Tales(lambda text: text), RUNS[:1])
    assert printer.take_runs([run.seen[0][1]], 0.0) == []
    assert printer.tick_runs(0.9) == []
    assert [line for _, line in printer.tick_runs(1.0)] == ["15:00:00   Half a sen"]


def test_a_status_line_tells_what_runs_for_how_long() -> None:
    run = Run().event("tool_started", "x", {"input": {"command": "pytest -q"}}, "shell")
    printer = StoryPrinter(Look(columns=80, zone=UTC), Tales(lambda text: text), RUNS[:1])
    printer.take_runs([run.seen[0][1]], 0.0)
    assert printer.status(12.0) == "going on · shell pytest -q 12.0 s"
