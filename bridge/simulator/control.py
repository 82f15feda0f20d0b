"""The control API under /_sim/: make runs, bend the service, read the truth (docs/simulator.md).

No sign-in, therefore only for callers on this machine unless allowed otherwise.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bridge.simulator import jsonjs
from bridge.simulator.clock import ManualClock
from bridge.simulator.fields import FieldError, Fields
from bridge.simulator.knobs import OLDER_SERVER, KnobError, describe
from bridge.simulator.lifecycle import StateError
from bridge.simulator.replies import JSON
from bridge.simulator.scenarios import SCENARIOS
from bridge.simulator.store import FullError, Run

if TYPE_CHECKING:
    from bridge.simulator.server import Simulator

REQUESTS_PER_PAGE_MAX = 10_000
_ID = "([^/]+)"
ADVANCE_S_MAX = 30 * 86_400.0


class NotFoundError(LookupError):
    """No such thing; the text says what."""


class Control:
    """Routes of the control API; the work on runs is in control_runs.py."""

    def __init__(self, simulator: Simulator, *, allow_remote: bool) -> None:
        # Here and not above: control_runs names this module's errors.
        from bridge.simulator.control_runs import RunControl  # noqa: PLC0415

        self._sim = simulator
        self._allow_remote = allow_remote
        runs = RunControl(simulator)
        one = f"/runs/{_ID}"
        table: list[tuple[str, str, Callable[..., Any]]] = [
            ("GET", "", self._index),
            ("GET", "/knobs", self._knobs),
            ("PATCH", "/knobs", self._change_knobs),
            ("DELETE", "/knobs", self._reset_knobs),
            ("GET", "/scenarios", self._scenarios),
            ("POST", "/reset", self._reset),
            ("GET", "/faults", self._faults),
            ("POST", "/faults", runs.add_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("POST", "/tokens", runs.set_token),
            ("GET", "/limits", self._limits),
            ("DELETE", "/limits", self._forget_limits),
            ("GET", "/requests", self._requests),
            ("DELETE", "/requests", self._clear_requests),
            ("GET", "/streams", self._streams),
            ("POST", "/streams/cut", runs.cut_streams),
            ("POST", "/clock", self._advance),
            ("GET", "/runs.txt", self._run_lines),
            ("GET", "/runs", self._runs),
            ("POST", "/runs", runs.create),
            ("GET", one, runs.show),
            ("PATCH", one, runs.change),
            ("DELETE", one, runs.delete),
            ("POST", one + "/events", runs.append),
            ("POST", one + "/play", runs.play),
            ("POST", one + "/finish", runs.finish),
            ("POST", one + "/pause", runs.pause),
            ("POST", one + "/resume", runs.resume),
            ("POST", one + "/cancel", runs.cancel),
            ("GET", one + "/truth", runs.truth),
        ]
        self._shown = [f"{method} /_sim{path.replace(_ID, '{id}')}" for method, path, _ in table]
        self._routes = [
            (method, re.compile(rf"/_sim{path}/?\Z"), action) for method, path, action in table
        ]

    async def handle(self, request: web.Request) -> web.StreamResponse:
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
            args = [self._run(ids[0])] if ids else []
            result = action(*args, fields)
            if isinstance(result, str):
                return web.Response(text=result)
            return _reply(200, result)
        except NotFoundError as error:
            return _reply(404, {"error": str(error)})
        except (FieldError, KnobError, StateError, FullError) as error:
            return _reply(400, {"error": str(error)})

    def _run(self, run_id: str) -> Run:
        run = self._sim.world.store.runs.get(run_id.lower())
        if run is None:
            raise NotFoundError(f"no run {run_id!r}")
        return run

    # -- the whole service

    def _index(self, fields: Fields) -> Any:
        fields.done()
        sim = self._sim
        return {
            "scenario": sim.scenario,
            "seed": sim.world.seed,
            "speed": sim.director.speed,
            "now": sim.clock.now(),
            "runs": len(sim.world.store.runs),
            "routes": self._shown,
        }

    def _knobs(self, fields: Fields) -> Any:
        fields.done()
        return {
            "knobs": [{**row, "value": getattr(self._sim.knobs, row["name"])} for row in describe()]
        }

    def _change_knobs(self, fields: Fields) -> Any:
        values = fields.rest()
        profile = values.pop("profile", None)
        if profile not in {None, "older", "newer"}:
            raise FieldError(f"body: 'profile' must be older or newer, got {profile!r}")
        if profile == "newer":
            values = {**{name: _default(name) for name in OLDER_SERVER}, **values}
        elif profile == "older":
            values = {**OLDER_SERVER, **values}
        self._sim.knobs.change(values)
        return {"changed": sorted(values)}

    def _reset_knobs(self, fields: Fields) -> Any:
        fields.done()
        self._sim.knobs.reset()
        return {"changed": [row["name"] for row in describe()]}

    def _scenarios(self, fields: Fields) -> Any:
        fields.done()
        return {
            "scenarios": [
                {"name": each.name, "description": each.description} for each in SCENARIOS.values()
            ]
        }

    def _reset(self, fields: Fields) -> Any:
        scenario = fields.text("scenario", tuple(SCENARIOS))
        seed = fields.integer("seed", 0, 2**63)
        fields.done()
        self._sim.reset(scenario, seed)
        return {"scenario": self._sim.scenario, "runs": self._sim.run_ids}

    def _advance(self, fields: Fields) -> Any:
        seconds = fields.number("advance_s", 0.0, ADVANCE_S_MAX)
        if seconds is None:
            raise fields.error("advance_s", "is required")
        fields.done()
        clock = self._sim.clock
        if not isinstance(clock, ManualClock):
            raise StateError("this simulator's clock runs by itself")
        clock.advance(seconds)
        return {"now": clock.now()}

    # -- what was asked

    def _requests(self, fields: Fields) -> Any:
        after = fields.digits("after", 0)
        limit = min(fields.digits("limit", 1_000), REQUESTS_PER_PAGE_MAX)
        token = fields.text("token")
        endpoint = fields.text("endpoint")
        fields.done()
        rows = [
            record.as_json()
            for record in self._sim.world.log.records
            if record.number > after
            and token in {None, record.token}
            and endpoint in {None, record.endpoint}
        ]
        return {"requests": rows[:limit]}

    def _clear_requests(self, fields: Fields) -> Any:
        fields.done()
        self._sim.world.log.clear()
        return {}

    def _limits(self, fields: Fields) -> Any:
        fields.done()
        world = self._sim.world
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
        """A cold start: every limiter begins again."""
        fields.done()
        self._sim.world.limiter.forget()
        self._sim.world.run_starts.forget()
        return {}

    def _faults(self, fields: Fields) -> Any:
        fields.done()
        return {"faults": [fault.as_json() for fault in self._sim.world.faults.waiting]}

    def _clear_faults(self, fields: Fields) -> Any:
        fields.done()
        self._sim.world.faults.clear()
        return {}

    def _streams(self, fields: Fields) -> Any:
        fields.done()
        return {"streams": [{"runId": stream.run.id} for stream in self._sim.world.streams]}

    def _run_lines(self, fields: Fields) -> Any:
        fields.done()
        return "".join(f"{run_id}\n" for run_id in self._sim.run_ids)

    def _runs(self, fields: Fields) -> Any:
        fields.done()
        return {
            "runs": [
                {
                    "runId": run.id,
                    "status": run.status,
                    "events": len(run.commits),
                    "harness": run.harness,
                }
                for run in self._sim.world.store.runs.values()
            ]
        }


def _default(name: str) -> Any:
    return next(row["default"] for row in describe() if row["name"] == name)


def _is_local(remote: str | None) -> bool:
    try:
        address = ipaddress.ip_address(remote or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _reply(status: int, value: Any) -> web.Response:
    return web.Response(status=status, body=jsonjs.dumps(value) + b"\n", content_type=JSON)
