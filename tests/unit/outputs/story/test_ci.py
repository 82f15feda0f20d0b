"""Logs of CI, read by a small copy of the runner: it finds our own commands and no others."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC

import pytest

from bridge.outputs.story import ci
from bridge.outputs.story.layout import Look
from bridge.outputs.story.printer import Tales
from tests.ci_runner import commands
from tests.story_records import BEGIN, RUNS, Run, cancelled, failing, merged, passing

LOOK = Look(zone=UTC)
EVIL = (
    "::error::x", " \t::ADD-MASK::e", "a ##[group]x", "##[Stop-Commands]t",
    "##vso[task.setvariable variable=a]b", "##teamcity[buildStatus]", "--- x", "%0A::error::y",
    "\r::warning::z", "\n::set-output name=a::b", "a,b:c%d", "\x1b[0Ksection_start:1:x\r\x1b[0K",
)  # fmt: skip


def github(
    *runs: Run, alone: bool = False, summary: Callable[[bytes], None] = lambda _: None
) -> ci.GithubPrinter:
    ids = (runs[0].id,) if alone else tuple(run.id for run in runs)
    if not alone and len(ids) == 1:
        ids = (*ids, RUNS[1])
    return ci.GithubPrinter(LOOK, Tales(lambda text: text), ids, append_summary=summary)


def play(printer: ci.GithubPrinter | ci.GitlabPrinter, *runs: Run) -> list[str]:
    lines: list[str] = []
    for index, (_, seen) in enumerate(merged(*runs)):
        lines += printer.take([seen], index * 1.0)
        lines += printer.tick(index * 1.0 + 0.9)
    return lines + printer.end(9999.0)


def evil_run(run_id: str) -> Run:
    run = Run(run_id).opening("\n".join(EVIL))
    for text in EVIL:
        run.said(text, "\n" + text).tool(text, f"{text}\n{text}", exit_code=1, name=text)
        run.event("log", text, {"stage": text}).event(text, text)
    run.record("bridge.gap", {"reason": EVIL[0], "missing": None})
    return run.ended("failed", " ".join(EVIL))


@pytest.mark.parametrize("alone", [True, False])
def test_upstreams_text_never_becomes_a_command(*, alone: bool) -> None:
    runs = [evil_run(RUNS[0])] if alone else [evil_run(run_id) for run_id in RUNS]
    found = commands("\n".join(play(github(*runs, alone=alone), *runs)).encode())
    names = [name for name, _, _ in found]
    assert set(names) <= {"group", "endgroup", "error"}
    assert names.count("error") == len(runs)
    assert names.count("group") == names.count("endgroup")


def test_one_run_is_streamed_in_its_group_and_its_failure_stands_below() -> None:
    lines = play(github(failing(Run()), alone=True), failing(Run()))
    assert lines[0].startswith("::group::run 6046c342")
    end = lines.index("::endgroup::")
    below = "\n".join(lines[end:])
    assert "✗ exit 1" in below
    assert lines[-1].startswith("::error title=Upgrade the HTTP client")
    assert lines[-1].endswith("Sandbox ran out of memory (exit 137)")


def test_two_feeds_with_one_id_have_a_block_each_when_they_end() -> None:
    """The second to end was taken for one whose block was printed."""
    runs = [passing(Run(RUNS[0])), passing(Run(RUNS[0], account="second"))]
    printer, lines = github(*runs), []
    for at, seen in merged(*runs):
        lines += printer.take([seen], (at - BEGIN).total_seconds())
    lines += printer.tick(9999.0)
    assert sum(line.startswith("::group::") for line in lines) == 2


def test_of_several_runs_the_good_ones_are_folded_and_the_others_open() -> None:
    runs = [failing(Run(RUNS[0])), passing(Run(RUNS[1])), cancelled(Run(RUNS[2]))]
    lines = play(github(*runs), *runs)
    groups = [line for line in lines if line.startswith("::group::")]
    assert [re.findall(r"run (\w{8})", line)[0] for line in groups] == ["3f0c1c52", "cdc2d4b3"]
    depth = 0
    for line in lines:
        depth += line.startswith("::group::")
        depth -= line.startswith("::endgroup::")
        assert depth in (0, 1)
        assert not (line.startswith("::error") and depth)
    assert depth == 0


@pytest.mark.parametrize(("failed", "errors"), [(0, 0), (1, 1), (9, 9), (10, 10), (50, 10)])
def test_no_more_annotations_than_are_shown(failed: int, errors: int) -> None:
    runs = [Run(f"{n:08x}-0000-4000-8000-000000000000").ended("failed", "x") for n in range(failed)]
    runs.append(Run("ffffffff-0000-4000-8000-000000000000").ended("success"))
    found = [text for name, _, text in commands("\n".join(play(github(*runs), *runs)).encode())
             if name == "error"]  # fmt: skip
    assert len(found) == errors
    if failed > 9:
        assert found[-1] == f"and {failed - 9} more run{'s' * (failed > 10)} that failed"


def test_groups_are_closed_when_time_is_over() -> None:
    run = Run().opening("Never ends.")
    lines = play(github(run, alone=True), run)
    assert lines.count("::endgroup::") == 1
    assert lines[-1] == "::endgroup::" or lines[-2:].count("::endgroup::") == 1


def test_a_silent_log_gets_a_line_every_half_minute() -> None:
    runs = [Run(RUNS[0]).opening("Slow one."), Run(RUNS[1]).opening("Slow too.")]
    printer = github(*runs)
    for _, seen in merged(*runs):
        printer.take([seen], 0.0)
    beats = [second for second in range(1, 601) for _ in printer.tick(float(second))]
    assert len(beats) >= 19


def test_the_summary_is_a_table_that_nothing_breaks() -> None:
    written: list[bytes] = []
    run = evil_run(RUNS[0])
    bad = (
        Run(RUNS[1])
        .opening("| `x` </details> ![i](http://e/x) @me #1 www.e.com")
        .ended("failed", "```\n" * 200 + "| x |")
    )
    play(github(run, bad, summary=written.append), run, bad)
    text = b"".join(written).decode()
    table = text.split("\n\n**")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and "---" not in line]
    assert len(rows) == 3
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 7 for row in rows)
    outside = re.sub(r"`{3,}text.*?\n`{3,}\n", "", text, flags=re.DOTALL)
    assert not re.search(r"[<!\[@]|https?:|www\.", outside.replace("|---|", ""))


@pytest.mark.slow
def test_the_summary_is_small_and_utf8_whatever_the_reasons_are() -> None:
    written: list[bytes] = []
    runs = [
        Run(f"{n:08x}-0000-4000-8000-000000000000").ended("failed", "ä|`" * 700) for n in range(600)
    ]
    printer = github(*runs, summary=written.append)
    printer.take([seen for _, seen in merged(*runs)], 0.0)
    printer.end(9.0)
    (text,) = written
    assert len(text) <= 256 * 1024
    assert "more runs not shown" in text.decode()


def test_a_summary_that_cannot_be_written_is_a_warning() -> None:
    def refuse(_: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    run = passing(Run())
    lines = play(github(run, alone=True, summary=refuse), run)
    assert any(line.startswith("::warning::the step summary") for line in lines)


def test_gitlab_sections_are_balanced_and_failures_come_last() -> None:
    runs = [failing(Run(RUNS[0])), passing(Run(RUNS[1])), evil_run(RUNS[2])]
    printer = ci.GitlabPrinter(LOOK, Tales(lambda text: text), RUNS, wall=lambda: 1785769200.0)
    text = "\n".join(play(printer, *runs))
    markers = re.findall(r"\x1b\[0Ksection_(start|end):\d+:([\w.-]+)(\[collapsed=true\])?\r", text)
    assert len(markers) == 6
    names = [name for kind, name, _ in markers if kind == "start"]
    assert len(set(names)) == 3
    collapsed = [bool(fold) for kind, _, fold in markers if kind == "start"]
    assert collapsed == [True, False, False]
    assert text.count("\x1b") == 12
