"""A simulated service on a port of its own, in the caller's event loop."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from aiohttp import web

from bridge.simulator.kit.service import Service

BODY_BYTES_MAX = 64 * 2**20  # of one control request; bulk appends are the largest
SHUTDOWN_S = 1.0  # open replies get so long to end
CONTROL_ROOT = "/_sim"


class Answers(Protocol):
    """Who answers requests: the gate of a profile, and its control API."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; paths below CONTROL_ROOT belong to the control API."""


class Listener:
    """Listens and answers; mixed into a profile's simulator.

    async with Simulator(knobs={"window": "head"}, seed=7) as sim:
        ...  # talk to sim.url

    With a `ManualClock` as `clock`, time stands still until the test moves it.
    """

    def __init__(
        self, service: Service, gate: Answers, control: Answers, *, host: str, port: int
    ) -> None:
        self._service, self._gate, self._control = service, gate, control
        self._asked_host, self._asked_port = host, port
        self.host, self.port = host, port  # the real ones while it runs
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Origin, without a trailing slash; only while it runs."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Listen, and begin the scenario.

        Raises:
            OSError: The address is in use.
        """
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
        self._service.reset()

    async def stop(self) -> None:
        """Stop the scripts, cut all streams, and close the port; may be called again."""
        self._service.halt()
        self._service.cut_feed("clean", None)
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
            return await self._control.handle(request)
        try:
            return await self._gate.handle(request)
        except ConnectionResetError:  # the client was killed in the middle of an answer
            return web.Response()
