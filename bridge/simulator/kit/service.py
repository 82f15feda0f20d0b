"""One simulated service without its HTTP, for the control API and for Python tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, ClassVar, Protocol, TypedDict

from bridge.simulator.kit.clock import SimClock
from bridge.simulator.kit.faults import Fault, FaultList
from bridge.simulator.kit.knobs import KnobSet
from bridge.simulator.kit.limiter import TokenLimiter
from bridge.simulator.kit.requestlog import RequestLog, RequestRecord
from bridge.simulator.kit.scenarios import Scenario, scenario_named
from bridge.simulator.kit.tokens import token_hash


class OpenConnection(Protocol):
    """A connected reader of a stream."""

    @property
    def feed_id(self) -> str:
        """The id of the feed that it reads."""

    def cut(self, how: str) -> None:
        """End it; `how` is a word of the profile."""
        ...


class Specials(Protocol):
    """The part of a token book that `start_over` needs."""

    def clear(self) -> None:
        """Forget all special rights."""


class BaseWorld:
    """State that any service shares between its routes, the control API and the Python API."""

    def __init__(self, clock: SimClock, fault_kinds: Mapping[str, str], tokens: Specials) -> None:
        self.clock = clock
        self.faults = FaultList(fault_kinds)
        self.log = RequestLog()
        self.streams: set[OpenConnection] = set()
        self._specials = tokens
        self.on_feed: Callable[[str], None] | None = None  # told of every new feed

    def draw(self, kinds: frozenset[str], record: RequestRecord) -> Fault | None:
        """Use up and log the fault of one of these kinds that hits this request."""
        fault = self.faults.draw(
            kinds, endpoint=record.endpoint, feed_id=record.feed_id, token=record.token
        )
        if fault is not None:
            record.fault = fault.kind
        return fault

    def start_over(self, seed: int) -> None:
        """Forget counters, faults and special tokens, and close the streams; the knobs stay."""
        self.seed = seed
        for stream in tuple(self.streams):
            stream.cut("clean")
        self._specials.clear()
        self.faults.clear()
        self.log.clear()
        self.limiter = TokenLimiter(Random(f"{seed}/world"))  # noqa: S311 - repeatable, not secret


class Options(TypedDict, total=False):
    """What the service of every profile is made with."""

    knobs: Mapping[str, object] | None
    seed: int
    scenario: str
    speed: float
    clock: SimClock | None


class Service(ABC):
    """What the general part of the control API needs of a profile's service."""

    SCENARIOS: ClassVar[Mapping[str, Scenario]]
    ENDPOINTS: ClassVar[tuple[str, ...]]  # names of routes, for faults and the log
    KNOB_PROFILES: ClassVar[Mapping[str, Mapping[str, object]]] = {}  # several knobs by one word
    FEEDS: ClassVar[str]  # what feeds are called, in the plural
    FEED_KEY: ClassVar[str]  # the id of one in replies, "run_id"
    CUTS: ClassVar[tuple[str, ...]] = ("between_frames", "mid_frame", "clean", "silent")

    def __init__(
        self, world: BaseWorld, knobs: KnobSet, asked: Mapping[str, object], scenario: str
    ) -> None:
        """Create a service; knobs in `asked` override those of the scenario.

        Raises:
            ValueError: There is no such scenario.
            KnobError: A knob's name or value is wrong.
        """
        self.clock = world.clock
        self.base = world
        self.knobs_held = knobs
        self._asked_knobs = dict(asked)
        self.scenario = scenario_named(self.SCENARIOS, scenario).name
        knobs.change(self._asked_knobs)  # a wrong knob is told when the object is made

    # -- what a profile says

    @property
    @abstractmethod
    def speed(self) -> float:
        """How much faster than written scenarios play."""

    @property
    @abstractmethod
    def feed_ids(self) -> list[str]:
        """The ids of all feeds, in the order in which they were created."""

    @abstractmethod
    def begin(self, scenario: Scenario) -> None:
        """Prepare a scenario in a world that has started over."""

    @abstractmethod
    def forget_limits(self) -> None:
        """A cold start: every limiter begins again."""

    def halt(self) -> None:  # noqa: B027 - not every profile plays scripts on the clock
        """Stop all scripts; feeds stay as they are."""

    # -- the same for all profiles

    def reset(self, scenario: str | None = None, seed: int | None = None) -> None:
        """Begin again: knobs as given at the start, no feeds but those of the scenario."""
        self.halt()
        chosen = scenario_named(self.SCENARIOS, scenario or self.scenario)
        self.scenario = chosen.name
        self.base.start_over(self.base.seed if seed is None else seed)
        self.knobs_held.reset()
        self.knobs_held.change({**chosen.knobs, **self._asked_knobs})
        self.begin(chosen)

    @property
    def requests(self) -> list[RequestRecord]:
        """What was asked, oldest first, without control requests."""
        return list(self.base.log.records)

    def peak(self, token: str) -> int:
        """Most accepted requests of this token in any rolling 60 s."""
        return self.base.log.of(token_hash(token)).peak

    def accepted(self, token: str) -> int:
        """Return how many requests of this token the limiter has accepted."""
        return self.base.log.of(token_hash(token)).accepted

    def refused(self, token: str) -> int:
        """How often this token got a 429 from the limiter."""
        return self.base.log.of(token_hash(token)).refused

    def fault(self, kind: str, **how: Any) -> None:
        """Hit the next requests: see faults.py for kinds and fields. `token` is the whole token."""
        if how.get("token") is not None:
            how["token"] = token_hash(how["token"])
        self.base.faults.add(Fault(kind, **how))

    def cut_feed(self, how: str, feed_id: str | None) -> int:
        """Cut every open stream, or those of one feed. Returns how many."""
        hit = [each for each in self.base.streams if feed_id in {None, each.feed_id}]
        for stream in hit:
            stream.cut(how)
        return len(hit)
