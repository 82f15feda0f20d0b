"""Who may ask for what (0016-design.md D10).

On a loopback address without `[auth]` every program of this host may, but no web page of another
origin: the Host header must name this server (a rebound DNS name does not), and an Origin, where a
browser sends one, must be this server's own. On any other address `[auth]` is needed.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

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
    """What a route asks of who calls it."""

    NOTHING = enum.auto()  # probes: they come from anywhere and learn one bit
    OWN_ORIGIN = enum.auto()  # the page's own files hold nothing, but no other site may frame them
    READ = enum.auto()
    STREAM = enum.auto()  # the same, and a ticket will do
    OVERVIEW = enum.auto()  # shows all accounts at once
    METRICS = enum.auto()  # the same; settable to be open
    WRITE = enum.auto()  # changes something upstream
    ADMIN = enum.auto()


class Scope(enum.Enum):
    """What a token may do; admin includes the others."""

    READ = "read"
    WRITE = "write"  # start and cancel runs upstream, through the gateway
    ADMIN = "admin"


_ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks; empty sets mean no limit."""

    name: str
    runs: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    scopes: frozenset[Scope] = _ALL_SCOPES
    until_s: float | None = None  # seconds since 1970; None is for ever
    key: bytes = field(default=b"", repr=False)  # the hash of the token: a new one is another

    def has(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes

    @property
    def is_limited(self) -> bool:
        return bool(self.runs or self.accounts)

    def may_see(self, account: str, run_id: str) -> bool:
        if not self.is_limited:
            return True
        return Filter(runs=self.runs, accounts=self.accounts).matches_feed(
            Feed(system="", account=account, kind="run", id=run_id, source="")
        )

    def narrow(self, only: Filter) -> Filter | None:
        """Return what is left of a wish; None when nothing is."""
        runs = _common(only.runs, self.runs)
        accounts = _common(only.accounts, self.accounts)
        if runs is None or accounts is None:
            return None
        return replace(only, runs=runs, accounts=accounts)


def _common(wished: frozenset[str], allowed: frozenset[str]) -> frozenset[str] | None:
    if not wished or not allowed:
        return wished or allowed
    return wished & allowed or None


class Access(Protocol):
    """A policy. A refusal is a value, not an exception."""

    origins: Origins  # of other sites whose pages are let in; set by the server

    def check_listen(self, host: str) -> None:
        """Raises ConfigError for an address on which this policy would be too open."""
        ...

    def listening_on(self, host: str, port: int) -> None:
        """Told once, before the first request: the address that was really bound."""
        ...

    def allow(self, request: web.Request, need: Need) -> Identity | ProblemError:
        """Decide about one request; tickets are spent by this."""
        ...

    def refresh(self) -> bool:
        """Called every few seconds; True when somebody may have lost access."""
        ...

    def is_valid(self, identity: Identity) -> bool:
        """Tell whether someone who was let in would still be."""
        ...

    def issue(self, identity: Identity) -> tuple[str, float]:
        """Return a ticket and the seconds it lives. Raises ProblemError."""
        ...


@runtime_checkable
class Fetching(Protocol):
    """A policy whose tickets are kept elsewhere."""

    async def fetch(self, request: web.Request) -> None:
        """Get what `allow` will need for this request, if there is anything."""
        ...


class LoopbackAccess:
    """Open to programs on this host, closed to web pages of other origins."""

    def __init__(self) -> None:
        self.origins = Origins()
        self._hosts: frozenset[str] = frozenset()

    def check_listen(self, host: str) -> None:
        """The settings are checked for the same; here nobody can forget to."""
        if not is_loopback(host):
            raise ConfigError(
                f"listen: {host!r} can be reached from other machines, and there is no [auth]:"
                " set auth.tokens_file, or listen on 127.0.0.1"
            )

    def listening_on(self, host: str, port: int) -> None:
        names = {*_OWN_NAMES, _bracketed(host)}
        own = {f"{name}:{port}" for name in names}
        if port in (80, 443):
            own |= names
        self._hosts = frozenset(own)

    def allow(self, request: web.Request, need: Need) -> Identity | ProblemError:
        if need is Need.NOTHING:
            return Identity("anybody")
        hosts = request.headers.getall(hdrs.HOST, [])
        named = {host.lower() for host in hosts}
        # A request line may hold a whole URL, and then its host counts, not that of the header.
        if not request.raw_path.startswith("/") and (target := _ABSOLUTE.match(request.raw_path)):
            named.update(host.lower() for host in target.groups())
        if len(hosts) != 1 or not named <= self._hosts:
            return ProblemError(
                "foreign_host",
                "without [auth] only requests with this server's own address in the Host header"
                " are answered, because a web page elsewhere could use another name",
            )
        refusal = check_origin(request, hosts[0].lower(), self.origins)
        return refusal or Identity("local")

    def refresh(self) -> bool:
        return False

    def is_valid(self, identity: Identity) -> bool:  # noqa: ARG002 - nobody loses this
        return True

    def issue(self, identity: Identity) -> tuple[str, float]:  # noqa: ARG002
        """Nobody needs one here; clients that always ask for one work all the same."""
        return "none-needed", 60.0


def check_origin(request: web.Request, host: str, allowed: Origins) -> ProblemError | None:
    """Refuse what a browser sends for a page of another origin; `host` is this server's."""
    origins = request.headers.getall(hdrs.ORIGIN, [])
    if len(origins) == 1 and allowed.allows(origins[0]):
        return None
    for origin in origins:
        if origin.lower() not in (f"http://{host}", f"https://{host}"):
            return _foreign()
    # Requests for images and scripts carry no Origin; browsers mark them so. Following a link
    # to the live page is no reading of it.
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
    """Tell whether only programs of this host can reach the address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _bracketed(host: str) -> str:
    host = host.lower().strip("[]")
    return f"[{host}]" if ":" in host else host
