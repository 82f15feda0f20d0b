"""Web pages of other origins that may use this server: CORS, and the same list for WebSocket.

An origin is allowed by its exact name or not at all. There are no cookies here, so credentials of a
browser are never asked for, and `*` is never said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aiohttp import hdrs, web

_METHODS = "GET, HEAD, PUT, DELETE, POST"
# What a page may send besides what needs no asking; Last-Event-ID is an EventSource's own.
_REQUEST_HEADERS = (
    "Authorization, Last-Event-ID, Content-Type, Cache-Control, Idempotency-Key, X-Bridge-Account"
)
_RESPONSE_HEADERS = "Retry-After, WWW-Authenticate, X-Bridge-Gaps, X-Bridge-Cut"
_PREFLIGHT_S = 600  # how long a browser may remember the answer


class Origins:
    """The allowed ones. `allowed` are serialised origins: `https://dash.example.com`."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(origin.lower() for origin in allowed)

    def allows(self, origin: str) -> bool:
        return origin.lower() in self._allowed

    def headers(self, request: web.Request) -> Mapping[str, str]:
        """Return what a response has to carry for the page that asks."""
        if not self._allowed:
            return {}
        origin = self._maybe_origin(request)
        if origin is None:
            return {}
        return {
            hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: origin,
            hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: _RESPONSE_HEADERS,
        }

    def preflight_headers(self, request: web.Request) -> Mapping[str, str]:
        """Return what the answer to a browser's question beforehand has to carry."""
        if self._maybe_origin(request) is None:
            return {}
        if hdrs.ACCESS_CONTROL_REQUEST_METHOD not in request.headers:
            return {}
        return {
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: _METHODS,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: _REQUEST_HEADERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: str(_PREFLIGHT_S),
        }

    @property
    def vary(self) -> str:
        """What caches have to look at: answers differ by origin if any is allowed."""
        return hdrs.ORIGIN if self._allowed else ""

    def _maybe_origin(self, request: web.Request) -> str | None:
        found = request.headers.getall(hdrs.ORIGIN, [])
        return found[0] if len(found) == 1 and self.allows(found[0]) else None
