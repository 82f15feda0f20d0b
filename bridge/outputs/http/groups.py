"""What a group of routes is: the server is given them, and knows none by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

from aiohttp import web

from bridge.outputs.http.access import Identity, Need
from bridge.outputs.http.addresses import Proxies
from bridge.outputs.http.limits import Limits
from bridge.outputs.http.origins import Origins
from bridge.outputs.http.problems import ProblemError

Handler = Callable[[web.Request, Identity], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator decided about clients; exchanged whole, and holds from the next request."""

    limits: Limits = field(default_factory=Limits)
    origins: Origins = field(default_factory=Origins)  # whose pages may use this server
    proxies: Proxies = field(default_factory=Proxies)  # whose X-Forwarded-For is believed
    may_compress: bool = True


class Route(NamedTuple):
    """One method of one path; the handler is called only for who has what `need` asks.

    A GET answers HEAD too. `path` is aiohttp's: `{name}` is one segment, decoded. `method` may be
    `*`: all that no route before it takes.
    """

    method: str
    path: str
    need: Need
    handler: Handler
    body_bytes_max: int = 0  # 0: no body is read, and one over `limits.body_bytes` is refused


class RouteGroup(Protocol):
    """Routes that belong together."""

    @property
    def name(self) -> str:
        """Label of its requests in the metrics: one word."""
        ...

    def routes(self) -> Sequence[Route]: ...


@runtime_checkable
class Policed(Protocol):
    """A group that heeds the policy itself."""

    def adopt(self, policy: Policy) -> None:
        """Hold to this from the next request on."""
        ...


@runtime_checkable
class Working(Protocol):
    """A group that has something to do beside answering."""

    async def run(self) -> None:
        """Do it until cancelled."""
        ...


@runtime_checkable
class Described(Protocol):
    """A group that is there only sometimes, and brings its part of `/openapi.json`."""

    def description(self) -> bytes:
        """JSON: `paths`, and the `components` that they use."""
        ...


@runtime_checkable
class OwnErrors(Protocol):
    """A group whose clients expect refusals in a form of their own."""

    @property
    def prefix(self) -> str:
        """Every path that begins with it is answered so, also those without a route."""
        ...

    def refuse(self, problem: ProblemError) -> web.Response:
        """Return a refusal as its clients know them; the text is redacted already."""
        ...
