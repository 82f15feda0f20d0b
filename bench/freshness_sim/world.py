"""The world around a policy: a server with an exact rolling window, latency, others on the token.

Whatever has the methods of `Scheduler` can be driven: `start, add, next, observe, on_429,
on_error`, with positional arguments. Time is virtual.
"""

from __future__ import annotations

import heapq
import itertools
import random
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench.freshness_sim.traces import Trace
from bridge.core.status import State

WINDOW_S = 60.0
LIMIT = 60
PAGE = 200  # events shown by one answer
TIMEOUT_S = 10.0


class Policy(Protocol):
    def start(self, now: float, log: Sequence[float] | None = None) -> None: ...
    def add(self, run: int, now: float, status: State | None = None) -> None: ...
    def next(self, now: float) -> tuple[str, Any]: ...
    def observe(self, run: int, now: float, events: Sequence[float], status: State) -> None: ...
    def on_429(self, run: int, now: float, retry_after: float) -> None: ...
    def on_error(self, run: int, now: float) -> None: ...


class Server:
    """60 accepted requests per rolling 60 s; refused ones are not recorded (mogplex.md 1.11)."""

    def __init__(self) -> None:
        self.accepted: deque[float] = deque()
        self.peak = 0

    def accept(self, now: float) -> bool:
        while self.accepted and self.accepted[0] <= now - WINDOW_S:
            self.accepted.popleft()
        if len(self.accepted) >= LIMIT:
            return False
        self.accepted.append(now)
        self.peak = max(self.peak, len(self.accepted))
        return True


@dataclass(frozen=True)
class Conditions:
    """What the world is like. Times in seconds."""

    warm_s: float = 300.0  # events before it do not count
    until_s: float = 3900.0  # nor do events after it
    drain_s: float = 600.0  # time for the last ones to be seen
    latency_s: tuple[float, float] = (0.1, 0.4)  # uniform, there and back
    loss: float = 0.0  # part of the answers that never come; the server was reached
    first_window: bool = False  # a page shows the first 200 events instead of the newest
    with_times: bool = True  # False: the policy learns numbers of events only
    foreign: str = ""  # who else uses the token, see `_foreign_start`


@dataclass
class Result:
    delays: list[float] = field(default_factory=list)  # of each event that counts
    unseen: int = 0  # events never delivered; counted in `delays` as seen at the end
    lost: int = 0  # events that no page ever showed again
    gap_polls: int = 0  # answers that had lost some
    terminal: list[float] = field(default_factory=list)
    age_max: float = 0.0
    polls: int = 0
    refused: int = 0
    refused_foreign: int = 0
    peak: int = 0
    hours: float = 0.0


@dataclass
class _Known:
    """What the policy's user has of one run."""

    seen: int
    viewed_at: float
    is_over: bool = False


def simulate(traces: list[Trace], policy: Policy, world: Conditions, seed: int) -> Result:
    """Run the policy through the traces and return what its user got."""
    return _World(traces, policy, world, seed).run()


class _World:
    def __init__(self, traces: list[Trace], policy: Policy, world: Conditions, seed: int) -> None:
        self.traces, self.policy, self.world = traces, policy, world
        self.rng = random.Random(f"world {seed}")
        self.foreign_rng = random.Random(f"foreign {seed}")
        self.server = Server()
        self.result = Result(hours=(world.until_s + world.drain_s) / 3600.0)
        self.known: dict[int, _Known] = {}
        self.heap: list[tuple[float, int, str, Any]] = []
        self.order = itertools.count()
        self.wake_at = float("inf")

    def at(self, time: float, what: str, data: Any = None) -> None:
        heapq.heappush(self.heap, (time, next(self.order), what, data))

    def run(self) -> Result:
        world, policy, heap = self.world, self.policy, self.heap
        end = world.until_s + world.drain_s
        policy.start(0.0)
        for i, trace in enumerate(self.traces):
            self.at(max(0.0, trace.created), "add", i)
        self._foreign_start()
        while heap and heap[0][0] <= end:
            now, _, what, data = heapq.heappop(heap)
            if what == "wake" and now != self.wake_at:
                continue
            getattr(self, "_" + what)(now, data)
            if what in {"reach", "foreign"}:
                continue  # the policy does not see these
            while (answer := policy.next(now))[0] == "poll":
                self._send(answer[1], now)
            self.wake_at = answer[1]
            if not self.wake_at > now:
                raise AssertionError(f"a wait until {self.wake_at} at {now}")
            self.at(self.wake_at, "wake")
        self._settle(end)
        return self.result

    def _add(self, now: float, i: int) -> None:
        trace = self.traces[i]
        self.known[i] = _Known(bisect_right(trace.events, now), now)
        self.policy.add(i, now, trace.status(now))

    def _wake(self, _now: float, _: object) -> None:
        self.wake_at = float("inf")

    def _send(self, i: int, now: float) -> None:
        rtt = self.rng.uniform(*self.world.latency_s)
        self.result.polls += 1
        self.at(now + rtt * self.rng.uniform(0.3, 0.7), "reach", (i, now, now + rtt))

    def _reach(self, now: float, data: tuple[int, float, float]) -> None:
        i, sent, back = data
        if not self.server.accept(now):
            self.result.refused += 1
            self.at(back, "refused", i)
            return
        is_lost = self.world.loss > 0.0 and self.rng.random() < self.world.loss
        trace = self.traces[i]
        page = (bisect_right(trace.events, now), trace.status(now), now)
        if is_lost:
            self.at(sent + TIMEOUT_S, "lost", i)
        else:
            self.at(back, "answer", (i, page))

    def _refused(self, now: float, i: int) -> None:
        self.policy.on_429(i, now, 60.0)

    def _lost(self, now: float, i: int) -> None:
        self.policy.on_error(i, now)

    def _answer(self, now: float, data: tuple[int, tuple[int, str, float]]) -> None:
        i, (count, status, at) = data
        trace, known, world, result = self.traces[i], self.known[i], self.world, self.result
        first, last = known.seen, count
        if world.first_window:
            last = min(count, PAGE)
        elif count - first > PAGE:
            lost = [t for t in trace.events[first : count - PAGE] if self._counts(t)]
            result.lost += len(lost)
            result.gap_polls += at > world.warm_s
            first = count - PAGE
        new = trace.events[first:last] if last > first else []
        result.delays += [now - t for t in new if self._counts(t)]
        known.seen = max(known.seen, last)
        if self._counts(now) and not known.is_over:
            result.age_max = max(result.age_max, now - known.viewed_at)
        known.viewed_at = at
        if status == State.SUCCEEDED and not known.is_over:
            known.is_over = True
            if self._counts(trace.ended):
                result.terminal.append(now - trace.ended)
        self.policy.observe(i, now, new if world.with_times else len(new), status)  # type: ignore[arg-type]

    def _counts(self, t: float) -> bool:
        return self.world.warm_s <= t <= self.world.until_s

    def _settle(self, end: float) -> None:
        result = self.result
        result.peak = self.server.peak
        for i, known in self.known.items():
            events = self.traces[i].events
            if self.world.first_window:
                events = events[:PAGE]
            left = [t for t in events[known.seen :] if self._counts(t)]
            result.unseen += len(left)
            result.delays += [end - t for t in left]

    # Others on the token. They see nothing of us but refusals.

    def _foreign_start(self) -> None:
        match self.world.foreign.split():
            case []:
                pass
            case ["poisson", per_min]:
                self.at(0.0, "foreign", ("poisson", 60.0 / float(per_min)))
            case ["cli", *_] as words:
                self.at(0.0, "foreign", tuple(words))
            case ["burst"]:
                self.at(200.0, "foreign", ("burst",))
            case _:
                raise ValueError(f"foreign: {self.world.foreign}")

    def _foreign(self, now: float, data: tuple[Any, ...]) -> None:
        rng, result = self.foreign_rng, self.result
        match data:
            case ("poisson", mean):
                result.refused_foreign += not self.server.accept(now)
                self.at(now + rng.expovariate(1.0 / mean), "foreign", data)
            case ("cli", *rest):
                if rest and now % 900.0 > 300.0:  # 5 of 15 minutes
                    self.at(now + 900.0 - now % 900.0, "foreign", data)
                elif self.server.accept(now):
                    self.at(now + rng.uniform(*self.world.latency_s) + 1.5, "foreign", data)
                else:
                    result.refused_foreign += 1
                    self.at(now + 60.0, "foreign", data)
            case _:
                for _i in range(30):
                    result.refused_foreign += not self.server.accept(now)
                self.at(now + 400.0, "foreign", data)
