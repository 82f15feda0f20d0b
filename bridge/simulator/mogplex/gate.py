"""The path of a request through the service, layer by layer (mogplex.md 1.2, 1.3, 1.11).

First the platform (error pages, host, trailing slash), then the sign-in redirect and the routing,
then in the handler: token, limiter, scope, work. The order decides which requests the limiter
counts.
"""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from bridge.simulator.kit.clock import sleep
from bridge.simulator.kit.faults import AFTERWARDS, EARLY, Fault
from bridge.simulator.kit.replies import Reply, page, redirect
from bridge.simulator.kit.requestlog import RequestRecord
from bridge.simulator.kit.sending import bearer, drop, send, send_half
from bridge.simulator.kit.tokens import token_hash
from bridge.simulator.mogplex.app import MODELS_PATH, ROOT, USER_PATH, Method, find_route
from bridge.simulator.mogplex.catalogue import user_reply
from bridge.simulator.mogplex.faults import AT_SIGN_IN, INSTEAD
from bridge.simulator.mogplex.replies import failure, rate_limited, unauthorized
from bridge.simulator.mogplex.tokens import Rights
from bridge.simulator.mogplex.world import Call, World

_BAD_SCOPE = (
    "Missing required scope: {0}. Issue a new token with the '{0}' scope at /settings/api-keys."
)


class Gate:
    """Answers every request that is not for the control API."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request and log it."""
        world = self._world
        record = world.log.open(
            world.clock.now(),
            request.method,
            request.rel_url.raw_path,
            request.rel_url.raw_query_string,
            last_event_id=request.headers.get("Last-Event-ID"),
        )
        token = bearer(request)
        record.token = token_hash(token) if token else None
        method, ids = _locate(request)
        record.endpoint = method.endpoint if method else ""
        if request.rel_url.raw_path == USER_PATH:
            record.endpoint = "user"
        if record.endpoint in {"run", "events", "stream", "cancel"}:
            record.feed_id = ids[0].lower()

        fault = self._world.draw(EARLY, record)
        if fault is not None and fault.kind == "reset":
            return drop(request)
        reply = self._outside(request, record, fault, token)
        if reply is None and record.endpoint == "user":
            reply = self._user(record, token)
        if reply is None and method is None:
            reply = Reply(405) if find_route(request.rel_url.raw_path) else _not_found()
        if reply is None and method is not None and token is not None:
            return await self._inside(request, record, method, ids, token)
        return await self._send(request, record, reply or _not_found())

    def _outside(  # noqa: PLR0911 - the order of the layers is the contract
        self, request: web.Request, record: RequestRecord, fault: Fault | None, token: str | None
    ) -> Reply | None:
        """Return what platform and framework answer before the application gets the request."""
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
        if token is None and path == MODELS_PATH:
            return unauthorized(_origin(request))
        if path == "/login":
            return page(200, "Sign in")
        if record.endpoint == "stream" and self._stream_knob(record) == "absent":
            return _not_found()
        return None

    def _stream_knob(self, record: RequestRecord) -> str:
        world = self._world
        run = world.store.runs.get(record.feed_id or "")
        return (world.lifecycle.knobs_of(run) if run else world.knobs).stream

    def _user(self, record: RequestRecord, token: str | None) -> Reply:
        refusal, _ = self._sign_in(record, token or "", "")
        return user_reply(None if refusal else self._world.account.user)

    def _sign_in(
        self, record: RequestRecord, token: str, origin: str
    ) -> tuple[Reply | None, Rights | None]:
        """Check the token, then the limiter; logs the outcome."""
        world = self._world
        now_s = world.clock.now()
        rights = world.tokens.look_up(token)
        is_flap = False
        if rights is not None:
            is_flap = self._world.draw(AT_SIGN_IN, record) is not None
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
        fault = self._world.draw(INSTEAD, record)
        if fault is not None:
            return await self._send(request, record, _instead(fault, method))
        call = Call(self._world, request, record, record.token or "", ids, method.trouble)
        answer = await method.handler(call)
        if not isinstance(answer, Reply):
            return answer
        fault = self._world.draw(AFTERWARDS, record)
        if fault is None:
            return await self._send(request, record, answer)
        if fault.kind == "slow":
            await sleep(self._world.clock, fault.delay_s)
            return await self._send(request, record, answer)
        if fault.kind == "cut_body":
            return await send_half(request, record, answer)
        return drop(request)

    async def _send(
        self, request: web.Request, record: RequestRecord, reply: Reply
    ) -> web.StreamResponse:
        world = self._world
        if world.knobs.request_id:
            reply.headers["x-vercel-id"] = f"sim1::{record.number}"
        knobs = world.knobs
        return await send(
            request, record, reply, world.clock, delay_s=knobs.delay_s, gzip=knobs.gzip
        )


def _locate(request: web.Request) -> tuple[Method | None, tuple[str, ...]]:
    found = find_route(request.rel_url.raw_path.rstrip("/"))
    if found is None:
        return None, ()
    route, ids = found
    return route.methods.get(request.method), ids


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
