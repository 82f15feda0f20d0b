"""Chooses the transport of events, and when to try another one.

moot promises SSE, but publishes its frames nowhere; the vendor's adapters use the WebSocket; pages
always work (moot.md 2.4, 2.7). `auto` begins with SSE and moves on when a route is refused or
brings nothing readable. The bridge remembers per base URL which transport works.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

AGAIN_S = 3600.0  # between tries of a better way: each costs a request and a minute
ROUTE_ABSENT = frozenset({404, 405, 406, 501})  # refusals that say something about the route


class Way(enum.StrEnum):
    """A transport; its words are those of the setting `stream` and of `followedBy`."""

    SSE = "sse"
    WEBSOCKET = "websocket"
    POLL = "poll"


_NEXT = {Way.SSE: Way.WEBSOCKET, Way.WEBSOCKET: Way.POLL, Way.POLL: Way.POLL}


@dataclass(slots=True)
class Ways:
    """What is known about one base URL. Shared by the spaces of all accounts there."""

    way: Way = Way.SSE
    left_at: float = 0.0  # when a better way was last left
    has_worked: bool = False  # `way` brought something readable
    token_in_query: bool = False  # the stream takes the key only in the query
    too_large: int = 0  # frames over the limit, since anything readable came

    def now(self, wanted: str, now: float) -> Way:
        """Return the way to use; `wanted` is the setting."""
        if wanted != "auto":
            return Way(wanted)
        if self.way is not Way.SSE and now - self.left_at >= AGAIN_S:
            self.way, self.left_at, self.has_worked = Way.SSE, now, False
        return self.way

    def worked(self, way: Way) -> None:
        """Note that this way brought something readable; it is kept from now on."""
        self.way, self.has_worked, self.too_large = way, True, 0

    def useless(self, way: Way, now: float) -> None:
        """Leave a way that is refused or brings nothing; ignored if the way has changed already."""
        if way is self.way:
            self.way, self.left_at, self.has_worked = _NEXT[way], now, False
            self.token_in_query = False


def may_send_in_query(origin: str, *, is_local: bool) -> bool:
    """Whether a key may stand in a URL: proxies log it, so never unencrypted to another host."""
    return is_local or origin.startswith("https://")
