"""The records that the bridge makes itself: what they are called and what is in them. Pure.

Texts of upstream's are given redacted already. What 0.1.0 published of runs stays as it was; `kind`
and `id` stand beside it, and `state` beside a status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bridge.core.errors import Failure
from bridge.core.kind import Kind
from bridge.core.state import FeedState

GAP = "bridge.gap"
FOLLOW_FAILED = "bridge.follow.failed"
ENDED_TELLS = ("error", "startedAt", "endedAt")  # of what `Kind.tell` knows


class Mark(NamedTuple):
    """One record to be: its type and its data."""

    type: str
    data: dict[str, Any]


def is_status(type_: str) -> bool:
    """Whether a record of this type tells a change of status."""
    return type_.endswith(".status") and ".event." not in type_


def is_ended(type_: str) -> bool:
    """Whether a record of this type is the last one of its feed."""
    return type_.startswith("bridge.") and type_.endswith(".ended")


def is_of_bridge(type_: str) -> bool:
    """Whether the bridge made the record itself, out of what it saw."""
    return type_.startswith("bridge.") or is_status(type_)


def status(kind: Kind, before: FeedState, after: FeedState, row: Mapping[str, Any] | None) -> Mark:
    """The status changed from what `before` says to what `after` says."""
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
    """Events are missing between `after` and `before`, ids of events where they are known."""
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


def ended(kind: Kind, state: FeedState, told: Mapping[str, Any]) -> Mark:
    """The feed is over and complete; `told` is what `Kind.tell` says of it."""
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
    """The follow was given up; `message` is the failure's, redacted."""
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
