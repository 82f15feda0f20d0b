"""MIOSA's kinds, the statuses of their rows, and what each status means for a follow.

The set of statuses is open: a feed with an unknown status goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.core.status import State

RUN, SANDBOX, COMPUTER, BUILD = "run", "sandbox", "computer", "build"
SNAPSHOT, DEPLOYMENT, TENANT = "snapshot", "deployment", "tenant"
KINDS: Final = (RUN, SANDBOX, COMPUTER, BUILD, SNAPSHOT, DEPLOYMENT, TENANT)
# Names of the time in an event, the most common first.
TIMES: Final = ("created_at", "ts", "timestamp", "time", "at", "inserted_at")

_STATES: Mapping[State, str] = {
    State.PENDING: "pending queued creating provisioning starting created scheduled",
    State.RUNNING: "running active streaming building uploading restoring snapshotting deploying "
    "publishing destroying deleting in_progress processing",
    State.WAITING: "paused pausing stopped stopping resuming waiting awaiting_input suspended",
    State.SUCCEEDED: "succeeded success completed complete ready live destroyed",
    State.FAILED: "failed error errored timed_out timeout",
    State.CANCELLED: "canceled cancelled deleted",
}
_STATE_OF: Mapping[str, State] = {
    word: state for state, words in _STATES.items() for word in words.split()
}

# The statuses that end a feed. A stopped computer may start again, a paused sandbox may resume.
_ENDS: Mapping[str, frozenset[str]] = {
    RUN: frozenset("succeeded success completed failed error canceled cancelled timed_out".split()),
    SANDBOX: frozenset({"destroyed", "deleted", "error", "failed"}),
    COMPUTER: frozenset({"destroyed", "deleted", "error", "failed"}),
    BUILD: frozenset({"ready", "failed", "cancelled", "canceled", "succeeded"}),
    SNAPSHOT: frozenset({"ready", "failed", "deleted"}),
    DEPLOYMENT: frozenset(
        {"live", "succeeded", "failed", "error", "cancelled", "canceled", "deleted", "destroyed"}
    ),
    TENANT: frozenset(),
}


def state_of(status: str) -> State:
    """Normalize a status; an unknown one counts as running."""
    return _STATE_OF.get(status.strip().lower(), State.RUNNING)


def is_end(kind: str, status: str | None) -> bool:
    """Whether a row with this status is over."""
    return status is not None and status.strip().lower() in _ENDS[kind]


def known_statuses() -> list[str]:
    """Every status of the table, for the labels of metrics."""
    return sorted(_STATE_OF)
