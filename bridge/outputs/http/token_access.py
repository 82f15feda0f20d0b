"""Access with `[auth]`: bearer tokens, and one-use tickets for clients without headers.

Browsers send no credentials here by themselves (no cookies), so a page of another origin cannot use
them, and it cannot read answers unless CORS allows it. CORS does not cover WebSocket, so this
module checks the origin there.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from bridge.clock import Clock
from bridge.core.errors import ConfigError
from bridge.log import get_logger
from bridge.outputs.http.access import ANYBODY, Identity, Need, Scope, check_origin
from bridge.outputs.http.origins import Origins
from bridge.outputs.http.problems import ProblemError
from bridge.outputs.http.tokens import Tokens

_log = get_logger()

TICKET_S = 60.0  # to connect; the stream may last longer (outside.md 3)
TICKETS_MAX = 10_000  # issued and not yet used
_TICKET_BYTES = 24
_NEEDS_SCOPE = {
    Need.READ: Scope.READ,
    Need.STREAM: Scope.READ,
    Need.OVERVIEW: Scope.READ,
    Need.METRICS: Scope.READ,
    Need.WRITE: Scope.WRITE,
    Need.ADMIN: Scope.ADMIN,
}


class TokenAccess:
    """Access from every address with a token."""

    def __init__(self, tokens: Tokens, clock: Clock, *, open_metrics: bool = False) -> None:
        self._tokens = tokens
        self._clock = clock
        self._open_metrics = open_metrics
        # By hash, so that the time of a lookup reveals nothing about other tickets.
        self._tickets: dict[bytes, tuple[float, Identity]] = {}
        self._is_changed = False
        self._looked_s = clock.wall()
        self._told = ""  # the last reported error
        self.origins = Origins()

    def change(self, tokens: Tokens, *, open_metrics: bool) -> None:
        """Use these tokens from now on; streams of other tokens end at the next `refresh`."""
        self._tokens = tokens
        self._open_metrics = open_metrics
        self._is_changed = True

    def check_listen(self, host: str) -> None:
        """Allow any address."""

    def listening_on(self, host: str, port: int) -> None:
        """Do nothing: the address does not matter."""

    def refresh(self) -> bool:
        """Read a changed tokens file; True if tokens changed or one expired."""
        is_changed, self._is_changed = self._is_changed, False
        before_s, self._looked_s = self._looked_s, self._clock.wall()
        is_changed = is_changed or self._tokens.has_ended_between(before_s, self._looked_s)
        try:
            is_changed = self._tokens.refresh() or is_changed
            self._told = ""
        except ConfigError as error:
            if self._told != str(error):  # report a missing file once
                _log.warning("auth.tokens_refused", error=str(error))
            self._told = str(error)
        return is_changed

    def is_valid(self, identity: Identity) -> bool:
        """See `Access.is_valid`. False once the token expired or left the file."""
        return self._tokens.holds(identity, self._clock.wall())

    def allow(self, request: web.Request, need: Need) -> Identity | ProblemError:
        """See `Access.allow`."""
        is_open = need in (Need.NOTHING, Need.OWN_ORIGIN)
        if is_open or (need is Need.METRICS and self._open_metrics):
            return ANYBODY
        if hdrs.UPGRADE in request.headers:
            host = request.headers.get(hdrs.HOST, "").lower()
            if (refusal := check_origin(request, host, self.origins)) is not None:
                return refusal
        found = self._who(request, may_use_ticket=need is Need.STREAM)
        if isinstance(found, ProblemError):
            return found
        if not found.has(_NEEDS_SCOPE[need]):
            return ProblemError(
                "forbidden", f"this needs a token with the scope {_NEEDS_SCOPE[need].value!r}"
            )
        if need in (Need.OVERVIEW, Need.METRICS) and found.is_limited:
            return ProblemError("forbidden", "this needs a token without limits")
        return found

    def _who(self, request: web.Request, *, may_use_ticket: bool) -> Identity | ProblemError:
        headers = request.headers.getall(hdrs.AUTHORIZATION, [])
        if len(headers) == 1:
            scheme, _, token = headers[0].partition(" ")
            if scheme.lower() == "bearer":
                found = self._tokens.maybe_identity(token.strip(), self._clock.wall())
                return found or _unauthorized("wrong token")
        tickets = request.query.getall("ticket", [])
        if may_use_ticket and len(tickets) == 1 and not headers:
            return self._spend(tickets[0]) or _unauthorized(
                "this ticket was used before, has expired or is unknown"
            )
        return _unauthorized("send Authorization: Bearer, or on a stream ?ticket=")

    def issue(self, identity: Identity) -> tuple[str, float]:
        """Return a new ticket and its lifetime in seconds.

        Raises:
            ProblemError: Too many tickets are unused.
        """
        now_s = self._clock.monotonic()
        while self._tickets:  # in the order of expiry
            oldest = next(iter(self._tickets))
            if self._tickets[oldest][0] > now_s:
                break
            del self._tickets[oldest]
        if len(self._tickets) >= TICKETS_MAX:
            raise ProblemError(
                "too_many_tickets",
                "too many tickets are unused; use them or wait until they expire",
                headers={"Retry-After": "60"},
            )
        ticket = secrets.token_urlsafe(_TICKET_BYTES)
        self._tickets[_digest(ticket)] = (now_s + TICKET_S, identity)
        return ticket, TICKET_S

    def _spend(self, ticket: str) -> Identity | None:
        return self.spend(_digest(ticket))

    def spend(self, digest: bytes) -> Identity | None:
        """Use up a ticket, given by its hash; None if it is unknown, used or expired."""
        until_s, identity = self._tickets.pop(digest, (0.0, None))
        if identity is None or until_s <= self._clock.monotonic():
            return None
        return identity if self.is_valid(identity) else None


class WorkerAccess(TokenAccess):
    """Access in a worker; the daemon's process issues tickets and uses them up."""

    def __init__(
        self,
        tokens: Tokens,
        clock: Clock,
        spend: Callable[[bytes], Awaitable[bytes | None]],
    ) -> None:
        """`spend` takes the hash of a ticket and returns that of its token; None if invalid."""
        super().__init__(tokens, clock)
        self._spend_there = spend

    async def fetch(self, request: web.Request) -> None:
        """See `Fetching`."""
        tickets = request.query.getall("ticket", [])
        if len(tickets) != 1 or hdrs.AUTHORIZATION in request.headers:
            return
        digest = _digest(tickets[0])
        key = await self._spend_there(digest)
        identity = self._tokens.maybe_by_key(key) if key is not None else None
        if identity is not None:  # `allow` is called next
            self._tickets[digest] = (self._clock.monotonic() + TICKET_S, identity)


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).digest()


def _unauthorized(detail: str) -> ProblemError:
    return ProblemError("unauthorized", detail, headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
