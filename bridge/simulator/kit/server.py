"""A simulated service on a port of its own, in the caller's event loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from aiohttp import web

BODY_BYTES_MAX = 64 * 2**20  # of one control request; bulk appends are the largest
SHUTDOWN_S = 1.0  # open replies get so long to end
CONTROL_ROOT = "/_sim"


class Listener(ABC):
    """Listens and answers; mixed into a profile's simulator."""

    def __init__(self, host: str, port: int) -> None:
        self._asked_host, self._asked_port = host, port
        self.host, self.port = host, port  # the real ones while it runs
        self._runner: web.AppRunner | None = None

    @abstractmethod
    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request that is not for the control API."""

    @abstractmethod
    async def answer_control(self, request: web.Request) -> web.StreamResponse: ...

    @abstractmethod
    def opened(self) -> None:
        """It listens; called before the first request."""

    @abstractmethod
    def closing(self) -> None:
        """Connections end now; let go of what keeps them open."""

    @property
    def url(self) -> str:
        """Origin, without a trailing slash; only while it runs."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Listen, and begin the scenario. Raises OSError when the address is taken."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_route("*", "/{path:.*}", self._answer)
        # A reader that leaves ends its handler: an idle stream would not notice otherwise.
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S
        )
        await runner.setup()
        site = web.TCPSite(runner, self._asked_host, self._asked_port)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.host, self.port = runner.addresses[0][:2]
        self.opened()

    async def stop(self) -> None:
        self.closing()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.rel_url.raw_path.startswith(CONTROL_ROOT):
            return await self.answer_control(request)
        return await self.answer(request)
