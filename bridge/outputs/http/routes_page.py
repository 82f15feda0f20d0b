"""The live page: files that belong to the program, under a strict content policy."""

# ruff: noqa: ARG002 - every handler has one shape
from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources

from aiohttp import web

from bridge.outputs.http.access import Identity, Need
from bridge.outputs.http.groups import Route
from bridge.outputs.http.problems import ProblemError

# The page loads only from this server; no site may frame it, and it sends no data elsewhere.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
_TYPES: Mapping[str, str] = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


class PageRoutes:
    """The handlers. All files are read at startup: no request path reaches the file system."""

    name = "page"

    def __init__(self) -> None:
        here = resources.files("bridge.outputs.http") / "page"
        self._files = {
            item.name: (item.read_bytes(), _TYPES["." + item.name.rpartition(".")[2]])
            for item in here.iterdir()
            if item.is_file()
        }

    @property
    def names(self) -> Sequence[str]:
        """The files that are served below /page/."""
        return sorted(self._files)

    def routes(self) -> Sequence[Route]:
        """See `RouteGroup.routes`."""
        return (
            Route("GET", "/", Need.OWN_ORIGIN, self.get),
            Route("GET", "/page/{name}", Need.OWN_ORIGIN, self.get),
        )

    async def get(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Return one file of the page; 404 if it has no such file."""
        found = self._files.get(request.match_info.get("name", "index.html"))
        if found is None:
            raise ProblemError("not_found", "the live page has no such file")
        body, content_type = found
        return web.Response(
            body=body,
            content_type=content_type,
            charset="utf-8",
            headers={
                "Content-Security-Policy": PAGE_POLICY,
                "Referrer-Policy": "no-referrer",
                "Cache-Control": "no-cache",
            },
        )
