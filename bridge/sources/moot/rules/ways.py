"""How events are brought: by which transport, and when another one is tried.

SSE is promised and its frames are published nowhere; the WebSocket is what the vendor's adapters
use; pages always work (moot.md 2.4, 2.7). `auto` begins with the first and goes on to the next when
a route is refused or brings nothing that is understood. What works is remembered per base URL.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

AGAIN_S = 3600.0  # a better way is tried again so rarely: it costs a request and a minute
ROUTE_ABSENT = frozenset({404, 405, 406, 501})  # refusals that say something about the route


class Way(enum.StrEnum):
    """A transport; the words are those of the setting `stream` and of `followedBy`."""

    SSE = "sse"
    WEBSOCKET = "websocket"
    POLL = "poll"


_NEXT = {Way.SSE: Way.WEBSOCKET, Way.WEBSOCKET: Way.POLL, Way.POLL: Way.POLL}


@dataclass(slots=True)
class Ways:
    """What is known about one base URL. Shared by the spaces of all accounts there."""

    way: Way = Way.SSE
    left_at: float = 0.0  # when a better way was given up
    has_worked: bool = False  # `way` brought something that was understood
    token_in_query: bool = False  # the stream takes the key from the query alone
    too_large: int = 0  # frames over the limit since anything was understood

    def now(self, wanted: str, now: float) -> Way:
        """The way to use; `wanted` is the setting."""
        if wanted != "auto":
            return Way(wanted)
        if self.way is not Way.SSE and now - self.left_at >= AGAIN_S:
            self.way, self.left_at, self.has_worked = Way.SSE, now, False
        return self.way

    def worked(self, way: Way) -> None:
        self.way, self.has_worked, self.too_large = way, True, 0

    def useless(self, way: Way, now: float) -> None:
        """This way is refused or brings nothing; a later word about another way is old news."""
        if way is self.way:
            self.way, self.left_at, self.has_worked = _NEXT[way], now, False
            self.token_in_query = False


def may_send_in_query(origin: str, *, is_local: bool) -> bool:
    """Whether a key may stand in a URL: proxies log it, so never in the clear to another host."""
    return is_local or origin.startswith("https://")
