"""Decides which requests are allowed (0016-design.md D10).

On a loopback address without `[auth]`, every program of this host may read, but no web page of
another origin: the Host header must name this server (a rebound DNS name does not), and an Origin
header must be this server's own. Any other address needs `[auth]`.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, runtime_checkable

from aiohttp import hdrs, web

from bridge.core.errors import ConfigError
from bridge.core.event import Feed
from bridge.core.filter import Filter
from bridge.outputs.http.origins import Origins
from bridge.outputs.http.problems import ProblemError

_OWN_NAMES = ("127.0.0.1", "[::1]", "localhost")
_ABSOLUTE = re.compile(r"[a-z]+://([^/?#]*)", re.IGNORECASE)
_SEC_FETCH_SITE = "Sec-Fetch-Site"
_SEC_FETCH_MODE = "Sec-Fetch-Mode"


class Need(enum.Enum):
    """What a route requires of a request."""

    NOTHING = enum.auto()  # probes: from any client; they reveal one bit
    OWN_ORIGIN = enum.auto()  # the page's files: public, but no other site may frame them
    READ = enum.auto()
    STREAM = enum.auto()  # the same; a ticket is accepted
    OVERVIEW = enum.auto()  # shows all accounts at once
    METRICS = enum.auto()  # the same; a setting can open it
    WRITE = enum.auto()  # changes something upstream
    ADMIN = enum.auto()


class Scope(enum.Enum):
    """What a token allows; admin includes the others."""

    READ = "read"
    WRITE = "write"  # start and cancel runs upstream, through the gateway
    ADMIN = "admin"


_ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Identity:
    """The client of a request; empty sets mean no limit."""

    name: str
    runs: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    scopes: frozenset[Scope] = _ALL_SCOPES
    until_s: float | None = None  # seconds since 1970; None never expires
    key: bytes = field(default=b"", repr=False)  # the token's hash; a new token has another

    def has(self, scope: Scope) -> bool:
        """Return whether the client has a scope; `admin` includes all others."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    @property
    def is_limited(self) -> bool:
        """Whether the token is limited to some runs or accounts."""
        return bool(self.runs or self.accounts)

    def may_see(self, account: str, run_id: str) -> bool:
        """Return whether the client may see a feed of this account with this id."""
        if not self.is_limited:
            return True
        return Filter(ids=self.runs, accounts=self.accounts).matches_feed(
            Feed(system="", account=account, kind="run", id=run_id, source="")
        )

    def narrow(self, only: Filter) -> Filter | None:
        """Return the part of a filter that the identity may see; None if that is nothing."""
        ids = _common(only.ids, self.runs)
        accounts = _common(only.accounts, self.accounts)
        if ids is None or accounts is None:
            return None
        return replace(only, ids=ids, accounts=accounts)


# Shared by all requests: a stream keeps its identity.
ANYBODY: Final = Identity("anybody")
_LOCAL: Final = Identity("local")


def _common(wished: frozenset[str], allowed: frozenset[str]) -> frozenset[str] | None:
    if not wished or not allowed:
        return wished or allowed
    return wished & allowed or None


class Access(Protocol):
    """An access policy. A refusal is a value, not an exception."""

    origins: Origins  # origins whose pages may read; set by the server

    def check_listen(self, host: str) -> None:
        """Check that this policy is strict enough for an address.

        Raises:
            ConfigError: The policy would be too open there.
        """
        ...

    def listening_on(self, host: str, port: int) -> None:
        """Receive the bound address, once, before the first request."""
        ...

    def allow(self, request: web.Request, need: Need) -> Identity | ProblemError:
        """Decide about one request; this uses up its ticket."""
        ...

    def refresh(self) -> bool:
        """Called every few seconds; returns True when a client may have lost access."""
        ...

    def is_valid(self, identity: Identity) -> bool:
        """Whether an identity that was allowed would still be allowed."""
        ...

    def issue(self, identity: Identity) -> tuple[str, float]:
        """Return a ticket and its lifetime in seconds.

        Raises:
            ProblemError: Too many tickets are unused.
        """
        ...


@runtime_checkable
class Fetching(Protocol):
    """A policy whose tickets another process keeps."""

    async def fetch(self, request: web.Request) -> None:
        """Fetch what `allow` needs for this request, if anything."""
        ...


class LoopbackAccess:
    """Open to programs on this host, closed to web pages of other origins."""

    def __init__(self) -> None:
        self.origins = Origins()
        self._hosts: frozenset[str] = frozenset()

    def check_listen(self, host: str) -> None:
        """See `Access`. Settings are checked for the same; this check covers every caller."""
        if not is_loopback(host):
            raise ConfigError(
                f"listen: {host!r} can be reached from other machines, and there is no [auth]:"
                " set auth.tokens_file, or listen on 127.0.0.1"
            )

    def listening_on(self, host: str, port: int) -> None:
        """See `Access.listening_on`. Sets the names that the Host header may have."""
        names = {*_OWN_NAMES, _bracketed(host)}
        own = {f"{name}:{port}" for name in names}
        if port in (80, 443):
            own |= names
        self._hosts = frozenset(own)

    def allow(self, request: web.Request, need: Need) -> Identity | ProblemError:
        """See `Access.allow`."""
        if need is Need.NOTHING:
            return ANYBODY
        hosts = request.headers.getall(hdrs.HOST, [])
        named = {host.lower() for host in hosts}
        # If the request line holds a whole URL, its host counts, not the header's.
        if not request.raw_path.startswith("/") and (target := _ABSOLUTE.match(request.raw_path)):
            named.update(host.lower() for host in target.groups())
        if len(hosts) != 1 or not named <= self._hosts:
            return ProblemError(
                "foreign_host",
                "without [auth] only requests with this server's own address in the Host header"
                " are answered, because a web page elsewhere could use another name",
            )
        refusal = check_origin(request, hosts[0].lower(), self.origins)
        return refusal or _LOCAL

    def refresh(self) -> bool:
        """See `Access.refresh`. Always False: this policy never changes."""
        return False

    def is_valid(self, identity: Identity) -> bool:  # noqa: ARG002 - nobody loses this
        """See `Access.is_valid`. Always True: no client loses access."""
        return True

    def issue(self, identity: Identity) -> tuple[str, float]:  # noqa: ARG002
        """See `Access`. Tickets are not needed here; some clients always request one."""
        return "none-needed", 60.0


def check_origin(request: web.Request, host: str, allowed: Origins) -> ProblemError | None:
    """Refuse a request that a browser sends for a page of another origin.

    `host` is this server's.
    """
    origins = request.headers.getall(hdrs.ORIGIN, [])
    if len(origins) == 1 and allowed.allows(origins[0]):
        return None
    for origin in origins:
        if origin.lower() not in (f"http://{host}", f"https://{host}"):
            return _foreign()
    # Requests for images and scripts carry no Origin, but browsers mark them. Following a link
    # to the live page reveals nothing to the other site.
    site = request.headers.get(_SEC_FETCH_SITE, "none").lower()
    is_visit = request.path == "/" and request.headers.get(_SEC_FETCH_MODE) == "navigate"
    if site not in ("none", "same-origin") and not is_visit:
        return _foreign()
    return None


def _foreign() -> ProblemError:
    return ProblemError(
        "foreign_origin",
        "a web page may use this server only from this server's origin, or from one that is listed"
        " in server.cors_origins",
    )


def is_loopback(host: str) -> bool:
    """Whether only programs of this host can reach the address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _bracketed(host: str) -> str:
    host = host.lower().strip("[]")
    return f"[{host}]" if ":" in host else host
