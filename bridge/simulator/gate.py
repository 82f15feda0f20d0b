"""The way of a request through the service, layer by layer (contracts.md 1.2, 1.3, 1.11).

Platform (error pages, host, trailing slash), then the sign-in redirect, then routing, then in the
handler: token validity, limiter, scope, work. The order decides what costs a unit of the limiter.
"""

from __future__ import annotations

import zlib
from urllib.parse import quote

from aiohttp import web

from bridge.simulator.app import ROOT, USER_PATH, Method, find_route
from bridge.simulator.catalogue import user_reply
from bridge.simulator.clock import sleep
from bridge.simulator.faults import AFTERWARDS, AT_SIGN_IN, EARLY, INSTEAD, Fault
from bridge.simulator.replies import (
    Reply,
    failure,
    page,
    rate_limited,
    redirect,
    unauthorized,
)
from bridge.simulator.requestlog import RequestRecord
from bridge.simulator.times import http_date
from bridge.simulator.tokens import Rights, token_hash
from bridge.simulator.world import Call, World

GZIP_BYTES_MIN = 860  # smaller bodies do not shrink enough to matter
_GZIP_WBITS = 31  # deflate with a gzip header
_BAD_SCOPE = (
    "Missing required scope: {0}. Issue a new token with the '{0}' scope at /settings/api-keys."
)


class Gate:
    """Answers every request that is not for the control API."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle(self, request: web.Request) -> web.StreamResponse:
        world = self._world
        record = world.log.open(
            world.clock.now(),
            request.method,
            request.rel_url.raw_path,
            request.rel_url.raw_query_string,
            last_event_id=request.headers.get("Last-Event-ID"),
        )
        token = _bearer(request)
        record.token = token_hash(token) if token else None
        method, ids = _locate(request)
        record.endpoint = method.endpoint if method else ""
        if request.rel_url.raw_path == USER_PATH:
            record.endpoint = "user"
        if record.endpoint in {"run", "events", "stream", "cancel"}:
            record.run_id = ids[0].lower()

        fault = self._draw(EARLY, record)
        if fault is not None and fault.kind == "reset":
            return _drop(request)
        reply = self._outside(request, record, fault, token)
        if reply is None and record.endpoint == "user":
            reply = self._user(record, token)
        if reply is None and method is None:
            reply = Reply(405) if find_route(request.rel_url.raw_path) else _not_found()
        if reply is None and method is not None and token is not None:
            return await self._inside(request, record, method, ids, token)
        return await self._send(request, record, reply or _not_found())

    def _draw(self, kinds: frozenset[str], record: RequestRecord) -> Fault | None:
        fault = self._world.faults.draw(
            kinds, endpoint=record.endpoint, run_id=record.run_id, token=record.token
        )
        if fault is not None:
            record.fault = fault.kind
        return fault

    def _outside(  # noqa: PLR0911 - the order of the layers is the contract
        self, request: web.Request, record: RequestRecord, fault: Fault | None, token: str | None
    ) -> Reply | None:
        """What the platform and the framework answer before the application is reached."""
        knobs = self._world.knobs
        if fault is not None:
            return page(fault.status or knobs.html_5xx_status, "Bad gateway")
        if knobs.html_5xx > 0:
            knobs.html_5xx -= 1
            record.fault = "html_5xx"
            return page(knobs.html_5xx_status, "Bad gateway")
        url = request.rel_url
        query = f"?{url.raw_query_string}" if url.raw_query_string else ""
        path = url.raw_path
        if request.host.startswith("www.") and knobs.www == "redirect":
            apex = request.host.removeprefix("www.")
            return redirect(308, f"{request.scheme}://{apex}{path}{query}")
        if path != "/" and path.endswith("/") and knobs.trailing_slash == "redirect":
            return redirect(308, (path.rstrip("/") or "/") + query)
        if token is None and (path == ROOT or path.startswith(f"{ROOT}/")):
            if knobs.no_bearer == "unauthorized":
                return unauthorized(_origin(request))
            goal = quote(path + query, safe="")
            return redirect(307, f"{_origin(request)}/login?next={goal}")
        if path == "/login":
            return page(200, "Sign in")
        if record.endpoint == "stream" and self._stream_knob(record) == "absent":
            return _not_found()
        return None

    def _stream_knob(self, record: RequestRecord) -> str:
        world = self._world
        run = world.store.runs.get(record.run_id or "")
        return (world.lifecycle.knobs_of(run) if run else world.knobs).stream

    def _user(self, record: RequestRecord, token: str | None) -> Reply:
        refusal, _ = self._sign_in(record, token or "", "")
        return user_reply(None if refusal else self._world.account.user)

    def _sign_in(
        self, record: RequestRecord, token: str, origin: str
    ) -> tuple[Reply | None, Rights | None]:
        """Validity first, then the limiter; the request log learns what became of it."""
        world = self._world
        now_s = world.clock.now()
        rights = world.tokens.look_up(token)
        is_flap = False
        if rights is not None:
            is_flap = self._draw(AT_SIGN_IN, record) is not None
            if not is_flap and world.knobs.auth_flap > 0:
                world.knobs.auth_flap -= 1
                record.fault = "unauthorized"
                is_flap = True
        if rights is None or is_flap:
            world.log.settle(record, "unauthorized", now_s)
            return unauthorized(origin), None
        knobs = world.knobs
        if knobs.limiter == "on" and rights.metered:
            taken = world.limiter.take(
                record.token or "",
                now_s,
                limit=knobs.limiter_limit,
                window_s=knobs.limiter_window_s,
                instances=knobs.limiter_instances,
            )
            if not taken:
                world.log.settle(record, "refused", now_s)
                return rate_limited(), None
        world.log.settle(record, "accepted", now_s)
        return None, rights

    async def _inside(  # noqa: PLR0911 - the order of the checks is the contract
        self,
        request: web.Request,
        record: RequestRecord,
        method: Method,
        ids: tuple[str, ...],
        token: str,
    ) -> web.StreamResponse:
        refusal, rights = self._sign_in(record, token, _origin(request))
        if refusal is None and rights and method.scope and method.scope not in rights.scopes:
            refusal = failure(403, "FORBIDDEN", _BAD_SCOPE.format(method.scope))
        if refusal is not None:
            return await self._send(request, record, refusal)
        fault = self._draw(INSTEAD, record)
        if fault is not None:
            return await self._send(request, record, _instead(fault, method))
        call = Call(self._world, request, record, record.token or "", ids, method.trouble)
        answer = await method.handler(call)
        if not isinstance(answer, Reply):
            return answer
        fault = self._draw(AFTERWARDS, record)
        if fault is None:
            return await self._send(request, record, answer)
        if fault.kind == "slow":
            await sleep(self._world.clock, fault.delay_s)
            return await self._send(request, record, answer)
        if fault.kind == "cut_body":
            return await _send_half(request, record, answer)
        return _drop(request)

    async def _send(
        self, request: web.Request, record: RequestRecord, reply: Reply
    ) -> web.StreamResponse:
        world = self._world
        knobs = world.knobs
        if knobs.delay_s > 0:
            await sleep(world.clock, knobs.delay_s)
        record.status = reply.status
        headers = {**reply.headers, "Date": http_date(world.clock.now())}
        if reply.content_type is not None:
            headers["Content-Type"] = reply.content_type
        if knobs.request_id:
            headers["x-vercel-id"] = f"sim1::{record.number}"
        body = reply.body
        asked = request.headers.get("Accept-Encoding", "")
        if knobs.gzip and "gzip" in asked and len(body) >= GZIP_BYTES_MIN:
            packer = zlib.compressobj(1, wbits=_GZIP_WBITS)
            body = packer.compress(body) + packer.flush()
            headers["Content-Encoding"] = "gzip"
            headers["Vary"] = "Accept-Encoding"
        response = web.Response(status=reply.status, body=body, headers=headers)
        if reply.content_type is None:
            # aiohttp would call an empty body a download; the framework names no type.
            response.headers.popall("Content-Type", None)
        return response


def _locate(request: web.Request) -> tuple[Method | None, tuple[str, ...]]:
    found = find_route(request.rel_url.raw_path.rstrip("/"))
    if found is None:
        return None, ()
    route, ids = found
    return route.methods.get(request.method), ids


def _bearer(request: web.Request) -> str | None:
    """None when the header is absent or does not start with `Bearer `."""
    header = request.headers.get("Authorization", "")
    return header[7:].strip() if header.startswith("Bearer ") else None


def _origin(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


def _not_found() -> Reply:
    return page(404, "This page could not be found.")


def _instead(fault: Fault, method: Method) -> Reply:
    match fault.kind:
        case "database":
            return failure(500, "INTERNAL_ERROR", method.trouble)
        case "crash":
            return Reply(500)
        case "not_json":
            return page(200, "Sign in to the network")
    reply = failure(fault.status or 500, fault.code, fault.message)
    if fault.retry_after is not None:
        reply.headers["Retry-After"] = fault.retry_after
    return reply


def _drop(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    # Never leaves the process: the server finds the transport closed.
    return web.Response(status=500)


async def _send_half(
    request: web.Request, record: RequestRecord, reply: Reply
) -> web.StreamResponse:
    headers = {**reply.headers, "Content-Length": str(len(reply.body))}
    if reply.content_type is not None:
        headers["Content-Type"] = reply.content_type
    record.status = reply.status
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
