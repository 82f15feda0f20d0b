"""Lifelike runs: what an agent reports, when, and how the run ends (mogplex.md 1.7).

A source of chance writes a script in advance, and the director plays it; this module has no clock
and no runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from bridge.simulator.mogplex.store import Draft
from bridge.simulator.mogplex.stories import STORIES, Story

EVENTS_MIN = 9  # six to open, three to close
TOOLS = ("shell", "read_file", "edit_file", "search")
# Gaps before scaling, seconds: median and spread of a lognormal.
_BURST = (0.4, 0.6)
_BEAT = (4.0, 0.7)
_THINK = (25.0, 0.6)
_THINK_SHARE = 0.12  # of the beats begin with a long pause


@dataclass(frozen=True, slots=True)
class Step:
    """At `at_s` seconds after the start: events, then a status, a pause, or the end."""

    at_s: float
    drafts: tuple[Draft, ...] = ()
    status: str | None = None
    error: str | None = None
    finish: str | None = None  # success, failed, cancelled
    order: str | None = None  # terminal order; None leaves it to the knob
    cancel: bool = False  # as if somebody had called POST cancel
    pause: bool = False
    resume: bool = False


def opening(story: Story, chance: Random, harness: str) -> Iterator[tuple[float, Draft]]:
    """(gap before it in seconds, event) for the six events every run begins with."""
    commit = f"{chance.getrandbits(160):040x}"
    yield 0.0, Draft("started", "External Mogplex run accepted", {"harness": harness})
    yield 2.5, Draft("started", f"Harness run started: {harness}", {"prompt": story.prompt})
    yield 1.2, Draft("log", "Repository synced", {"stage": "git_sync", "commit": commit})
    yield 0.6, Draft("log", "MCP servers configured", {"stage": "mcp_config", "servers": 2})
    yield 7.0, Draft("log", "Dependencies installed", {"stage": "install", "exit_code": 0})
    moved = {"from": "pending", "to": "streaming", "runtime_command_id": f"cmd_{commit[:12]}"}
    yield 0.3, Draft("status_changed", "Run is streaming", moved)


def work(story: Story, chance: Random) -> Iterator[tuple[float, Draft]]:
    """(gap before it, event) without end: thoughts in bursts, tools in pairs, pauses."""
    call = 0
    thought = chance.randrange(len(story.thoughts))
    while True:
        pause = _THINK if chance.random() < _THINK_SHARE else _BEAT
        for index in range(chance.choice((0, 1, 1, 2, 4))):
            text = story.thoughts[thought % len(story.thoughts)]
            thought += 1
            yield _gap(chance, _BURST if index else pause), _delta(text)
        for index in range(chance.choice((1, 1, 1, 2, 3))):
            call += 1
            started, finished = _tool(story, chance, f"call_{call}")
            yield _gap(chance, _BURST if index else pause), started
            yield _gap(chance, _BEAT), finished
        if chance.random() < 0.1:
            done = {"kind": "run_progress", "tool_calls": call}
            yield _gap(chance, _BURST), Draft("log", f"{call} tool calls so far", done)


def closing(story: Story, chance: Random) -> Iterator[tuple[float, Draft]]:
    """The two events before the terminal one."""
    number = chance.randrange(100, 4_000)
    yield 1.0, Draft("log", story.summary, {"kind": "assistant_final"})
    delivery = {
        "stage": "git_delivery",
        "changed": True,
        "pull_request_url": f"https://github.com/acme/web/pull/{number}",
    }
    yield 3.0, Draft("log", f"Opened pull request #{number}", delivery)


def write_script(
    chance: Random,
    *,
    events: int,
    duration_s: float,
    outcome: str = "success",
    order: str | None = None,
    harness: str = "codex",
    accepted: bool = False,
) -> list[Step]:
    """A whole run of `events` events (at least EVENTS_MIN) in about `duration_s` seconds.

    `outcome`: success, failed, or cancelled (by a cancel request). Without a terminal event
    (`order` row_only) there is one event less. `accepted`: the first event exists already.
    """
    story = chance.choice(STORIES)
    begin = list(opening(story, chance, harness))
    end = list(closing(story, chance)) if outcome == "success" else []
    closing_count = {"success": 1, "failed": 1, "cancelled": 2}[outcome]
    middle_count = max(0, events - len(begin) - len(end) - closing_count)
    source = work(story, chance)
    middle = [next(source) for _ in range(middle_count)]
    total_s = sum(gap for gap, _ in (*begin, *middle, *end)) or 1.0
    scale = duration_s / total_s
    steps: list[Step] = []
    at_s = 0.0
    for gap_s, draft in (*begin, *middle, *end):
        at_s += gap_s * scale
        status = "streaming" if draft.type == "status_changed" else None
        steps.append(Step(at_s, (draft,), status=status))
    if accepted:
        del steps[0]
    if outcome == "cancelled":
        steps.append(Step(at_s, cancel=True))
    else:
        steps.append(Step(at_s, finish=outcome, order=order))
    return steps


def endless(chance: Random) -> Iterator[Draft]:
    """Events of an agent at work, without gaps: for appends that ask for `n` of them."""
    story = chance.choice(STORIES)
    for _, draft in work(story, chance):
        yield draft


def _delta(text: str) -> Draft:
    return Draft("log", text, {"kind": "assistant_delta"})


def _gap(chance: Random, shape: tuple[float, float]) -> float:
    median_s, spread = shape
    return median_s * chance.lognormvariate(0.0, spread)


def _tool(story: Story, chance: Random, call_id: str) -> tuple[Draft, Draft]:
    tool = chance.choice(TOOLS)
    path = chance.choice(story.files)
    failed = False
    output = ""
    match tool:
        case "shell":
            title, output = chance.choice(story.commands)
            failed = "FAIL" in output or "failure" in output
            detail = {"command": title}
            done = f"{title}: exit code {int(failed)}"
        case "read_file":
            title, detail = f"Reading {path}", {"path": path}
            done = f"Read {chance.randrange(40, 400)} lines of {path}"
        case "edit_file":
            added, removed = chance.randrange(1, 30), chance.randrange(0, 12)
            title, detail = f"Editing {path}", {"path": path}
            done = f"Edited {path} (+{added} -{removed})"
        case _:
            words = chance.choice(story.searches)
            title, detail = f"Searching for {words}", {"query": words}
            output = "\n".join(
                f"{name}:{chance.randrange(1, 300)}: {words}" for name in story.files[:3]
            )
            done = f"Found {words} in 3 files"
    base = {"kind": "tool", "toolCallId": call_id}
    started = Draft("tool_started", title, {**base, "state": "running", "input": detail}, tool)
    state = "error" if failed else "success"
    result = {**base, "state": state, "durationMs": chance.randrange(20, 9_000), "output": output}
    return started, Draft("tool_finished", done, result, tool)
