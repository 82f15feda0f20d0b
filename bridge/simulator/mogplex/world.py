"""The state of one simulated service, and of one request inside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bridge.simulator.kit.clock import SimClock
from bridge.simulator.kit.requestlog import RequestRecord
from bridge.simulator.kit.service import BaseWorld
from bridge.simulator.kit.times import to_us
from bridge.simulator.mogplex.account import Account
from bridge.simulator.mogplex.faults import FAULT_KINDS
from bridge.simulator.mogplex.knobs import Knobs
from bridge.simulator.mogplex.lifecycle import Lifecycle
from bridge.simulator.mogplex.run_starts import RunStartLimiter
from bridge.simulator.mogplex.store import Run, Store
from bridge.simulator.mogplex.tokens import new_token_book


class World(BaseWorld):
    """State shared by the routes, the control API and the Python API."""

    def __init__(self, clock: SimClock, knobs: Knobs, seed: int) -> None:
        self.tokens = new_token_book()
        super().__init__(clock, FAULT_KINDS, self.tokens)
        self.knobs = knobs
        self.on_started: Callable[[Run], None] | None = None  # a run was started by POST /runs
        self.start_over(seed)

    def start_over(self, seed: int) -> None:
        """Forget runs, counters, faults and special tokens; the knobs stay."""
        super().start_over(seed)
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
        if self.on_feed is not None:
            self.on_feed(run.id)
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
        """The decoded query parameters; of a repeated one the first counts."""
        return self.request.rel_url.query
