"""Routes for operators: probes, metrics, tickets, and the OpenAPI description."""

# ruff: noqa: ARG002 - every handler has one shape
from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib import resources

from aiohttp import hdrs, web

from bridge.outputs.http.access import Access, Identity, Need
from bridge.outputs.http.groups import Described, Route
from bridge.outputs.http.port import Health
from bridge.outputs.http.problems import ProblemError
from bridge.outputs.http.query import check_names
from bridge.wire.jsontext import dumps, loads

# Accept header -> exposition and its content type.
RenderMetrics = Callable[[str], Awaitable[tuple[bytes, str]]]


class OperationRoutes:
    """The handlers."""

    name = "operation"

    def __init__(
        self,
        health: Health,
        render_metrics: RenderMetrics,
        access: Access,
        more: Sequence[Described] = (),
    ) -> None:
        """`more`: groups that provide their own part of the description."""
        self._health = health
        self._access = access
        self._render_metrics = render_metrics
        own = (resources.files("bridge.outputs.http") / "openapi.json").read_bytes()
        self._openapi = _joined(own, [group.description() for group in more])

    def routes(self) -> Sequence[Route]:
        """See `RouteGroup.routes`."""
        return (
            Route("GET", "/livez", Need.NOTHING, self.livez),
            Route("GET", "/readyz", Need.NOTHING, self.readyz),
            Route("POST", "/v1/tickets", Need.READ, self.ticket),
            Route("GET", "/healthz", Need.OVERVIEW, self.healthz),
            Route("GET", "/metrics", Need.METRICS, self.metrics),
            Route("GET", "/openapi.json", Need.READ, self.openapi),
        )

    async def livez(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Answer; the event loop runs if it can."""
        return _text("ok\n")

    async def readyz(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Answer 200 if the bridge serves; 503 with the failing checks if not."""
        if not self._health.is_ready():
            failing = [
                f"{name}: {check.get('detail')}"
                for name, check in self._health.checks().items()
                if name in ("ready", "journal") and not check.get("ok")
            ]
            raise ProblemError("not_ready", "; ".join(failing) or "starting")
        return _text("ready\n")

    async def healthz(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """All checks; 503 if one fails, which includes an outage of upstream."""
        checks = self._health.checks()
        is_ok = all(check.get("ok") for check in checks.values())
        return web.Response(
            status=200 if is_ok else 503,
            body=dumps({"ok": is_ok, "checks": checks}),
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    async def metrics(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Return the metrics in the format that the Accept header prefers."""
        body, content_type = await self._render_metrics(request.headers.get(hdrs.ACCEPT, ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def openapi(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Return the description of all routes, with those of optional groups."""
        return web.Response(body=self._openapi, content_type="application/json")

    async def ticket(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Issue a ticket that stands for the client's token."""
        check_names(request, ())
        ticket, lives_s = self._access.issue(identity)
        return web.Response(
            status=201,
            body=dumps({"ticket": ticket, "expiresInSeconds": int(lives_s)}),
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )


def _joined(own: bytes, others: Sequence[bytes]) -> bytes:
    """Merge the descriptions; `own` unchanged if there are no others."""
    if not others:
        return own
    whole = loads(own)
    for other in map(loads, others):
        whole["paths"].update(other["paths"])
        for kind, named in other["components"].items():
            whole["components"].setdefault(kind, {}).update(named)
    return dumps(whole)


def _text(text: str) -> web.Response:
    return web.Response(text=text, headers={"Cache-Control": "no-store"})
