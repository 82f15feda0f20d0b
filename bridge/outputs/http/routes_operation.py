"""What operators ask: probes, metrics, the description of this interface, and the live page."""

# ruff: noqa: ARG002 - every handler has one shape
from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import resources

from aiohttp import hdrs, web

from bridge.outputs.http.access import Access, Identity
from bridge.outputs.http.problems import ProblemError
from bridge.outputs.http.query import check_names
from bridge.outputs.port import Health
from bridge.wire.jsontext import dumps

# Accept header -> exposition and its content type.
RenderMetrics = Callable[[str], tuple[bytes, str]]

# Everything the page needs comes from here; nothing may frame it or send data elsewhere.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The only names that are ever read from disk: no path of a request reaches the file system.
PAGE_FILES: Mapping[str, str] = {
    "index.html": "text/html",
    "page.css": "text/css",
    **dict.fromkeys(
        ("access.js", "detail.js", "dom.js", "keys.js", "page.js", "records.js", "runs.js",
         "speaker.js", "stream.js", "theme.js", "timeline.js"),
        "text/javascript",
    ),
}  # fmt: skip


class OperationRoutes:
    """The handlers."""

    def __init__(self, health: Health, render_metrics: RenderMetrics, access: Access) -> None:
        self._health = health
        self._access = access
        self._render_metrics = render_metrics
        here = resources.files("bridge.outputs.http")
        self._page = {name: (here / "page" / name).read_bytes() for name in PAGE_FILES}
        self._openapi = (here / "openapi.json").read_bytes()

    async def livez(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """The loop turns, or there would be no answer."""
        return _text("ok\n")

    async def readyz(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        if not self._health.is_ready():
            failing = [
                f"{name}: {check.get('detail')}"
                for name, check in self._health.checks().items()
                if name in ("ready", "journal") and not check.get("ok")
            ]
            raise ProblemError("not_ready", "; ".join(failing) or "starting")
        return _text("ready\n")

    async def healthz(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """All checks; 503 when one fails, an upstream outage among them."""
        checks = self._health.checks()
        is_ok = all(check.get("ok") for check in checks.values())
        return web.Response(
            status=200 if is_ok else 503,
            body=dumps({"ok": is_ok, "checks": checks}),
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    async def metrics(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        body, content_type = self._render_metrics(request.headers.get(hdrs.ACCEPT, ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def openapi(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        return web.Response(body=self._openapi, content_type="application/json")

    async def ticket(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Issue a ticket that stands for who asks."""
        check_names(request, ())
        ticket, lives_s = self._access.issue(identity)
        return web.Response(
            status=201,
            body=dumps({"ticket": ticket, "expiresInSeconds": int(lives_s)}),
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    async def page(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        name = request.match_info.get("name", "index.html")
        if name not in self._page:
            raise ProblemError("not_found", "the live page has no such file")
        return web.Response(
            body=self._page[name],
            content_type=PAGE_FILES[name],
            charset="utf-8",
            headers={
                "Content-Security-Policy": PAGE_POLICY,
                "Referrer-Policy": "no-referrer",
                "Cache-Control": "no-cache",
            },
        )


def _text(text: str) -> web.Response:
    return web.Response(text=text, headers={"Cache-Control": "no-store"})
