"""What the HTTP server needs from the rest of the bridge besides the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bridge.core.errors import BridgeError


class InvalidRunIdError(BridgeError):
    """Not a UUID; it is never sent upstream, where it would be a 500 (mogplex.md 1.4)."""


class UnknownAccountError(BridgeError):
    """No [[accounts]] entry has this name; the text names the nearest one."""


class TooManyRunsError(BridgeError):
    """The limit of followed runs is reached."""


class Runs(Protocol):
    """The followed runs. A view is JSON-ready and redacted:

    `runId, account, state (following|ended|failed|stopped), status, events, gaps, lagSeconds,
    followedBy (poll|stream|null), lastFailure (object|null), nextRequestInSeconds (number|null),
    addedAt, lastEventAt`; lastEventAt is null until an event came since the start.
    """

    def views(self) -> Sequence[Mapping[str, Any]]:
        """All known runs, newest first."""
        ...

    def view(self, run_id: str) -> Mapping[str, Any] | None:
        """One of them, or None."""
        ...

    async def follow(self, run_id: str, account: str | None = None) -> bool:
        """Follow a run; True if it was not followed before. Durable on return.

        Raises InvalidRunIdError, UnknownAccountError, TooManyRunsError.
        """
        ...

    async def unfollow(self, run_id: str) -> bool:
        """Stop following; False if it was not followed. Durable on return."""
        ...


class Health(Protocol):
    """Answers of /readyz and /healthz."""

    def is_ready(self) -> bool:
        """Settings loaded, journal writable, port bound, not stopping. Upstream is not asked."""
        ...

    def checks(self) -> Mapping[str, Mapping[str, Any]]:
        """Every check by name: `{"ok": bool, "detail": str, ...}`."""
        ...
