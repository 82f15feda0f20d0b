"""Scenarios by name: which runs exist, how they live, and when new ones begin."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from bridge.simulator.kit.scenarios import Scenario, by_name
from bridge.simulator.mogplex.director import Director
from bridge.simulator.mogplex.script import Step, write_script
from bridge.simulator.mogplex.store import Draft, Run
from bridge.simulator.mogplex.tales import TALES, steps_of
from bridge.simulator.mogplex.world import World

ENDED_KEPT = 200  # a scenario that runs for days keeps so many ended runs


class Stage:
    """What a scenario works with."""

    def __init__(self, world: World, director: Director, seed: int) -> None:
        self.world = world
        self.director = director
        self.chance = Random(f"{seed}/scenario")  # noqa: S311 - repeatable, not secret
        self.on_end: Callable[[Run], None] | None = None
        self._ended: list[str] = []

    def run(self, **columns: Any) -> Run:
        """Create a run, and report it; `columns` are those of its row."""
        return self.world.create_run(**columns)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Later, at the speed of the scenario, unless it has been replaced by then."""
        store = self.world.store

        def act() -> None:
            if self.world.store is store:
                action()

        self.world.clock.call_later(seconds / self.director.speed, act)

    def ended(self, run: Run) -> None:
        """A run's row has become terminal."""
        self._ended.append(run.id)
        while len(self._ended) > ENDED_KEPT:
            self.world.store.runs.pop(self._ended.pop(0), None)
        if self.on_end is not None:
            self.on_end(run)


def _empty(stage: Stage) -> None:
    del stage


def _lively(stage: Stage) -> None:
    """Six runs of very different liveliness; each that ends is followed by a new one."""

    def begin_one(within_s: float) -> None:
        chance = stage.chance
        outcome = chance.choices(("success", "failed", "cancelled"), (8, 1, 1))[0]
        minutes = chance.choice((1.0, 2.0, 3.0, 5.0, 8.0, 20.0))
        events = round(minutes * chance.choice((12, 25, 60)))
        harness = chance.choice(("codex", "codex", "claude-code"))

        def begin() -> None:
            stage.director.play_lifelike(
                stage.run(harness=harness, create_branch=True),
                events=max(20, events),
                duration_s=60.0 * minutes,
                outcome=outcome,
            )

        if within_s > 0:
            stage.after(within_s, begin)
        else:
            begin()

    stage.on_end = lambda _: begin_one(stage.chance.uniform(2.0, 15.0))
    for index in range(6):
        begin_one(3.0 * index)


def _tales(stage: Stage) -> None:
    """Four written runs side by side; each that ends is followed by the next one, for ever."""
    told = [0]

    def begin() -> None:
        tale = TALES[told[0] % len(TALES)]
        told[0] += 1
        run = stage.run(harness=tale.harness, create_branch=True, working_branch=tale.branch)
        stage.director.play(run, steps_of(tale, accepted=bool(run.commits)))

    stage.on_end = lambda _: stage.after(8.0, begin)
    for index in range(len(TALES)):
        stage.after(6.0 * index, begin)


def _quiet(stage: Stage) -> None:
    for _ in range(3):
        stage.director.play_lifelike(stage.run(), events=40, duration_s=40 * 60.0)


def _storm(stage: Stage) -> None:
    for _ in range(20):
        run = stage.run()
        stage.director.play_lifelike(run, events=2_000, duration_s=stage.chance.uniform(60, 120))


def _long(stage: Stage) -> None:
    stage.director.play_lifelike(stage.run(), events=450, duration_s=10 * 60.0)
    stage.director.play_lifelike(stage.run(), events=2_000, duration_s=40 * 60.0)


def _failures(stage: Stage) -> None:
    """One run for each way of mogplex.md 1.7 in which an end can mislead a reader."""
    play = stage.director.play_lifelike
    seconds = 60.0
    play(stage.run(), events=60, duration_s=seconds, outcome="success", order="event_first")
    for order in ("row_first", "double_failed", "row_only"):
        play(stage.run(), events=60, duration_s=seconds, outcome="failed", order=order)
    play(stage.run(), events=60, duration_s=seconds, order="logs_after_finished")
    play(stage.run(), events=40, duration_s=seconds, outcome="cancelled")
    regressing = stage.run(overrides={"status_regress": "cancelled"})
    play(regressing, events=40, duration_s=seconds, outcome="cancelled")
    _never_queued(stage)
    _cancelled_while_waiting(stage)


def _never_queued(stage: Stage) -> None:
    accepted = Draft("started", "External Mogplex run accepted", {"harness": "codex"})
    error = "Failed to queue run"
    end = Step(1.0, status="failed", error=error)
    stage.director.play(stage.run(), [Step(0.0, (accepted,)), end])


def _cancelled_while_waiting(stage: Stage) -> None:
    run = stage.run()
    steps = write_script(run.chance, events=30, duration_s=40.0)[:-1]
    stage.director.play(run, [*steps, Step(41.0, pause=True), Step(60.0, cancel=True)])


def _segments(stage: Stage) -> None:
    for switch_after in (30, 90, 250):
        run = stage.run(overrides={"segment_switch": switch_after, "segment_pause_s": 5.0})
        stage.director.play_lifelike(run, events=2 * switch_after, duration_s=120.0)


SCENARIOS = by_name(
    Scenario(
        "lively",
        "six runs from busy to sleepy; a new one replaces each that ends",
        _lively,
    ),
    Scenario(
        "tales",
        "four runs to watch, at a person's pace: a fix, a failure with its reason, one that asks"
        " and waits, one that is cancelled; then again",
        _tales,
    ),
    Scenario("quiet", "three runs with an event about once a minute, for 40 minutes", _quiet),
    Scenario("storm", "twenty runs of 2,000 events each within two minutes", _storm),
    Scenario("long", "one run of 450 events in 10 minutes, one of 2,000 in 40 minutes", _long),
    Scenario(
        "failures",
        "nine runs, one for each way to end: event first, row first, `failed` twice, row only, "
        "text after the end, cancelled, cancelled but streaming again, never queued, cancelled "
        "while waiting",
        _failures,
    ),
    Scenario("segments", "three runs that wait for input and resume as a new segment", _segments),
    Scenario(
        "empty", "no runs until the control API makes some", _empty, knobs={"on_start": "idle"}
    ),
)
