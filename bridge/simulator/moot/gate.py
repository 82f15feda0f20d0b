"""The way of a request through the service, layer by layer.

Platform (error pages), routing, key, suspended tenant, limiter, then the work. The order decides
what costs a unit of the limiter.
"""

from __future__ import annotations

import re

from aiohttp import web

from bridge.simulator.kit.clock import sleep
from bridge.simulator.kit.faults import AFTERWARDS, EARLY, Fault
from bridge.simulator.kit.replies import Reply, json_reply, page
from bridge.simulator.kit.requestlog import RequestRecord
from bridge.simulator.kit.sending import bearer, drop, send, send_half
from bridge.simulator.kit.tokens import token_hash
from bridge.simulator.moot.app import HEALTH_PATH, STREAMING, Method, find_route
from bridge.simulator.moot.faults import AT_SIGN_IN, INSTEAD, OUTSIDE
from bridge.simulator.moot.replies import (
    BAD_KEY,
    NO_KEY,
    NO_SPACE,
    NOT_A_PARTICIPANT,
    SUSPENDED,
    detail,
)
from bridge.simulator.moot.tokens import Rights
from bridge.simulator.moot.world import Call, World

_SECRET = re.compile(r"(^|&)token=[^&]*")


class Gate:
    """Answers every request that is not for the control API."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request and log it, without its key."""
        world = self._world
        url = request.rel_url
        record = world.log.open(
            world.clock.now(),
            request.method,
            url.raw_path,
            _SECRET.sub(r"\1token=***", url.raw_query_string),
            last_event_id=request.headers.get("Last-Event-ID"),
        )
        found = find_route(url.raw_path)
        method = found[0].methods.get(request.method) if found else None
        ids = found[1] if found else ()
        record.endpoint = method.endpoint if method else ""
        if url.raw_path == HEALTH_PATH:
            record.endpoint = "health"
        if ids and "/spaces/" in url.raw_path:
            record.feed_id = ids[0]
        token = _key(request, record.endpoint, world.knobs.stream_auth)
        record.token = token_hash(token) if token else None
        fault = self._world.draw(EARLY | OUTSIDE, record)
        if fault is not None and fault.kind == "reset":
            return drop(request)
        reply = self._outside(record, fault)
        if reply is None and method is None:
            reply = detail(405, "Method Not Allowed") if found else detail(404, "Not Found")
        if reply is None and method is not None:
            return await self._inside(request, record, method, ids, token)
        return await self._send(request, record, reply or detail(404, "Not Found"))

    def _outside(self, record: RequestRecord, fault: Fault | None) -> Reply | None:
        """What a proxy answers before the application is reached, and the route without a key."""
        knobs = self._world.knobs
        if fault is not None and fault.kind == "empty_502":
            return Reply(502)
        if fault is not None:
            return page(fault.status or knobs.html_5xx_status, "Bad gateway")
        if knobs.html_5xx > 0:
            knobs.html_5xx -= 1
            record.fault = "html_5xx"
            return page(knobs.html_5xx_status, "Bad gateway")
        if record.endpoint == "health":
            return json_reply(200, {"status": "ok"})
        return None

    def _sign_in(self, record: RequestRecord, token: str | None) -> tuple[Reply | None, Rights]:
        """The key first, then the tenant, then the limiter."""
        world, now_s = self._world, self._world.clock.now()
        rights = world.tokens.look_up(token) if token else None
        if rights is None or self._world.draw(AT_SIGN_IN, record) is not None:
            world.log.settle(record, "unauthorized", now_s)
            return detail(401, BAD_KEY if token else NO_KEY), Rights(valid=False)
        knobs = world.knobs
        if knobs.suspended:
            world.log.settle(record, "unauthorized", now_s)
            return detail(403, SUSPENDED), rights
        if knobs.limiter == "on" and rights.metered:
            taken = world.limiter.take(
                record.token or "",
                now_s,
                limit=knobs.limiter_limit,
                window_s=knobs.limiter_window_s,
                instances=1,
            )
            if not taken:
                world.log.settle(record, "refused", now_s)
                reply = detail(429, "Rate limit exceeded")
                if knobs.retry_after == "sent":
                    reply.headers["Retry-After"] = str(round(knobs.limiter_window_s))
                return reply, rights
        world.log.settle(record, "accepted", now_s)
        return None, rights

    async def _inside(
        self,
        request: web.Request,
        record: RequestRecord,
        method: Method,
        ids: tuple[str, ...],
        token: str | None,
    ) -> web.StreamResponse:
        refusal, rights = self._sign_in(record, token)
        if refusal is not None:
            return await self._send(request, record, refusal)
        has_cursor = not {"since", "before"}.isdisjoint(request.rel_url.query)
        fault = self._world.draw(INSTEAD if has_cursor else INSTEAD - {"cursor"}, record)
        if fault is not None:
            return await self._send(request, record, _instead(fault))
        call = Call(self._world, request, record, token or "", rights, ids)
        answer = await method.handler(call)
        if not isinstance(answer, Reply):
            return answer
        fault = self._world.draw(AFTERWARDS, record)
        if fault is not None and fault.kind == "lost_reply":
            return drop(request)
        if fault is not None and fault.kind == "cut_body":
            return await send_half(request, record, answer)
        if fault is not None:
            await sleep(self._world.clock, fault.delay_s)
        return await self._send(request, record, answer)

    async def _send(
        self, request: web.Request, record: RequestRecord, reply: Reply
    ) -> web.StreamResponse:
        world = self._world
        return await send(request, record, reply, world.clock, delay_s=world.knobs.delay_s)


def _key(request: web.Request, endpoint: str, place: str) -> str | None:
    """The key of a request; streams take it from the query too, as the knob says."""
    header = bearer(request)
    if endpoint not in STREAMING:
        return header
    query = request.rel_url.query.get("token")
    if place == "header":
        return header
    if place == "query":
        return query
    return header or query


def _instead(fault: Fault) -> Reply:
    match fault.kind:
        case "forbidden":
            return detail(403, NOT_A_PARTICIPANT)
        case "not_found":
            return detail(404, NO_SPACE)
        case "cursor":
            return detail(400, "Invalid cursor")
        case "not_json":
            return page(200, "Sign in to the network")
        case "empty_page":
            return json_reply(200, [])
    reply = detail(fault.status or 500, fault.message)
    if fault.retry_after is not None:
        reply.headers["Retry-After"] = fault.retry_after
    return reply
