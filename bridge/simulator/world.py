"""Everything one simulated service knows, and one request on its way through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bridge.simulator.account import Account
from bridge.simulator.clock import SimClock
from bridge.simulator.faults import FaultList
from bridge.simulator.knobs import Knobs
from bridge.simulator.lifecycle import Lifecycle
from bridge.simulator.limiter import RunStartLimiter, TokenLimiter
from bridge.simulator.requestlog import RequestLog, RequestRecord
from bridge.simulator.store import Run, Store
from bridge.simulator.times import to_us
from bridge.simulator.tokens import TokenBook

if TYPE_CHECKING:
    from bridge.simulator.stream import OpenStream


class World:
    """State shared by the routes, the control API and the Python API."""

    def __init__(self, clock: SimClock, knobs: Knobs, seed: int) -> None:
        self.clock = clock
        self.knobs = knobs
        self.tokens = TokenBook()
        self.faults = FaultList()
        self.log = RequestLog()
        self.streams: set[OpenStream] = set()
        self.on_run: Callable[[str], None] | None = None  # told of every new run
        self.on_started: Callable[[Run], None] | None = None  # a run was started by POST /runs
        self.start_over(seed)

    def start_over(self, seed: int) -> None:
        """Forget runs, counters, faults and special tokens; the knobs stay."""
        self.seed = seed
        for stream in tuple(self.streams):
            stream.cut("clean")
        self.tokens.clear()
        self.faults.clear()
        self.log.clear()
        chance = Random(f"{seed}/world")  # noqa: S311 - repeatable, not secret
        self.limiter = TokenLimiter(chance)
        self.run_starts = RunStartLimiter()
        self.account = Account(seed, to_us(self.clock.now()))
        self.store = Store(seed)
        self.lifecycle = Lifecycle(self.store, self.clock, self.knobs)
        self.replays: dict[str, tuple[str, str]] = {}  # idempotency key -> (hash, run id)

    def create_run(self, run_id: str | None = None, **columns: Any) -> Run:
        """A new pending run; `columns` are attributes of `Run`."""
        repo_id = columns.pop("repo_id", None) or self.account.repos[0]["id"]
        run = self.store.create(self.clock.now(), repo_id, run_id)
        for name, value in columns.items():
            setattr(run, name, value)
        if self.on_run is not None:
            self.on_run(run.id)
        return run


@dataclass(slots=True)
class Call:
    """One authorised request."""

    world: World
    request: web.Request
    record: RequestRecord
    token: str  # the token's hash
    ids: tuple[str, ...]  # what stands in the path for {…}, in order
    trouble: str  # the endpoint's message for INTERNAL_ERROR

    @property
    def query(self) -> Any:
        return self.request.rel_url.query
