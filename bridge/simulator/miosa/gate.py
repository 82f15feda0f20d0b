"""The path of a request: platform, routes, 406, authentication, limiter, scope, work."""

from __future__ import annotations

import math
from typing import Any

from aiohttp import web

from bridge.simulator.kit.clock import sleep
from bridge.simulator.kit.faults import AFTERWARDS, EARLY, Fault
from bridge.simulator.kit.replies import Reply, page
from bridge.simulator.kit.requestlog import RequestRecord
from bridge.simulator.kit.sending import bearer, drop, send, send_half
from bridge.simulator.kit.tokens import token_hash
from bridge.simulator.miosa.app import Route, find_route
from bridge.simulator.miosa.refusals import no_route
from bridge.simulator.miosa.world import AT_SIGN_IN, INSTEAD, Call, Rights, World, refuse

_DOCUMENTED = frozenset({"build", "snapshot"})  # streams that take a ticket only


class Gate:
    """Answers every request that is not for the control API."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request and log it, without its secrets."""
        world, url = self._world, request.rel_url
        record = world.log.open(
            world.clock.now(),
            request.method,
            url.raw_path,
            "&".join(name for name in url.query),  # names only: a ticket is a secret
            last_event_id=request.headers.get("Last-Event-ID"),
        )
        key = bearer(request)
        record.token = token_hash(key) if key else None
        found = find_route(url.raw_path, request.method)
        if not isinstance(found, Reply):
            _name(record, *found)
        fault = self._world.draw(EARLY, record)
        if fault is not None and fault.kind == "reset":
            return drop(request)
        reply = self._outside(request, fault)
        if reply is None and isinstance(found, Reply):
            reply = found
        if reply is not None:
            return await self._send(request, record, reply)
        assert not isinstance(found, Reply)
        route, ids = found
        return await self._inside(request, record, route, ids, key)

    def _outside(self, request: web.Request, fault: Fault | None) -> Reply | None:
        knobs, path = self._world.knobs, request.rel_url.raw_path
        if fault is not None:
            return page(fault.status or 502, "Bad gateway")
        if knobs.html_5xx > 0:
            knobs.html_5xx -= 1
            return page(502, "Bad gateway")
        is_new = path.startswith("/api/v1/runs")
        if (is_new and knobs.runs_path == "agent_runs") or (
            path.startswith("/api/v1/agent-runs") and knobs.runs_path == "runs"
        ):
            return no_route()
        accept = request.headers.get("Accept", "")
        if knobs.accept == "strict" and accept.strip() == "text/event-stream":
            return no_route(406)
        return None

    async def _inside(
        self,
        request: web.Request,
        record: RequestRecord,
        route: Route,
        ids: tuple[str, ...],
        key: str | None,
    ) -> web.StreamResponse:
        rights = self._sign_in(request, record, route, key)
        reply = rights if isinstance(rights, Reply) else self._limited(record, rights)
        if reply is None and not isinstance(rights, Reply):
            reply = self._troubled(record, route, rights)
        if reply is not None or isinstance(rights, Reply):
            return await self._send(request, record, reply or no_route())
        fault = self._world.draw(INSTEAD, record)
        if fault is not None:
            return await self._send(request, record, self._instead(fault, record))
        if record.endpoint.endswith(".stream"):  # its handler sends the head
            slow = self._world.draw(frozenset({"slow"}), record)
            await sleep(self._world.clock, 0.0 if slow is None else slow.delay_s)
        answer = await route.handler(
            Call(self._world, request, record, rights, record.token or "", ids)
        )
        if not isinstance(answer, Reply):
            return answer
        fault = self._world.draw(AFTERWARDS, record)
        if fault is not None and fault.kind == "slow":
            await sleep(self._world.clock, fault.delay_s)
        elif fault is not None:
            is_half = fault.kind == "cut_body"
            return await send_half(request, record, answer) if is_half else drop(request)
        return await self._send(request, record, answer)

    # -- sign-in, limits, trouble

    def _sign_in(
        self, request: web.Request, record: RequestRecord, route: Route, key: str | None
    ) -> Rights | Reply:
        world, knobs = self._world, self._world.knobs
        rights = world.tokens.look_up(key) if key else None
        ticket = request.rel_url.query.get("ticket")
        is_flap = rights is not None and (
            self._world.draw(AT_SIGN_IN, record) is not None or knobs.auth_flap > 0
        )
        if is_flap and knobs.auth_flap > 0:
            knobs.auth_flap -= 1
        is_stream = route.is_stream or route.endpoint in ("runs.events", "computers.socket")
        wants_ticket = is_stream and self._takes_tickets_only(request, route)
        if ticket is not None and is_stream:
            given = world.tickets.given.get(ticket)
            if not world.tickets.use(ticket):
                return self._unauthorized(record, knobs.ticket_code)
            if rights is None and given is not None:
                record.token = given.key
                return Rights()
        elif wants_ticket:
            return self._unauthorized(record, knobs.ticket_code)
        if rights is None or is_flap:
            return self._unauthorized(record, "invalid_token")
        return rights

    def _takes_tickets_only(self, request: web.Request, route: Route) -> bool:
        knobs = self._world.knobs
        if "text/event-stream" not in request.headers.get("Accept", ""):
            return False
        if knobs.ticket_kinds:
            return route.kind in knobs.ticket_kinds
        return knobs.tickets == "all" or (
            knobs.tickets == "documented" and route.kind in _DOCUMENTED
        )

    def _unauthorized(self, record: RequestRecord, code: str) -> Reply:
        self._world.log.settle(record, "unauthorized", self._world.clock.now())
        return refuse(self._world, record, 401, code, "not signed in")

    def _limited(self, record: RequestRecord, rights: Rights) -> Reply | None:
        world, knobs, now_s = self._world, self._world.knobs, self._world.clock.now()
        if knobs.limiter == "off":
            world.log.settle(record, "accepted", now_s)
            return None
        limit = knobs.limiter_limit if rights.limit is None else rights.limit
        taken = world.limiter.take(
            record.token or "", now_s, limit=limit, window_s=knobs.limiter_window_s, instances=1
        )
        world.log.settle(record, "accepted" if taken else "refused", now_s)
        if taken:
            return None
        wait_s = math.ceil(knobs.limiter_window_s)
        hints: dict[str, Any] = {}
        if knobs.limiter_wait == "body_ms":
            hints["retry_after_ms"] = wait_s * 1000
        elif knobs.limiter_wait == "body_s":
            hints["retry_after"] = wait_s
        headers = {"Retry-After": str(wait_s)} if knobs.limiter_wait == "header" else None
        return refuse(
            world, record, 429, "rate_limit_exceeded", "slow down", headers=headers, hints=hints
        )

    def _troubled(self, record: RequestRecord, route: Route, rights: Rights) -> Reply | None:
        """Return the refusal that the knobs request, if any."""
        world, knobs = self._world, self._world.knobs
        if route.scope and route.scope not in rights.scopes:
            text = f"missing scope: {route.scope}"
            return refuse(world, record, 403, "insufficient_scope", text)
        if knobs.unavailable > 0 and route.endpoint != "ticket":
            knobs.unavailable -= 1
            return self._unavailable(record)
        hints = {"retry_after_ms": knobs.retry_after_ms} if knobs.retry_after_ms else None
        if knobs.not_ready > 0 and route.kind and not route.endpoint.endswith(".list"):
            knobs.not_ready -= 1
            code = "SANDBOX_RUNTIME_UNAVAILABLE"
            return refuse(world, record, 409, code, "no address yet", hints=hints)
        if knobs.not_running > 0 and route.is_stream:
            knobs.not_running -= 1
            return refuse(world, record, 409, "SANDBOX_NOT_RUNNING", "not running", hints=hints)
        return None

    def _unavailable(self, record: RequestRecord) -> Reply:
        hint = self._world.knobs.unavailable_hint
        if hint == "plain":
            return Reply(503, b"Service Unavailable", "text/plain")
        headers = {"Retry-After": "2"} if hint == "header" else None
        hints = {"retryable": True} if hint == "flag" else None
        return refuse(
            self._world, record, 503, "SERVICE_UNAVAILABLE", "encryption is not configured",
            headers=headers, hints=hints,
        )  # fmt: skip

    def _instead(self, fault: Fault, record: RequestRecord) -> Reply:
        if fault.kind == "not_json":
            return page(200, "Welcome")
        headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
        status = fault.status or 500
        return refuse(self._world, record, status, fault.code, fault.message, headers=headers)

    async def _send(
        self, request: web.Request, record: RequestRecord, reply: Reply
    ) -> web.StreamResponse:
        world = self._world
        if world.knobs.request_id:
            reply.headers.setdefault("x-request-id", f"req_sim{record.number:08d}")
        return await send(request, record, reply, world.clock, delay_s=world.knobs.delay_s)


def _name(record: RequestRecord, route: Route, ids: tuple[str, ...]) -> None:
    """Say in the log which feed a request is about."""
    record.endpoint = route.endpoint
    if route.kind == "tenant":
        record.feed_id = "tenant"
    elif ids and route.kind:
        record.feed_id = f"{route.kind}:{'/'.join(ids).lower()}"
