"""What the HTTP server needs from the rest of the bridge besides the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bridge.core.errors import BridgeError


class InvalidIdError(BridgeError):
    """No account can have such a feed; the text says what its system takes."""


class UnknownAccountError(BridgeError):
    """No [[accounts]] entry has this name; the text names the nearest one."""


class TooManyFeedsError(BridgeError):
    """The limit of followed feeds is reached."""


class AmbiguousFeedError(BridgeError):
    """Several accounts have a feed of this kind and id: one has to be named."""

    def __init__(self, kind: str, id_: str, accounts: Sequence[str]) -> None:
        super().__init__(
            f"{kind} {id_[:100]} is followed by several accounts: name one, ?account=NAME of"
            f" {', '.join(accounts)}"
        )
        self.accounts = tuple(accounts)


class Feeds(Protocol):
    """The followed feeds of all systems.

    A view is JSON-ready and redacted: `kind, id, account, system, status` (upstream's word),
    `state` (pending|running|waiting|succeeded|failed|cancelled), `following`
    (following|ended|failed|stopped), `events, gaps, lagSeconds, followedBy` (how, or null),
    `lastFailure` (object|null), `nextRequestInSeconds` (number|null), `addedAt, lastEventAt`
    (upstream's time of the newest event, or null), and what `Kind.tell` knows.

    An id is what somebody wrote: it is brought into its system's normal form here. Methods that
    take one raise AmbiguousFeedError when `account` is None and several accounts have it.
    """

    def views(self, kind: str | None = None) -> Sequence[Mapping[str, Any]]:
        """All known feeds, or those of one kind, newest first."""
        ...

    def view(self, kind: str, id_: str, account: str | None = None) -> Mapping[str, Any] | None:
        """One of them, or None."""
        ...

    def ids(self, kind: str | None, text: str) -> frozenset[str]:
        """The ids that somebody may mean who wrote `text`, `kind` None: of any kind.

        Raises InvalidIdError when no account can have one.
        """
        ...

    async def follow(self, kind: str, id_: str, account: str | None = None) -> bool:
        """Follow a feed; True if it was not followed before. Durable on return.

        Raises InvalidIdError, UnknownAccountError, TooManyFeedsError, JournalError.
        """
        ...

    async def unfollow(self, kind: str, id_: str, account: str | None = None) -> bool:
        """Stop following, and stay so; False if it was not followed. Durable on return.

        Raises InvalidIdError, UnknownAccountError, JournalError.
        """
        ...


class KnownFeeds(Protocol):
    """What who serves events has to know of feeds, where those may be another process's."""

    def ids(self, kind: str | None, text: str) -> frozenset[str]:
        """See `Feeds.ids`."""
        ...

    async def find(self, kind: str, id_: str) -> Mapping[str, Any] | None:
        """See `Feeds.view`; None where several accounts have one."""
        ...


class OwnFeeds:
    """`KnownFeeds` of this process."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds

    def ids(self, kind: str | None, text: str) -> frozenset[str]:
        return self._feeds.ids(kind, text)

    async def find(self, kind: str, id_: str) -> Mapping[str, Any] | None:
        try:
            return self._feeds.view(kind, id_)
        except AmbiguousFeedError:
            return None


class Health(Protocol):
    """Answers of /readyz and /healthz."""

    def is_ready(self) -> bool:
        """Settings loaded, journal writable, port bound, not stopping. Upstream is not asked."""
        ...

    def checks(self) -> Mapping[str, Mapping[str, Any]]:
        """Every check by name: `{"ok": bool, "detail": str, ...}`."""
        ...
