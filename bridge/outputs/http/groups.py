"""The interface of a group of routes; the server depends on no particular group."""

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
    """The operator's settings for clients; replaced as a whole, from the next request on."""

    limits: Limits = field(default_factory=Limits)
    origins: Origins = field(default_factory=Origins)  # origins whose pages may use this server
    proxies: Proxies = field(default_factory=Proxies)  # proxies whose X-Forwarded-For counts
    may_compress: bool = True


class Route(NamedTuple):
    """One method of one path; the server calls the handler only if `need` is met.

    A GET also answers HEAD. `path` is aiohttp's: `{name}` is one decoded segment. `method` `*`
    matches everything that no earlier route matches.
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
        """The label of its requests in the metrics: one word."""
        ...

    def routes(self) -> Sequence[Route]:
        """Return the routes; where several match a request, the first one counts."""


@runtime_checkable
class Policed(Protocol):
    """A group that applies the policy itself."""

    def adopt(self, policy: Policy) -> None:
        """Apply this policy from the next request on."""
        ...


@runtime_checkable
class Working(Protocol):
    """A group with background work."""

    async def run(self) -> None:
        """Work until cancelled."""
        ...


@runtime_checkable
class Described(Protocol):
    """An optional group, which provides its part of `/openapi.json`."""

    def description(self) -> bytes:
        """JSON with `paths` and the `components` that they use."""
        ...


@runtime_checkable
class OwnErrors(Protocol):
    """A group whose clients expect refusals in another form."""

    @property
    def prefix(self) -> str:
        """Refusals below this path have that form, also for paths without a route."""
        ...

    def refuse(self, problem: ProblemError) -> web.Response:
        """Return a refusal in the form of its clients; the text is redacted already."""
        ...
