"""The other policies: the vendor's loop, paced round robin, a genie that knows the generator."""

# ruff: noqa: ARG002 - every policy has the methods of `Scheduler`, whether it uses what they bring

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from typing import Any

from bench.freshness_sim.traces import PENDING_S, Trace
from bridge.core.pace.budget import Budget
from bridge.core.status import State

CAP = 57
GAP_S = 60.5 / CAP
LATER_S = 60.0  # when nothing is to be done


class VendorLoop:
    """One loop per run: 1.5 s after each answer, 60 s after a refusal, no shared state."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int]] = []

    def start(self, now: float, log: Sequence[float] | None = None) -> None:
        pass

    def add(self, run: int, now: float, status: State | None = None) -> None:
        heapq.heappush(self._due, (now, run))

    def next(self, now: float) -> tuple[str, Any]:
        if not self._due:
            return "wait", now + LATER_S
        if self._due[0][0] <= now:
            return "poll", heapq.heappop(self._due)[1]
        return "wait", self._due[0][0]

    def observe(self, run: int, now: float, events: Sequence[float], status: State) -> None:
        if status != State.SUCCEEDED:
            heapq.heappush(self._due, (now + 1.5, run))

    def on_429(self, run: int, now: float, retry_after: float) -> None:
        heapq.heappush(self._due, (now + retry_after, run))

    def on_error(self, run: int, now: float) -> None:
        heapq.heappush(self._due, (now + 1.5, run))


class _Paced:
    """The same exact gate and the same pace as `Scheduler`; subclasses choose the run."""

    def __init__(self) -> None:
        self._budget = Budget()
        self._sent_at = -math.inf
        self._held_until = -math.inf
        self._out: dict[int, float] = {}
        self._over: set[int] = set()

    def start(self, now: float, log: Sequence[float] | None = None) -> None:
        self._budget.assume_paced(now, CAP, GAP_S)

    def next(self, now: float) -> tuple[str, Any]:
        until = max(self._held_until, self._budget.free_at(now, CAP), self._sent_at + GAP_S)
        if until > now:
            return "wait", min(until, now + LATER_S)
        run = self.choose(now)
        if run is None:
            return "wait", now + 0.1 if self._out else now + LATER_S
        self._budget.send()
        self._sent_at = self._out[run] = now
        return "poll", run

    def observe(self, run: int, now: float, events: Sequence[float], status: State) -> None:
        self._budget.charge(now)
        snapshot = (self._out.pop(run) + now) / 2.0
        if status == State.SUCCEEDED:
            if run in self._over:
                return  # confirmed
            self._over.add(run)
        self.back(run, snapshot)

    def on_429(self, run: int, now: float, retry_after: float) -> None:
        self._budget.release()
        self._out.pop(run)
        self._held_until = now + retry_after
        self.back(run, None)

    def on_error(self, run: int, now: float) -> None:
        self._budget.charge(now)
        self._out.pop(run)
        self.back(run, None)

    def choose(self, now: float) -> int | None:
        raise NotImplementedError

    def back(self, run: int, snapshot: float | None) -> None:
        raise NotImplementedError


class RoundRobin(_Paced):
    """Every run in turn, one confirming poll after the end; on 429 waits as it was told."""

    def __init__(self) -> None:
        super().__init__()
        self._ring: deque[int] = deque()

    def add(self, run: int, now: float, status: State | None = None) -> None:
        self._ring.append(run)

    def choose(self, now: float) -> int | None:
        return self._ring.popleft() if self._ring else None

    def back(self, run: int, snapshot: float | None) -> None:
        self._ring.append(run)


class Genie(_Paced):
    """Knows each run's class and its state at the last look, hence the exact expected number of
    unseen events; not the future. Weighs it by the square-root law of the class's mean rate.
    """

    def __init__(self, traces: list[Trace]) -> None:
        super().__init__()
        self._traces = traces
        self._state: dict[int, tuple[float, str]] = {}

    def add(self, run: int, now: float, status: State | None = None) -> None:
        self._look(run, now)

    def _look(self, run: int, at: float) -> None:
        trace = self._traces[run]
        state = trace.status(at)
        if run in self._over:
            state = "over"
        elif state != State.PENDING:
            state = "burst" if bisect_right(trace.switches, at) % 2 else "pause"
        self._state[run] = (at, state)

    def choose(self, now: float) -> int | None:
        best, best_urgency = None, -1.0
        for run, (at, state) in self._state.items():
            if run not in self._out and (u := self._urgency(run, now - at, state)) > best_urgency:
                best, best_urgency = run, u
        return best

    def back(self, run: int, snapshot: float | None) -> None:
        if snapshot is not None:
            self._look(run, snapshot)

    def observe(self, run: int, now: float, events: Sequence[float], status: State) -> None:
        if status == State.SUCCEEDED and run in self._over:
            self._state.pop(run, None)
        super().observe(run, now, events, status)

    def _urgency(self, run: int, age: float, state: str) -> float:
        kind = self._traces[run].kind
        mean = kind.mean_rate
        floor = 1.0 / 60.0
        if state == "over":
            return math.sqrt(0.02) * age
        if state == State.PENDING:
            begun = 1.0 - math.exp(-age / PENDING_S)
            unseen = 3.0 * begun + mean * (age - PENDING_S * begun)
        else:
            turn = 1.0 / kind.burst_s + 1.0 / kind.pause_s
            share = mean / kind.burst_rate
            excess = (1.0 if state == "burst" else 0.0) - share
            unseen = kind.burst_rate * (share * age + excess * (1.0 - math.exp(-turn * age)) / turn)
        return (unseen + floor * age) / math.sqrt(mean + floor)
