"""The types and data of the records that the bridge makes itself. Pure.

Callers pass upstream's texts already redacted. Records about runs keep the members of version
0.1.0; `kind` and `id` stand beside them, and `state` beside a status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bridge.core.errors import Failure
from bridge.core.kind import Kind
from bridge.core.state import FeedState
from bridge.core.status import State

GAP = "bridge.gap"
FOLLOW_FAILED = "bridge.follow.failed"
# The states of records of 0.1.0, which have only the status of a run.
_FIRST_STATES = {"streaming": "running", "awaiting_input": "waiting", "success": "succeeded"}
ENDED_TELLS = ("error", "startedAt", "endedAt")  # members of `Kind.tell`


class Mark(NamedTuple):
    """A record to be written: its type and its data."""

    type: str
    data: dict[str, Any]


def is_status(type_: str) -> bool:
    """Whether a record of this type reports a change of status."""
    return type_.endswith(".status") and ".event." not in type_


def is_ended(type_: str) -> bool:
    """Whether a record of this type is the last one of its feed."""
    return type_.startswith("bridge.") and type_.endswith(".ended")


def is_of_bridge(type_: str) -> bool:
    """Whether the bridge made the record itself."""
    return type_.startswith("bridge.") or is_status(type_)


def status(kind: Kind, before: FeedState, after: FeedState, row: Mapping[str, Any] | None) -> Mark:
    """Report a change of status from `before` to `after`."""
    return Mark(
        kind.status_type,
        {
            **_named(kind, after),
            "status": after.status,
            "previousStatus": before.status,
            "state": after.state.value,
            kind.name: row,
        },
    )


def gap(
    kind: Kind,
    state: FeedState,
    reason: str,
    after: str | None,
    before: str | None,
    missing: int | None,
) -> Mark:
    """Report missing events between `after` and `before`: ids of events, or None where unknown."""
    return Mark(
        GAP,
        {
            **_named(kind, state),
            "reason": reason,
            "after": after,
            "before": before,
            "missing": missing,
        },
    )


def state_in(data: Mapping[str, Any]) -> State | None:
    """Return the state in the data of an end or a change of status; None for other words."""
    status = str(data.get("status"))
    word = data.get("state") or _FIRST_STATES.get(status, status)
    return next((state for state in State if state.value == word), None)


def ended(kind: Kind, state: FeedState, told: Mapping[str, Any]) -> Mark:
    """Report the end of a feed, which is complete; `told` is the result of `Kind.tell`."""
    return Mark(
        kind.ended_type,
        {
            **_named(kind, state),
            "status": state.status,
            "state": state.state.value,
            "events": state.events,
            "gaps": state.gaps,
            **{key: told[key] for key in ENDED_TELLS if key in told},
        },
    )


def failed(kind: Kind, state: FeedState, failure: Failure, message: str) -> Mark:
    """Report a follow that failed for good; `message` is the failure's, redacted."""
    return Mark(
        FOLLOW_FAILED,
        {
            **_named(kind, state),
            "code": failure.code,
            "message": message,
            "httpStatus": failure.http_status,
            "requestId": failure.request_id,
        },
    )


def _named(kind: Kind, state: FeedState) -> dict[str, Any]:
    named: dict[str, Any] = {} if kind.id_field is None else {kind.id_field: state.feed.id}
    return {**named, "kind": state.feed.kind, "id": state.feed.id}
