"""The HTTP server: opens the port, checks access to its routes, and stops in order."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from aiohttp import HttpVersion11, hdrs, web

from bridge.core.errors import ConfigError, JournalError
from bridge.log import get_logger
from bridge.outputs.compression import compress
from bridge.outputs.http.access import Access, Fetching, LoopbackAccess, Need
from bridge.outputs.http.certificates import Certificates
from bridge.outputs.http.connection import Connection
from bridge.outputs.http.groups import OwnErrors, Policed, Policy, Route, RouteGroup, Working
from bridge.outputs.http.limits import fit_to_open_files
from bridge.outputs.http.open_connections import OpenConnections
from bridge.outputs.http.problems import COMMON_HEADERS, ProblemError, respond, unavailable
from bridge.outputs.http.streaming import Streams
from bridge.outputs.http.tally import Tally
from bridge.redact import Redactor
from bridge.tasks import TaskGroup

_log = get_logger()

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]

_ACCESS_EVERY_S = 2.0  # seconds until a removed token is no longer valid
_TLS_GOODBYE_S = 5.0  # wait for the client's close_notify; asyncio's 30 s keep a socket too long
_ASKED_BEFOREHAND = ("GET", "HEAD", "POST")  # for groups that match every path below a prefix
_LISTEN_BACKLOG = 1024  # dashboards reconnect together after a restart


class Server:
    """One HTTP server over one journal.

    `await start(host, port)`, run `run()` in the program's task group, `await drain(seconds)`, then
    cancel `run` and `await close()`.
    """

    def __init__(
        self,
        groups: Sequence[RouteGroup],
        streams: Streams,
        redactor: Redactor,
        *,
        access: Access | None = None,
        policy: Policy | None = None,
        count: Callable[[str, int], None] = lambda _group, _status: None,
        connections: Tally | None = None,
    ) -> None:
        """Build the server; `start` opens the port.

        Args:
            groups: The groups of routes.
            streams: The streams that the groups open.
            redactor: Redacts the texts of refusals.
            access: Who may read; None is this machine only.
            policy: The operator's settings for clients; None is the default.
            count: Called with the group and the HTTP status of every answer.
            connections: Counts open connections; None counts those of this process.
        """
        self._count = count
        self._group_of: dict[object, str] = {}  # by handler
        self._access = access or LoopbackAccess()
        self._certificates: Certificates | None = None
        self._redactor = redactor
        self._groups = groups
        self._streams = streams
        self._policy = Policy()
        self._open = OpenConnections(self._policy.limits, connections)
        self.adopt(policy or self._policy)
        limits = self._policy.limits
        self._largest_body = max(map(_body_of, groups), default=0)
        self._app = web.Application(
            middlewares=[self._answer],
            client_max_size=max(limits.body_bytes_max, self._largest_body),
        )
        self._app.on_response_prepare.append(_dress)
        for group in groups:
            self._add(group)
        self._runner = web.AppRunner(
            self._app, access_log=None, handle_signals=False, shutdown_timeout=5.0
        )
        self._listeners: list[asyncio.Server] = []

    def _add(self, group: RouteGroup) -> None:
        for route in group.routes():
            guarded = self._guarded(route)
            self._group_of[guarded] = group.name
            expect = _await_body if route.body_bytes_max else _await_no_body
            for verb in (route.method, "HEAD") if route.method == "GET" else (route.method,):
                self._app.router.add_route(verb, route.path, guarded, expect_handler=expect)

    def _guarded(self, route: Route) -> Next:
        need, handler = route.need, route.handler

        async def guarded(request: web.Request) -> web.StreamResponse:
            # Matched by a `*` route that is not a relay: a preflight request.
            if request.method == hdrs.METH_OPTIONS and need is not Need.NOTHING:
                raise web.HTTPMethodNotAllowed(request.method, _ASKED_BEFOREHAND)
            self._check_body(request, route.body_bytes_max)
            if need is Need.STREAM and isinstance(self._access, Fetching):
                await self._access.fetch(request)
            decision = self._access.allow(request, need)
            if isinstance(decision, ProblemError):
                raise decision
            return await handler(request, decision)

        return guarded

    @property
    def open_streams(self) -> int:
        """The number of event streams that this process serves now."""
        return self._streams.hub.count

    @property
    def handed_out(self) -> int:
        """The sequence up to which every stream at the head has its records."""
        return self._streams.hub.position

    async def start(
        self,
        host: str,
        port: int,
        certificates: Certificates | None = None,
        *,
        bound: Sequence[socket.socket] = (),
    ) -> tuple[str, int]:
        """Open the port.

        Args:
            host: The address to listen on.
            port: The port; 0 is any free one.
            certificates: Serve TLS only; None serves plain HTTP.
            bound: Sockets that already listen on the address.

        Returns:
            The host and port that were bound.

        Raises:
            ConfigError: The address cannot be opened; the text says what to do.
        """
        self._access.check_listen(host)
        self._certificates = certificates
        await self._runner.setup()
        by_name: dict[str, Any] = {"host": host.strip("[]"), "port": port}
        loop = asyncio.get_running_loop()
        try:
            places: list[dict[str, Any]] = [{"sock": each} for each in bound] or [by_name]
            for where in places:
                listener = await loop.create_server(
                    self._connection, backlog=_LISTEN_BACKLOG, **where, **self._tls()
                )
                self._listeners.append(listener)
        except (OSError, OverflowError, UnicodeError) as error:
            await self._runner.cleanup()
            raise ConfigError(why_not(host, port, error)) from error
        bound_host, bound_port = self._listeners[0].sockets[0].getsockname()[:2]
        self._access.listening_on(host, bound_port)
        return bound_host, bound_port

    async def start_inside(self, host: str, port: int) -> None:
        """Serve without a port: workers serve this address, and `take` gets what they forward."""
        self._access.check_listen(host)
        await self._runner.setup()
        self._access.listening_on(host, port)

    async def take(self, connected: socket.socket) -> None:
        """Serve one connection that a worker opened."""
        await asyncio.get_running_loop().connect_accepted_socket(self._connection, connected)

    def _connection(self) -> Connection:
        web_server = self._runner.server
        assert web_server is not None
        return Connection(
            web_server, self._policy.limits, self._open, self._answer_anyway, self._largest_body
        )

    def adopt(self, policy: Policy) -> None:
        """Apply this policy from the next request on, within the limit of open files.

        No connection is cut.
        """
        self._policy = policy = replace(policy, limits=fit_to_open_files(policy.limits))
        self._open.limits, self._open.proxies = policy.limits, policy.proxies
        self._access.origins = policy.origins
        for part in (self._streams, *self._groups):
            if isinstance(part, Policed):
                part.adopt(policy)

    def change_certificates(self, certificates: Certificates | None) -> None:
        """Use these files from now on; only a restart turns TLS on or off."""
        if self._certificates is not None and certificates is not None:
            self._certificates.adopt(certificates)

    def _tls(self) -> dict[str, Any]:
        if self._certificates is None:
            return {}
        return {
            "ssl": self._certificates.context,
            "ssl_handshake_timeout": self._policy.limits.header_wait_s,
            "ssl_shutdown_timeout": _TLS_GOODBYE_S,
        }

    async def run(self) -> None:
        """Serve the open streams until cancelled."""
        async with TaskGroup() as tasks:
            tasks.create_task(self._streams.run(), name="server.streams")
            tasks.create_task(self._watch_access(), name="server.access")
            for group in self._groups:
                if isinstance(group, Working):
                    tasks.create_task(group.run(), name=f"server.{group.name}")

    async def _watch_access(self) -> None:
        while True:
            await asyncio.sleep(_ACCESS_EVERY_S)
            if self._certificates is not None:
                self._certificates.refresh()
            if self._access.refresh():
                self._streams.end_those(lambda identity: not self._access.is_valid(identity))

    async def drain(self, deadline_s: float) -> None:
        """Accept no new clients, deliver committed records, end the streams in order.

        `run` must still be running. Streams that have not ended by the deadline are cut.
        """
        for listener in self._listeners:
            listener.close()
        await self._streams.drain(deadline_s)

    async def close(self) -> None:
        """Close the port and all connections. Idempotent."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self._streams.cut_all()
        await self._runner.cleanup()

    def _check_body(self, request: web.Request, bytes_max: int = 0) -> None:
        bytes_max = bytes_max or self._policy.limits.body_bytes_max
        if (request.content_length or 0) > bytes_max:
            raise ProblemError(
                "body_too_large",
                f"no body over {bytes_max} bytes is accepted here",
                headers={"Connection": "close"},
            )

    @web.middleware
    async def _answer(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """Turn every failure into a problem document."""
        connection = cast("Connection", request.protocol)
        connection.note_request()
        try:
            if request.match_info.http_exception is not None:  # no route reads it
                self._check_body(request)
            response = await handler(request)
        except ProblemError as problem:
            response = self._refuse(request, problem)
        except JournalError as error:
            _log.warning("http.request_failed", error=type(error).__name__)
            response = self._refuse(request, unavailable(error))
        except web.HTTPMethodNotAllowed as error:
            response = self._wrong_method(request, error)
            response.headers.update(self._policy.origins.preflight_headers(request))
        except web.HTTPException as error:
            response = self._refuse(request, _of_aiohttp(error))
        except Exception as error:  # noqa: BLE001 - one client's request must not end the server
            # The error's text may hold a secret, so the client gets a fixed sentence.
            _log.exception("http.request_failed", error=type(error).__name__)
            bug = ProblemError("internal_error", "see the log of the bridge for the cause")
            response = self._refuse(request, bug)
        await self._adapt(request, response)
        self._count(self._group_of.get(request.match_info.handler, "none"), response.status)
        body = response.body if isinstance(response, web.Response) else None
        connection.note_answer(len(body) if isinstance(body, bytes) else 0)
        return response

    async def _answer_anyway(self, request: web.Request) -> web.StreamResponse:
        """Answer a request that no route reads, and whose expectation aiohttp refused."""
        return await self._answer(request, request.match_info.handler)

    def _refuse(self, request: web.Request, problem: ProblemError) -> web.Response:
        """A refusal in the form of the path's clients."""
        for group in self._groups:
            if isinstance(group, OwnErrors) and request.path.startswith(group.prefix):
                problem.detail = self._redactor.text(problem.detail)
                return group.refuse(problem)
        return respond(problem, self._redactor)

    def _wrong_method(self, request: web.Request, error: web.HTTPMethodNotAllowed) -> web.Response:
        allow = ", ".join(sorted({*error.allowed_methods, hdrs.METH_OPTIONS}))
        if request.method == hdrs.METH_OPTIONS:
            return web.Response(status=204, headers={hdrs.ALLOW: allow})
        text = f"{request.method[:16]} is not possible here, but {allow}"
        headers = {str(hdrs.ALLOW): allow}
        return self._refuse(request, ProblemError("method_not_allowed", text, headers=headers))

    async def _adapt(self, request: web.Request, response: web.StreamResponse) -> None:
        """Adapt the answer to the client: CORS headers and compression."""
        response.headers.update(self._policy.origins.headers(request))
        vary = [response.headers.get(hdrs.VARY, ""), self._policy.origins.vary]
        if self._policy.may_compress:
            vary.append(hdrs.ACCEPT_ENCODING)
            await compress(request, response)
        if found := ", ".join(filter(None, vary)):
            response.headers[hdrs.VARY] = found


def _body_of(group: RouteGroup) -> int:
    return max((route.body_bytes_max for route in group.routes()), default=0)


async def _dress(request: web.Request, response: web.StreamResponse) -> None:  # noqa: ARG001
    """Add the common headers, as a signal: aiohttp's own answers skip the middleware."""
    response.headers.update(COMMON_HEADERS)


async def _await_body(request: web.Request) -> None:
    """Invite the body. Any other expectation is ignored, as RFC 9110, 10.1.1 allows."""
    expected = request.headers.get(hdrs.EXPECT, "")
    if request.version >= HttpVersion11 and expected.lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # nothing of the answer is sent yet


async def _await_no_body(request: web.Request) -> None:
    """Send no `100 Continue`: the route reads no body, and its answer is ready at once."""


def _of_aiohttp(error: web.HTTPException) -> ProblemError:
    if error.status == 404:
        return ProblemError("not_found", "no such path; /openapi.json lists them")
    if error.status == 413:
        return ProblemError("body_too_large", "no route here needs a body of that size")
    return ProblemError("bad_request", error.reason)


def why_not(host: str, port: int, error: Exception) -> str:
    """Return why an address cannot be opened, and what to do."""
    where = f"listen: cannot open {host}:{port}"
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"{where}: another program uses it; stop that one or choose another port (0 = any)"
    if number == errno.EACCES:
        return f"{where}: not permitted; ports below 1024 need a privilege, choose a higher one"
    if number == errno.EADDRNOTAVAIL:
        return f"{where}: this machine has no such address; 127.0.0.1 is always there"
    return f"{where}: {error}; check host and port"
