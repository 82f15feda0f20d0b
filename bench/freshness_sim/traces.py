"""Synthetic runs: when each of their events happens, and what a genie knows about them.

The class mix is invented within the ranges that upstream's documents give (mogplex.md 1.7,
scheduler.md 2): runs of 1 to 40 minutes, 13 on average; pending for 20 s on average; a few events
at the start, then bursts and think pauses; a last event together with the terminal status.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.core.status import State


@dataclass(frozen=True)
class Kind:
    """A class of runs: bursts and pauses of exponential length, Poisson events in bursts."""

    name: str
    burst_rate: float  # events/s
    burst_s: float  # mean length
    pause_s: float

    @property
    def mean_rate(self) -> float:
        return self.burst_rate * self.burst_s / (self.burst_s + self.pause_s)


HOT = Kind("hot", 2.0, 15.0, 30.0)
NORMAL = Kind("normal", 1.2, 8.0, 30.0)
SLOW = Kind("slow", 0.8, 5.0, 35.0)
IDLE = Kind("idle", 0.5, 4.0, 60.0)
MEGA = Kind("mega", 2.0, 30.0, 35.0)
MEGA_S = 2160.0  # 2,000 events in 36 minutes
MIX = ((HOT, 0.15), (NORMAL, 0.55), (SLOW, 0.20), (IDLE, 0.10))
PENDING_S = 20.0


@dataclass
class Trace:
    """One run. All times in seconds; `created` may lie before 0."""

    kind: Kind
    created: float
    began: float  # pending until then
    ended: float  # terminal from then on
    events: list[float] = field(default_factory=list)  # ascending
    switches: list[float] = field(default_factory=list)  # burst begins, pause begins, ...

    def status(self, at: float) -> State:
        if at >= self.ended:
            return State.SUCCEEDED
        return State.RUNNING if at >= self.began else State.PENDING


def life_s(rng: random.Random) -> float:
    """Log-normal with a mean of 13 minutes, between 1 and 40."""
    return min(2400.0, max(60.0, rng.lognormvariate(math.log(640.0), 0.75)))


def make_run(rng: random.Random, created: float, kind: Kind, life: float | None = None) -> Trace:
    began = created + rng.expovariate(1.0 / PENDING_S)
    ended = began + (life_s(rng) if life is None else life)
    events = sorted(began + rng.random() for _ in range(3))
    switches = []
    t = began + 1.0
    while t < ended:
        stop = min(ended, t + rng.expovariate(1.0 / kind.burst_s))
        switches += [t, stop]
        while (t := t + rng.expovariate(kind.burst_rate)) < stop:
            events.append(t)
        t = stop + rng.expovariate(1.0 / kind.pause_s)
    events.append(ended)
    return Trace(kind, created, began, ended, events, switches)


# Other families: the same lives, other ways of spreading events. They carry no burst state.


def _lifelike(
    rng: random.Random, created: float, fill: Callable[[float, float], list[float]]
) -> Trace:
    began = created + rng.expovariate(1.0 / PENDING_S)
    ended = began + life_s(rng)
    events = sorted([began, *(t for t in fill(began, ended) if t < ended), ended])
    return Trace(NORMAL, created, began, ended, events)


def _poisson(rng: random.Random, rate: float, start: float, stop: float) -> list[float]:
    out, t = [], start
    while (t := t + rng.expovariate(rate)) < stop:
        out.append(t)
    return out


def poisson_run(rng: random.Random, created: float) -> Trace:
    """Constant rates, spread log-normally."""
    rate = rng.lognormvariate(math.log(0.2), 1.0)
    return _lifelike(rng, created, lambda a, b: _poisson(rng, rate, a, b))


def equal_run(rng: random.Random, created: float) -> Trace:
    """All runs alike: nothing to win for anybody."""
    return _lifelike(rng, created, lambda a, b: _poisson(rng, 0.3, a, b))


def clump_run(rng: random.Random, created: float) -> Trace:
    """Clumps of events at one instant, pauses with a heavy tail."""

    def fill(a: float, b: float) -> list[float]:
        out, t = [], a
        while (t := t + min(600.0, 6.0 * rng.paretovariate(1.3))) < b:
            out += [t] * rng.randint(1, 12)
        return out

    return _lifelike(rng, created, fill)


def heartbeat_run(rng: random.Random, created: float) -> Trace:
    """Events at even intervals of 1 to 60 s."""
    every = math.exp(rng.uniform(0.0, math.log(60.0)))
    return _lifelike(
        rng, created, lambda a, b: [a + every * i for i in range(1, int((b - a) / every) + 1)]
    )


def fading_run(rng: random.Random, created: float) -> Trace:
    """Hot at first, or at last: what was learnt is soon wrong."""
    is_rising = rng.random() < 0.5

    def fill(a: float, b: float) -> list[float]:
        third = a + (b - a) / 3.0 * (2.0 if is_rising else 1.0)
        before, after = (0.05, 1.5) if is_rising else (1.5, 0.05)
        return _poisson(rng, before, a, third) + _poisson(rng, after, third, b)

    return _lifelike(rng, created, fill)


def exciting_run(rng: random.Random, created: float) -> Trace:
    """Each event draws others after it (Hawkes, branching 0.8, 10 s)."""
    base = rng.choice((0.02, 0.06, 0.2))

    def fill(a: float, b: float) -> list[float]:
        todo = _poisson(rng, base, a, b)
        out = list(todo)
        while todo:
            t = todo.pop()
            if rng.random() < 0.8 and (child := t + rng.expovariate(0.1)) < b:
                out.append(child)
                todo.append(child)
        return out

    return _lifelike(rng, created, fill)


FAMILIES: dict[str, Callable[[random.Random, float], Trace]] = {
    "poisson": poisson_run,
    "equal": equal_run,
    "clumps": clump_run,
    "heartbeat": heartbeat_run,
    "fading": fading_run,
    "exciting": exciting_run,
}


# Workloads: which runs there are


@dataclass(frozen=True)
class Workload:
    name: str
    runs: int
    kinds: tuple[Kind, ...] = ()  # of the first runs' places; the mix fills the rest
    storms: tuple[tuple[float, int], ...] = ()  # time, number of starts within 2 s
    megas: int = 0  # places whose runs have 2,000 events each
    family: str = ""


def draw_kind(rng: random.Random) -> Kind:
    return rng.choices([k for k, _ in MIX], [w for _, w in MIX])[0]


def build(load: Workload, seed: int, until: float) -> list[Trace]:
    """All runs of a workload that are alive at or after 0: each place starts a new run when its
    old one ends, so that `runs` are alive at any time.
    """
    rng = random.Random(f"{load.name} {seed}")
    traces = []
    for place in range(load.runs):
        t = -rng.uniform(1000.0, 3000.0)  # by 0 the ages are mixed
        if place < load.megas:
            t = -rng.uniform(0.0, MEGA_S)
        while t < until:
            if load.family:
                trace = FAMILIES[load.family](rng, t)
            elif place < load.megas:
                trace = make_run(rng, t, MEGA, MEGA_S)
            else:
                fixed = place < len(load.kinds)
                trace = make_run(rng, t, load.kinds[place] if fixed else draw_kind(rng))
            if trace.ended > 0.0:
                traces.append(trace)
            t = trace.ended
    for at, count in load.storms:
        traces += [make_run(rng, at + 2.0 * rng.random(), draw_kind(rng)) for _ in range(count)]
    return traces


WORKLOADS = {
    "1": Workload("1 run", 1),
    "2": Workload("2 runs", 2),
    "5": Workload("5 runs", 5),
    "20": Workload("20 runs", 20),
    "60": Workload("60 runs", 60),
    "200": Workload("200 runs", 200),
    "mixed": Workload("20 mixed (4 hot, 16 idle)", 20, kinds=(HOT,) * 4 + (IDLE,) * 16),
    "storms": Workload("storms (2 x 40 starts in 2 s)", 5, storms=((700.0, 40), (1900.0, 40))),
    "mega10": Workload("10 runs, one of 2000 events", 10, megas=1),
    "mega120": Workload("120 runs, four of 2000 events", 120, megas=4),
}
