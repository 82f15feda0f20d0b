"""Scenarios by name: which things exist, how they live, which faults occur."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from bridge.simulator.kit.scenarios import Scenario, by_name
from bridge.simulator.miosa.store import GOOD_END, Thing
from bridge.simulator.miosa.stories import Said, made_up
from bridge.simulator.miosa.world import World

_MEAN_S = {
    "run": 1.5, "sandbox": 1.2, "computer": 3.0, "build": 0.5, "snapshot": 2.0,
    "deployment": 1.0, "tenant": 5.0,
}  # fmt: skip
_SHORTEST_S, _LONGEST_S = 40.0, 240.0


class Stage:
    """What a scenario works with."""

    def __init__(self, world: World, speed: float) -> None:
        self.world = world
        self.speed = speed
        self.chance = Random(f"{world.seed}/scenario")  # noqa: S311 - repeatable, not secret
        self._stories: dict[str, Iterator[Said]] = {}

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Later, at the speed of the scenario, unless it has been replaced by then."""
        store = self.world.store

        def act() -> None:
            if self.world.store is store:
                action()

        self.world.clock.call_later(seconds / self.speed, act)

    def say(self, thing: Thing, count: int = 1) -> None:
        """The next events of a thing."""
        story = self._stories.get(thing.feed_id)
        if story is None:
            story = made_up(thing.kind, Random(f"{thing.feed_id}/story"))  # noqa: S311 - repeatable
            self._stories[thing.feed_id] = story
        for _ in range(count):
            self.world.store.append(thing, *next(story))

    def live(
        self, thing: Thing, lasts_s: float | None, then: Callable[[], None] | None = None
    ) -> None:
        """Let it emit events until its time is over; None: for ever."""
        now = self.world.clock.now
        ends_at = None if lasts_s is None else now() + lasts_s / self.speed

        def step() -> None:
            if thing.is_over:
                return
            if ends_at is not None and now() >= ends_at:
                finish(self.world, thing, GOOD_END[thing.kind])
                if then is not None:
                    then()
                return
            self.say(thing)
            self.after(self.chance.expovariate(1 / _MEAN_S[thing.kind]), step)

        step()


def finish(world: World, thing: Thing, status: str, *, is_row_first: bool | None = None) -> None:
    """End a thing: its last event and its row, in the order of the knobs."""
    knobs, store = world.knobs_of(thing), world.store
    lasts: dict[str, Said] = {
        "run": (f"run.{status}", {"status": status, "message": "Run is over", "metadata": {}}),
        "sandbox": (f"sandbox.{status}", {"sandbox_id": thing.id}),
        "build": ("build_event", {"state": status}),
        "snapshot": ("", {"type": "snapshot_progress", "status": status, "progress": 100}),
        "computer": (f"computer.{status}", {}),
        "deployment": ("", f"deployment is {status}"),
    }
    last = lasts.get(thing.kind, ("over", {}))
    row_first = knobs.row_first if is_row_first is None else is_row_first

    def say() -> None:
        store.append(thing, *last)

    def end() -> None:
        store.set_status(thing, status)

    if row_first:
        end()
        world.clock.call_later(knobs.row_gap_s, say)
    else:
        say()
        end()


def _empty(stage: Stage) -> None:
    del stage


def _lively(stage: Stage) -> None:
    """One of every kind and some more; what ends is followed by another."""

    def begin(kind: str, within_s: float) -> None:
        def act() -> None:
            thing = stage.world.create(kind)
            lasts_s = None if kind == "tenant" else stage.chance.uniform(_SHORTEST_S, _LONGEST_S)
            stage.live(thing, lasts_s, lambda: begin(kind, stage.chance.uniform(2.0, 12.0)))

        stage.after(within_s, act) if within_s > 0 else act()

    kinds = "tenant run sandbox build run computer snapshot deployment sandbox".split()
    for number, kind in enumerate(kinds):
        begin(kind, 2.0 * number)


def _cuts(stage: Stage) -> None:
    """Lively, and every stream is cut again and again, in turn in each of the ways."""
    _lively(stage)

    def cut() -> None:
        how = stage.chance.choice(("between_frames", "mid_frame", "clean"))
        for stream in tuple(stage.world.streams):
            if stage.chance.random() < 0.7:
                stream.cut(how)
        stage.after(stage.chance.uniform(3.0, 9.0), cut)

    stage.after(5.0, cut)


def _errors(stage: Stage) -> None:
    """Lively, and the service refuses in every form: 409, 429, 502, 503, lost and half replies."""
    _lively(stage)
    knobs = stage.world.knobs

    def trouble() -> None:
        what = stage.chance.choice(("not_ready", "not_running", "html_5xx", "unavailable"))
        knobs.change({what: 2, "unavailable_hint": "header"})
        envelope = stage.chance.choice(("nested", "flat", "top", "list", "plain"))
        knobs.change({"envelope": envelope})
        stage.after(stage.chance.uniform(4.0, 12.0), trouble)

    stage.after(5.0, trouble)


def _tickets(stage: Stage) -> None:
    """Scenario 13 of the contracts: tickets, and a runtime that has no address yet."""
    world = stage.world
    build = world.create("build")
    stage.live(build, 60.0)
    sandbox = world.create("sandbox")
    stage.live(sandbox, 60.0)
    world.knobs.change({"not_ready": 3, "retry_after_ms": 1500})


SCENARIOS = by_name(
    Scenario("miosa-lively", "a feed of every kind, replaced when it ends", _lively),
    Scenario("miosa-cuts", "as `miosa-lively`, streams cut every few seconds", _cuts),
    Scenario("miosa-errors", "as `miosa-lively`, with refusals in every form", _errors),
    Scenario("miosa-tickets", "tickets, and 409s that pass", _tickets),
    Scenario("empty", "no feeds until the control API makes some", _empty),
)
