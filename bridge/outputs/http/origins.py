"""Origins of other web pages that may use this server: CORS, and the same for WebSocket.

An origin is allowed by its exact name only. The server uses no cookies, so it never allows a
browser's credentials and never answers `*`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aiohttp import hdrs, web

_METHODS = "GET, HEAD, PUT, DELETE, POST"
# Headers that a page may send with a preflight; Last-Event-ID is EventSource's.
_REQUEST_HEADERS = (
    "Authorization, Last-Event-ID, Content-Type, Cache-Control, Idempotency-Key, X-Bridge-Account"
)
_RESPONSE_HEADERS = "Retry-After, WWW-Authenticate, X-Bridge-Gaps, X-Bridge-Cut"
_PREFLIGHT_S = 600  # seconds for which a browser may cache the answer


class Origins:
    """The allowed origins, serialized as `https://dash.example.com`."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(origin.lower() for origin in allowed)

    def allows(self, origin: str) -> bool:
        """Return whether pages of this origin may use the server; case does not matter."""
        return origin.lower() in self._allowed

    def headers(self, request: web.Request) -> Mapping[str, str]:
        """Return the CORS headers of a response."""
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
        """Return the CORS headers of the answer to a preflight request."""
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
        """The Vary header: answers differ by origin if any origin is allowed."""
        return hdrs.ORIGIN if self._allowed else ""

    def _maybe_origin(self, request: web.Request) -> str | None:
        found = request.headers.getall(hdrs.ORIGIN, [])
        return found[0] if len(found) == 1 and self.allows(found[0]) else None
