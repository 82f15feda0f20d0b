"""The simulator as a program, and as an object for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from bridge.simulator.clock import RealClock, SimClock
from bridge.simulator.control import Control
from bridge.simulator.director import Director
from bridge.simulator.faults import Fault
from bridge.simulator.gate import Gate
from bridge.simulator.knobs import Knobs, checked_for_run
from bridge.simulator.requestlog import RequestRecord
from bridge.simulator.scenarios import SCENARIOS, Stage
from bridge.simulator.store import Draft, Run, StoredEvent
from bridge.simulator.times import parse_time
from bridge.simulator.tokens import Rights, token_hash
from bridge.simulator.truth import truth_of
from bridge.simulator.world import World

BODY_BYTES_MAX = 64 * 2**20  # of one control request; bulk appends are the largest
SHUTDOWN_S = 1.0  # open replies get so long to end


class Simulator:
    """One simulated service on a port of its own, in the caller's event loop.

        async with Simulator(knobs={"window": "head"}, seed=7) as sim:
            run = sim.create_run(events=35)
            ...  # talk to sim.url

    With a `ManualClock` as `clock`, time stands still until the test moves it.
    """

    def __init__(
        self,
        *,
        knobs: Mapping[str, object] | None = None,
        seed: int = 1,
        scenario: str = "empty",
        speed: float = 1.0,
        clock: SimClock | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_remote_control: bool = False,
    ) -> None:
        self.clock: SimClock = clock or RealClock()
        self.knobs = Knobs()
        self._asked_knobs = dict(knobs or {})
        self.world = World(self.clock, self.knobs, seed)
        self.director = Director(self.world, speed)
        self._host, self._port = host, port
        self._gate = Gate(self.world)
        self._control = Control(self, allow_remote=allow_remote_control)
        self._runner: web.AppRunner | None = None
        self.scenario = scenario
        self.host, self.port = host, port
        # A wrong name or knob is told when the object is made, not when it starts.
        _scenario_named(scenario)
        self.knobs.change(self._asked_knobs)

    @property
    def url(self) -> str:
        """Origin, without a trailing slash; only while it runs."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    # -- life

    async def start(self) -> None:
        """Listen, and begin the scenario. Raises OSError when the address is taken."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_route("*", "/{path:.*}", self._answer)
        # A reader that leaves ends its handler: an idle stream would not notice otherwise.
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S
        )
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.host, self.port = runner.addresses[0][:2]
        self.reset()

    async def stop(self) -> None:
        self.director.stop()
        for stream in tuple(self.world.streams):
            stream.cut("clean")
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
        if request.rel_url.raw_path.startswith("/_sim"):
            return await self._control.handle(request)
        return await self._gate.handle(request)

    def reset(self, scenario: str | None = None, seed: int | None = None) -> None:
        """Begin again: knobs as given at the start, no runs but those of the scenario."""
        chosen = _scenario_named(scenario or self.scenario)
        self.director.stop()
        self.scenario = chosen.name
        self.world.start_over(self.world.seed if seed is None else seed)
        self.knobs.reset()
        self.knobs.change({**chosen.knobs, **self._asked_knobs})
        stage = Stage(self.world, self.director, self.world.seed)
        self.world.lifecycle.on_end = stage.ended
        self.world.on_started = self.director.play_lifelike
        chosen.begin(stage)

    # -- runs

    def create_run(
        self,
        *,
        events: int = 0,
        status: str | None = None,
        run_id: str | None = None,
        knobs: Mapping[str, object] | None = None,
        **columns: Any,
    ) -> Run:
        """A run with `events` made-up events at once. Its status is streaming when it has any,
        else pending, unless `status` says otherwise. `columns`: attributes of `Run`.
        """
        overrides = checked_for_run(knobs or {})
        run = self.world.create_run(run_id, overrides=overrides, **columns)
        if status is not None or events:
            self.world.lifecycle.set_status(run, status or "streaming")
        self.append(run, events)
        return run

    def run(self, run: Run | str) -> Run:
        """The run with this id. Raises KeyError."""
        return run if isinstance(run, Run) else self.world.store.runs[run]

    def append(
        self,
        run: Run | str,
        events: int | Draft | Mapping[str, Any] | Iterable[Draft | Mapping[str, Any]] = 1,
        *,
        created_at: str | None = None,
        commit_after_s: float | None = None,
    ) -> list[StoredEvent]:
        """Add so many made-up events, or the given ones: `Draft`s, or objects with `type` and
        perhaps `toolName, message, payload, id, createdAt`.
        """
        found = self.run(run)
        if isinstance(events, int):
            drafts: list[Draft | Mapping[str, Any]] = [*self.director.made_up(found, events)]
        elif isinstance(events, Draft | Mapping):
            drafts = [events]
        else:
            drafts = list(events)
        stored: list[StoredEvent] = []
        for given in drafts:
            draft, event_id, own_time = _draft(given)
            time = own_time or created_at
            stored += self.world.lifecycle.append(
                found,
                [draft],
                event_id=event_id,
                created_us=None if time is None else parse_time(time),
                commit_after_s=commit_after_s,
            )
        return stored

    def set_status(self, run: Run | str, status: str, error: str | None = None) -> None:
        """Change the row alone."""
        self.world.lifecycle.set_status(self.run(run), status, error)

    def finish(
        self,
        run: Run | str,
        status: str = "success",
        *,
        order: str | None = None,
        error: str | None = None,
        gap_s: float | None = None,
    ) -> None:
        """End it; see the knobs terminal_order and terminal_gap_s."""
        self.world.lifecycle.finish(self.run(run), status, order=order, error=error, gap_s=gap_s)

    def pause(self, run: Run | str) -> None:
        self.world.lifecycle.pause(self.run(run))

    def resume(self, run: Run | str) -> None:
        """Go on as a new segment: new aiCallId, earlier events vanish."""
        self.world.lifecycle.resume(self.run(run))

    def play(self, run: Run | str, **shape: Any) -> None:
        """Let it live by itself: see `Director.play_lifelike`."""
        self.director.play_lifelike(self.run(run), **shape)

    # -- the truth

    def truth(self, run: Run | str) -> dict[str, Any]:
        """Every event ever committed of a run; see truth.py for the shape."""
        return truth_of(self.run(run), self.world.lifecycle.knobs_of(self.run(run)))

    @property
    def run_ids(self) -> list[str]:
        return list(self.world.store.runs)

    @property
    def requests(self) -> list[RequestRecord]:
        """What was asked, oldest first, without control requests."""
        return list(self.world.log.records)

    def peak(self, token: str) -> int:
        """Most accepted requests of this token in any rolling 60 s."""
        return self.world.log.of(token_hash(token)).peak

    def accepted(self, token: str) -> int:
        return self.world.log.of(token_hash(token)).accepted

    def refused(self, token: str) -> int:
        """How often this token got a 429 from the limiter."""
        return self.world.log.of(token_hash(token)).refused

    # -- faults

    def fault(self, kind: str, **how: Any) -> None:
        """Hit the next requests: see faults.py for kinds and fields. `token` is the whole token."""
        if how.get("token") is not None:
            how["token"] = token_hash(how["token"])
        self.world.faults.add(Fault(kind, **how))

    def set_token(
        self,
        token: str,
        *,
        valid: bool = True,
        scopes: Iterable[str] = ("read", "write"),
        metered: bool = True,
    ) -> None:
        self.world.tokens.set(token, Rights(valid, tuple(scopes), metered))

    def cut_streams(self, how: str = "between_frames", run: Run | str | None = None) -> int:
        """Cut every open stream, or those of one run. Returns how many."""
        only = None if run is None else self.run(run)
        hit = [each for each in self.world.streams if only is None or each.run is only]
        for stream in hit:
            stream.cut(how)
        return len(hit)


def _scenario_named(name: str) -> Any:
    if name not in SCENARIOS:
        raise ValueError(f"no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    return SCENARIOS[name]


def _draft(given: Draft | Mapping[str, Any]) -> tuple[Draft, str | None, str | None]:
    """(event, its id, its time) of what a caller wrote. Raises KeyError without `type`."""
    if isinstance(given, Draft):
        return given, None, None
    draft = Draft(
        given["type"], given.get("message"), given.get("payload") or {}, given.get("toolName")
    )
    return draft, given.get("id"), given.get("createdAt")


async def serve(  # noqa: PLR0913 - one keyword per option of the command
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    scenario: str = "lively",
    seed: int = 1,
    speed: float = 1.0,
    knobs: Mapping[str, object] | None = None,
    allow_remote_control: bool = False,
    on_bound: Callable[[str, int], None] | None = None,
    on_run: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run until `stop` is set or the caller cancels. Prints nothing.

    `on_bound(host, port)` is called when it listens, before the first request; `on_run(run_id)` for
    every run that comes into being, those of the scenario too. Raises OSError when the address
    cannot be had, ValueError for a wrong scenario, knob or speed.
    """
    simulator = Simulator(
        knobs=knobs,
        seed=seed,
        scenario=scenario,
        speed=speed,
        host=host,
        port=port,
        allow_remote_control=allow_remote_control,
    )
    simulator.world.on_run = on_run
    await simulator.start()
    try:
        if on_bound is not None:
            on_bound(simulator.host, simulator.port)
        await (stop or asyncio.Event()).wait()
    finally:
        await simulator.stop()


def run(
    listen_host: str = "127.0.0.1",
    listen_port: int = 0,
    scenario: str = "lively",
    seed: int = 1,
    speed: float = 1.0,
    **more: Any,
) -> None:
    """`serve` in an event loop of its own, until SIGINT (KeyboardInterrupt)."""
    asyncio.run(
        serve(host=listen_host, port=listen_port, scenario=scenario, seed=seed, speed=speed, **more)
    )
