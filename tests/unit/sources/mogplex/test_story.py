"""What a run is about and where it stands, read off its row and its events."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sources.mogplex.story import (
    Story,
    from_plain,
    title_of,
    to_plain,
    utc,
    view,
    with_events,
    with_row,
)

ROW = {
    "status": "streaming",
    "harness": "codex",
    "branch": {"base": "main", "working": "mogplex/run/fix", "createBranch": True},
    "repoId": "r1",
    "createdAt": "2026-08-03T15:00:00.5+00:00",
    "updatedAt": "2026-08-03T15:03:12+00:00",
    "error": None,
}


def event(type_: str, message: str = "", payload: dict[str, Any] | None = None,
          tool: str | None = None, second: int = 1) -> dict[str, Any]:  # fmt: skip
    return {"type": type_, "message": message, "payload": payload or {}, "toolName": tool,
            "createdAt": f"2026-08-03T15:00:{second:02}+00:00"}  # fmt: skip


def begun(call: str, command: str, second: int = 1) -> dict[str, Any]:
    payload = {"toolCallId": call, "input": {"command": command}}
    return event("tool_started", "", payload, "shell", second)


def test_the_title_is_the_first_line_of_the_prompt() -> None:
    story = with_events(Story(), [event("started", "", {"prompt": "\n# Fix the report\nmore"})])
    assert story.title == "Fix the report"
    assert title_of("x" * 200) == "x" * 119 + "…"
    assert title_of(" \n ") is None


def test_the_row_tells_who_where_and_since_when() -> None:
    shown = view(with_row(Story(), ROW))
    assert (shown["harness"], shown["branch"], shown["repoId"]) == (
        "codex",
        "mogplex/run/fix",
        "r1",
    )
    assert shown["startedAt"] == "2026-08-03T15:00:00.5Z"
    assert "endedAt" not in shown
    assert "durationSeconds" not in shown


def test_what_upstream_does_not_send_is_absent() -> None:
    shown = view(with_row(Story(), {"status": "pending"}))
    assert shown == {}


def test_a_run_that_is_over_has_an_end_a_duration_and_a_reason() -> None:
    over = {**ROW, "status": "failed", "error": "Sandbox ran out of memory (exit 137)"}
    shown = view(with_row(Story(), over))
    assert shown["endedAt"] == "2026-08-03T15:03:12Z"
    assert shown["durationSeconds"] == 191.5
    assert shown["error"] == "Sandbox ran out of memory (exit 137)"


def test_the_terminal_event_tells_the_end_better_than_the_row() -> None:
    story = with_events(Story(), [event("finished", second=40)])
    shown = view(with_row(story, {**ROW, "status": "success"}))
    assert shown["endedAt"] == "2026-08-03T15:00:40Z"


def test_a_run_that_goes_on_after_all_has_no_end() -> None:
    story = with_row(Story(), {**ROW, "status": "cancelled"})
    assert "endedAt" not in view(with_row(story, ROW))


def test_the_current_tool_is_the_newest_call_that_is_open() -> None:
    story = with_events(Story(), [begun("a", "make", 1), begun("b", "pytest -q", 2)])
    tool = view(story)["currentTool"]
    assert tool == {"name": "shell", "title": "pytest -q", "since": "2026-08-03T15:00:02Z"}
    story = with_events(story, [event("tool_finished", "", {"toolCallId": "b"}, "shell")])
    assert view(story)["currentTool"]["title"] == "make"
    assert "currentTool" not in view(with_events(story, [event("failed")]))


def test_calls_without_an_id_are_paired_by_order() -> None:
    first, second = (event("tool_started", text, {}, "shell") for text in ("a", "b"))
    story = with_events(Story(), [first, second, event("tool_finished", "", {}, "shell")])
    assert [tool.title for tool in story.open_tools] == ["b"]


def test_calls_that_never_finish_do_not_pile_up() -> None:
    story = with_events(Story(), [begun(str(n), "x") for n in range(100)])
    assert len(story.open_tools) == 16


def test_what_was_said_last_is_joined_from_its_fragments() -> None:
    delta = {"kind": "assistant_delta"}
    story = with_events(Story(), [event("log", "Hel", delta), event("log", "lo", delta)])
    assert story.last_text == "Hello"
    story = with_events(story, [event("log", "", {"stage": "x"}), event("log", "Next.", delta)])
    assert story.last_text == "Next."
    story = with_events(story, [event("log", "Hello there.", {"kind": "assistant_final"})])
    assert story.last_text == "Hello there."


def test_the_last_event_is_the_newest_also_when_one_comes_late() -> None:
    story = with_events(Story(), [event("log", second=9), event("log", second=3)])
    assert story.last_event_at == "2026-08-03T15:00:09Z"


@pytest.mark.parametrize(
    "junk",
    [
        {},
        {"type": 7},
        {"type": "started", "payload": "x"},
        {"type": "tool_finished", "payload": {"toolCallId": 3}},
        {"type": "failed", "message": {"a": 1}, "createdAt": "soon"},
    ],
)
def test_any_object_is_taken(junk: dict[str, Any]) -> None:
    view(with_row(with_events(Story(), [junk]), junk))


def test_a_story_survives_being_stored() -> None:
    story = with_row(with_events(Story(), [begun("a", "make"), event("log", "x")]), ROW)
    assert from_plain(to_plain(story)) == story
    assert from_plain("junk") == Story()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-08-03T15:00:00.123456+00:00", "2026-08-03T15:00:00.123456Z"),
        ("2026-08-03T17:00:00+02:00", "2026-08-03T15:00:00Z"),
        ("yesterday", None),
        (7, None),
    ],
)
def test_times_become_utc(given: object, expected: str | None) -> None:
    assert utc(given) == expected


@pytest.mark.parametrize("odd", [{"a": 1}, ["finished"], 5, None])
def test_an_event_whose_type_is_no_text_says_nothing(odd: object) -> None:
    story = with_events(Story(), [{"type": odd, "createdAt": "2026-08-03T15:00:00Z"}])
    assert (story.ended_at, story.last_event_at) == (None, "2026-08-03T15:00:00Z")


@pytest.mark.parametrize("text", ["yesterdayZ", "799-12-31T00:00:00Z", "soon+00:00", "Z"])
def test_what_is_no_time_is_not_told_as_one(text: str) -> None:
    assert utc(text) is None


@pytest.mark.parametrize(
    ("times", "newest"),
    [
        (["2026-08-03T15:00:33.1Z", "2026-08-03T15:00:33.2Z"], "2026-08-03T15:00:33.2Z"),
        (["2026-08-03T15:00:33Z", "2026-08-03T15:00:33.1Z"], "2026-08-03T15:00:33.1Z"),
        (["2026-08-03T15:00:33+00:00", "2026-08-03T15:00:32.9999Z"], "2026-08-03T15:00:33Z"),
        (["2026-08-03T15:00:33+02:00", "2026-08-03T14:00:33+00:00"], "2026-08-03T14:00:33Z"),
        (["2026-08-03T15:00:33+02:00", "2026-08-03T14:00:33+05:00"], "2026-08-03T13:00:33Z"),
        (["2026-08-03T15:00:33Z", "9999-99-99T99:99:99x", "xxxx-08-03T15:00:33Z", None, 7],
         "2026-08-03T15:00:33Z"),
    ],
)  # fmt: skip
def test_the_newest_event_is_found_in_whatever_form_its_time_is_written(
    times: list[object], newest: str
) -> None:
    for order in (times, times[::-1]):
        events = [{"type": "log", "createdAt": time} for time in order]
        assert with_events(Story(), events).last_event_at == newest
