"""The control API under /_sim/: changes the service, reads its log of requests (docs/simulator.md).

This module has the routes of every service; a profile adds those of its feeds. There is no
authentication, so only callers on this machine may use it unless the operator allows others.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.clock import ManualClock
from bridge.simulator.kit.faults import DELAY_S_MAX, Fault
from bridge.simulator.kit.fields import FieldError, Fields
from bridge.simulator.kit.knobs import KnobError
from bridge.simulator.kit.mistakes import FullError, NotFoundError, StateError
from bridge.simulator.kit.replies import JSON
from bridge.simulator.kit.server import CONTROL_ROOT
from bridge.simulator.kit.service import Service
from bridge.simulator.kit.tokens import token_hash

REQUESTS_PER_PAGE_MAX = 10_000
ADVANCE_S_MAX = 30 * 86_400.0
ID = "([^/]+)"  # stands for one id in a path
Row = tuple[str, str, Callable[..., Any]]  # method, path, action


class Control:
    """Routes that every service has. An action takes what `find` returned for an id, and fields."""

    def __init__(
        self,
        service: Service,
        feed_rows: Sequence[Row],
        find: Callable[[str], Any],
        *,
        allow_remote: bool,
        code: str = "INTERNAL_ERROR",
    ) -> None:
        """Create the control API of one service.

        `find` returns a feed by its id or raises NotFoundError; `code` is that of a fault without
        one.
        """
        self._service = service
        self._find = find
        self._allow_remote = allow_remote
        self._code = code
        table: list[Row] = [
            ("GET", "", self._index),
            ("GET", "/knobs", self._knobs),
            ("PATCH", "/knobs", self._change_knobs),
            ("DELETE", "/knobs", self._reset_knobs),
            ("GET", "/scenarios", self._scenarios),
            ("POST", "/reset", self._reset),
            ("GET", "/faults", self._faults),
            ("POST", "/faults", self._add_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("GET", "/limits", self._limits),
            ("DELETE", "/limits", self._forget_limits),
            ("GET", "/requests", self._requests),
            ("DELETE", "/requests", self._clear_requests),
            ("GET", "/streams", self._streams),
            ("POST", "/streams/cut", self._cut_streams),
            ("POST", "/clock", self._advance),
            ("GET", f"/{service.FEEDS}.txt", self._feed_lines),
            *feed_rows,
        ]
        self._shown = [
            f"{method} {CONTROL_ROOT}{path.replace(ID, '{id}')}" for method, path, _ in table
        ]
        self._routes = [
            (method, re.compile(rf"{CONTROL_ROOT}{path}/?\Z"), action)
            for method, path, action in table
        ]
        words = service.FEED_KEY.split("_")
        self._asked_key = words[0] + "".join(word.title() for word in words[1:])  # "runId"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one control request; every mistake is a JSON object with `error`."""
        if not self._allow_remote and not _is_local(request.remote):
            return _reply(403, {"error": "the control API answers callers on this machine only"})
        path = request.rel_url.raw_path
        allowed: list[str] = []
        for method, pattern, action in self._routes:
            found = pattern.match(path)
            if found is None:
                continue
            if method != request.method:
                allowed.append(method)
                continue
            return await self._perform(request, action, found.groups())
        if allowed:
            error = f"{path} takes {', '.join(allowed)}, not {request.method}"
            return _reply(405, {"error": error})
        return _reply(404, {"error": f"no {path}; GET /_sim lists what there is"})

    async def _perform(
        self, request: web.Request, action: Callable[..., Any], ids: tuple[str, ...]
    ) -> web.StreamResponse:
        try:
            body: Any = {}
            data = await request.read()
            if data.strip():
                try:
                    body = jsonjs.loads(data)
                except ValueError as error:
                    raise FieldError(f"body is not JSON: {error}") from None
            fields = Fields(body)
            if request.method == "GET":
                fields = Fields(dict(request.rel_url.query), "query")
            args = [self._find(unquote(ids[0]))] if ids else []
            result = action(*args, fields)
            if isinstance(result, str):
                return web.Response(text=result)
            return _reply(200, result)
        except NotFoundError as error:
            return _reply(404, {"error": str(error)})
        except (FieldError, KnobError, StateError, FullError) as error:
            return _reply(400, {"error": str(error)})

    # -- the whole service

    def _index(self, fields: Fields) -> Any:
        fields.done()
        service = self._service
        return {
            "scenario": service.scenario,
            "seed": service.base.seed,
            "speed": service.speed,
            "now": service.clock.now(),
            service.FEEDS: len(service.feed_ids),
            "routes": self._shown,
        }

    def _knobs(self, fields: Fields) -> Any:
        fields.done()
        knobs = self._service.knobs_held
        return {
            "knobs": [{**row, "value": getattr(knobs, row["name"])} for row in knobs.describe()]
        }

    def _change_knobs(self, fields: Fields) -> Any:
        values = fields.rest()
        profiles = self._service.KNOB_PROFILES
        name = values.pop("profile", None)
        if name is not None:
            if name not in profiles:
                known = " or ".join(profiles)
                raise FieldError(f"body: 'profile' must be {known}, got {name!r}")
            values = {**profiles[name], **values}
        self._service.knobs_held.change(values)
        return {"changed": sorted(values)}

    def _reset_knobs(self, fields: Fields) -> Any:
        fields.done()
        knobs = self._service.knobs_held
        knobs.reset()
        return {"changed": [row["name"] for row in knobs.describe()]}

    def _scenarios(self, fields: Fields) -> Any:
        fields.done()
        return {
            "scenarios": [
                {"name": each.name, "description": each.description}
                for each in self._service.SCENARIOS.values()
            ]
        }

    def _reset(self, fields: Fields) -> Any:
        service = self._service
        scenario = fields.text("scenario", tuple(service.SCENARIOS))
        seed = fields.integer("seed", 0, 2**63)
        fields.done()
        service.reset(scenario, seed)
        return {"scenario": service.scenario, service.FEEDS: service.feed_ids}

    def _advance(self, fields: Fields) -> Any:
        seconds = fields.number("advance_s", 0.0, ADVANCE_S_MAX)
        if seconds is None:
            raise fields.error("advance_s", "is required")
        fields.done()
        clock = self._service.clock
        if not isinstance(clock, ManualClock):
            raise StateError("this simulator's clock runs by itself")
        clock.advance(seconds)
        return {"now": clock.now()}

    def _feed_lines(self, fields: Fields) -> Any:
        fields.done()
        return "".join(f"{feed_id}\n" for feed_id in self._service.feed_ids)

    # -- what was asked

    def _requests(self, fields: Fields) -> Any:
        after = fields.digits("after", 0)
        limit = min(fields.digits("limit", 1_000), REQUESTS_PER_PAGE_MAX)
        token = fields.text("token")
        endpoint = fields.text("endpoint")
        fields.done()
        rows = [
            record.as_json(self._service.FEED_KEY)
            for record in self._service.base.log.records
            if record.number > after
            and token in {None, record.token}
            and endpoint in {None, record.endpoint}
        ]
        return {"requests": rows[:limit]}

    def _clear_requests(self, fields: Fields) -> Any:
        fields.done()
        self._service.base.log.clear()
        return {}

    def _limits(self, fields: Fields) -> Any:
        fields.done()
        world = self._service.base
        now_s = world.clock.now()
        return {
            "tokens": [
                {
                    "token": token,
                    "accepted": count.accepted,
                    "refused": count.refused,
                    "unauthorized": count.unauthorized,
                    "peak_60s": count.peak,
                    "in_window": world.limiter.count(token, now_s),
                }
                for token, count in world.log.tokens.items()
            ]
        }

    def _forget_limits(self, fields: Fields) -> Any:
        fields.done()
        self._service.forget_limits()
        return {}

    # -- faults and streams

    def _faults(self, fields: Fields) -> Any:
        fields.done()
        key = self._service.FEED_KEY
        return {"faults": [fault.as_json(key) for fault in self._service.base.faults.waiting]}

    def _add_fault(self, fields: Fields) -> Any:
        service = self._service
        fault = Fault(
            kind=fields.need_text("kind", tuple(service.base.faults.kinds)),
            times=fields.integer("times", 1, 1_000_000) or 1,
            skip=fields.integer("skip", 0, 1_000_000) or 0,
            endpoint=fields.text("endpoint", service.ENDPOINTS),
            feed_id=fields.text(self._asked_key),
            token=_token(fields),
            status=fields.integer("status", 200, 599),
            code=fields.text("code") or self._code,
            message=fields.text("message") or "Injected fault",
            retry_after=fields.text("retry_after"),
            delay_s=fields.number("delay_s", 0.0, DELAY_S_MAX) or 0.0,
        )
        fields.done()
        service.base.faults.add(fault)
        return {"fault": fault.as_json(service.FEED_KEY)}

    def _clear_faults(self, fields: Fields) -> Any:
        fields.done()
        self._service.base.faults.clear()
        return {}

    def _streams(self, fields: Fields) -> Any:
        fields.done()
        streams = self._service.base.streams
        return {"streams": [{self._asked_key: stream.feed_id} for stream in streams]}

    def _cut_streams(self, fields: Fields) -> Any:
        how = fields.text("how", self._service.CUTS) or "between_frames"
        feed_id = fields.text(self._asked_key)
        fields.done()
        if feed_id is not None and feed_id not in self._service.feed_ids:
            word = self._service.FEED_KEY.partition("_")[0]
            raise fields.error(self._asked_key, f"is not a {word} here: {feed_id!r}")
        return {"cut": self._service.cut_feed(how, feed_id)}


def _token(fields: Fields) -> str | None:
    """A token's hash as it stands in the log, or the token itself."""
    text = fields.text("token")
    is_hash = text is None or re.fullmatch(r"[0-9a-f]{12}", text)
    return text if text is None or is_hash else token_hash(text)


def _is_local(remote: str | None) -> bool:
    try:
        address = ipaddress.ip_address(remote or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _reply(status: int, value: Any) -> web.Response:
    return web.Response(status=status, body=jsonjs.dumps(value) + b"\n", content_type=JSON)
