"""The bridge's own records: their names, what is in them, how they are told from others."""

from __future__ import annotations

import dataclasses

import pytest

from bridge.core import marks
from bridge.core.errors import Failure, Retry
from bridge.core.event import feed_of
from bridge.core.kind import Kind
from bridge.core.state import FeedState
from bridge.core.status import State

RUN = Kind("run", "com.mogplex.run", "runId")
SPACE = Kind("space", "io.mootup.space")
STATE = FeedState(
    feed_of("mogplex", "default", "run", "r1"),
    status="success",
    state=State.SUCCEEDED,
    events=7,
    gaps=2,
)


def test_a_run_is_named_by_its_old_field_and_as_any_feed() -> None:
    _, data = marks.gap(RUN, STATE, "window_exhausted", "e1", "e9", 7)
    assert data == {
        "runId": "r1",
        "kind": "run",
        "id": "r1",
        "reason": "window_exhausted",
        "after": "e1",
        "before": "e9",
        "missing": 7,
    }


def test_a_kind_without_a_field_of_its_own_has_kind_and_id_alone() -> None:
    mark = marks.gap(SPACE, STATE, "unreadable", None, None, None)
    assert mark.type == "bridge.gap"
    assert "runId" not in mark.data
    assert (mark.data["after"], mark.data["before"], mark.data["missing"]) == (None, None, None)


def test_a_status_tells_both_words_and_the_row_under_the_name_of_its_kind() -> None:
    before = dataclasses.replace(STATE, status="streaming", state=State.RUNNING)
    type_, data = marks.status(RUN, before, STATE, {"id": "r1"})
    assert type_ == "com.mogplex.run.status"
    assert (data["previousStatus"], data["status"], data["state"]) == (
        "streaming",
        "success",
        "succeeded",
    )
    assert data["run"] == {"id": "r1"}


def test_an_end_counts_and_takes_only_what_is_meant_for_it_from_the_story() -> None:
    told = {"title": "a prompt", "error": "boom", "startedAt": "2026-08-03T15:00:00Z"}
    type_, data = marks.ended(RUN, STATE, told)
    assert type_ == "bridge.run.ended"
    assert (data["events"], data["gaps"], data["status"], data["state"]) == (
        7,
        2,
        "success",
        "succeeded",
    )
    assert data["error"] == "boom"
    assert data["startedAt"] == "2026-08-03T15:00:00Z"
    assert "title" not in data
    assert "endedAt" not in data  # unknown is left out, not null


def test_a_failure_has_the_message_that_was_redacted_and_not_its_own() -> None:
    failure = Failure("runs.get", "FORBIDDEN", "secret", Retry.PERMANENT, 403, request_id="q1")
    type_, data = marks.failed(RUN, STATE, failure, "[REDACTED]")
    assert type_ == "bridge.follow.failed"
    assert data["message"] == "[REDACTED]"
    assert (data["code"], data["httpStatus"], data["requestId"]) == ("FORBIDDEN", 403, "q1")


@pytest.mark.parametrize(
    ("type_", "is_status", "is_ended", "is_of_bridge"),
    [
        ("com.mogplex.run.status", True, False, True),
        ("ai.miosa.sandbox.status", True, False, True),
        ("com.mogplex.run.event.status", False, False, False),  # an event that upstream named so
        ("io.mootup.space.event.x.status", False, False, False),
        ("bridge.run.ended", False, True, True),
        ("bridge.space.ended", False, True, True),
        ("com.mogplex.run.event.ended", False, False, False),
        ("bridge.gap", False, False, True),
        ("bridge.follow.failed", False, False, True),
    ],
)
def test_records_are_told_apart_by_their_types(
    type_: str, is_status: bool, is_ended: bool, is_of_bridge: bool
) -> None:
    assert marks.is_status(type_) is is_status
    assert marks.is_ended(type_) is is_ended
    assert marks.is_of_bridge(type_) is is_of_bridge


@pytest.mark.parametrize(
    ("data", "state"),
    [
        ({"status": "ready", "state": "succeeded"}, State.SUCCEEDED),
        ({"status": "success"}, State.SUCCEEDED),
        ({"status": "awaiting_input"}, State.WAITING),
        ({"status": "cancelled", "state": None}, State.CANCELLED),
        ({"status": "ready"}, None),
        ({"status": 1, "state": []}, None),
        ({}, None),
    ],
)
def test_an_end_has_a_state_also_in_the_records_of_the_first_version(
    data: dict[str, object], state: State | None
) -> None:
    assert marks.state_in(data) is state
