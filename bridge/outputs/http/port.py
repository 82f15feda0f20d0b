"""What the HTTP server needs from the rest of the bridge, apart from the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bridge.core.errors import BridgeError


class InvalidIdError(BridgeError):
    """No account can have such a feed; the text says which ids its system accepts."""


class UnknownAccountError(BridgeError):
    """No [[accounts]] entry has this name; the text names the nearest one."""


class TooManyFeedsError(BridgeError):
    """The limit of followed feeds is reached."""


class AmbiguousFeedError(BridgeError):
    """Several accounts have a feed of this kind and id, so the client must name one."""

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
    (upstream's time of the newest event, or null), and the facts of `Kind.tell`.

    An id may have any form that its system accepts; the implementation normalizes it. Methods with
    an id raise AmbiguousFeedError if `account` is None and several accounts have it.
    """

    def views(self, kind: str | None = None) -> Sequence[Mapping[str, Any]]:
        """All known feeds, or those of one kind, newest first."""
        ...

    def view(self, kind: str, id_: str, account: str | None = None) -> Mapping[str, Any] | None:
        """The view of one feed; None if it is unknown."""
        ...

    def ids(self, kind: str | None, text: str) -> frozenset[str]:
        """The ids that `text` may mean, in their systems' normal forms.

        Args:
            kind: The kind of the feed; None is any.
            text: The id as a person wrote it.

        Raises:
            InvalidIdError: No account can have such a feed.
        """
        ...

    async def follow(self, kind: str, id_: str, account: str | None = None) -> bool:
        """Follow a feed; True if it was not followed before. Durable on return.

        Raises:
            InvalidIdError: No account can have such a feed.
            UnknownAccountError: No account has this name.
            TooManyFeedsError: The limit of followed feeds is reached.
            JournalError: The journal cannot store the wish.
        """
        ...

    async def unfollow(self, kind: str, id_: str, account: str | None = None) -> bool:
        """Stop following for good; False if the feed was not followed. Durable on return.

        Raises:
            InvalidIdError: No account can have such a feed.
            UnknownAccountError: No account has this name.
            JournalError: The journal cannot store the wish.
        """
        ...


class KnownFeeds(Protocol):
    """What routes for events need to know of feeds that another process may follow."""

    def ids(self, kind: str | None, text: str) -> frozenset[str]:
        """See `Feeds.ids`."""
        ...

    async def find(self, kind: str, id_: str) -> Mapping[str, Any] | None:
        """See `Feeds.view`; None if several accounts have such a feed."""
        ...


class OwnFeeds:
    """Implements `KnownFeeds` with the feeds of this process."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds

    def ids(self, kind: str | None, text: str) -> frozenset[str]:
        """See `KnownFeeds.ids`."""
        return self._feeds.ids(kind, text)

    async def find(self, kind: str, id_: str) -> Mapping[str, Any] | None:
        """See `KnownFeeds.find`."""
        try:
            return self._feeds.view(kind, id_)
        except AmbiguousFeedError:
            return None


class Health(Protocol):
    """The answers of /readyz and /healthz."""

    def is_ready(self) -> bool:
        """Whether settings are loaded, the journal is writable and the port is open.

        False once a stop has begun. Upstream does not count.
        """
        ...

    def checks(self) -> Mapping[str, Mapping[str, Any]]:
        """All checks by name: `{"ok": bool, "detail": str, ...}`."""
        ...
