"""Scenarios by name: which spaces there are, who talks in them, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable

from bridge.simulator.kit.scenarios import Scenario, by_name
from bridge.simulator.moot.director import Director
from bridge.simulator.moot.store import Space
from bridge.simulator.moot.world import World


class Stage:
    """What a scenario works with."""

    def __init__(self, world: World, director: Director) -> None:
        self.world = world
        self.director = director

    def space(self, space_id: str | None = None, description: str = "") -> Space:
        """Create a space, and report it; None makes an id up."""
        return self.world.create_space(space_id, description)

    def say(self, space: Space, count: int) -> None:
        """Append `count` made-up events of the space's conversation now."""
        self.world.append(space, self.director.made_up(space, count))

    def status(self, space: Space, status: str) -> None:
        """Set the status of a space now."""
        self.world.store.set_status(space, status, self.world.clock.now())

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Later, at the speed of the scenario, unless it has been replaced by then."""
        store = self.world.store

        def act() -> None:
            if self.world.store is store:
                action()

        self.world.clock.call_later(seconds / self.director.speed, act)


def _empty(stage: Stage) -> None:
    del stage


def _lively(stage: Stage) -> None:
    for space_id, about, every_s in (
        ("sprint-planning", "What we do until Thursday", 6.0),
        ("checkout-rounding", "Totals that are off by a cent", 3.0),
        (None, "Review of the CSV export", 9.0),
    ):
        space = stage.space(space_id, about)
        stage.say(space, 6)
        stage.director.play(space, every_s=every_s)


def _quiet(stage: Stage) -> None:
    for about in ("Release notes", "Design", "Operations"):
        space = stage.space(None, about)
        stage.say(space, 20)
        stage.director.play(space, every_s=60.0)


def _reconnects(stage: Stage) -> None:
    space = stage.space("reconnects", "A stream that is cut again and again")
    stage.say(space, 300)
    stage.director.play(space, every_s=1.0)


def _replays(stage: Stage) -> None:
    stage.say(stage.space("replays", "A long history"), 20_000)


def _burst(stage: Stage) -> None:
    space = stage.space("burst", "A thousand events at once, every ten seconds")

    def burst() -> None:
        stage.say(space, 1_000)
        stage.after(10.0, burst)

    burst()


def _archive(stage: Stage) -> None:
    space = stage.space("archive", "Archived after 20 seconds, with last words just before")
    stage.say(space, 450)
    stage.director.play(space, every_s=1.0)

    def end() -> None:
        stage.say(space, 3)
        stage.status(space, "archived")

    stage.after(20.0, end)


def _seasons(stage: Stage) -> None:
    space = stage.space("seasons", "Active, paused, active, archived, active again, archived")
    stage.say(space, 10)
    stage.director.play(space, every_s=2.0)
    statuses = ("paused", "active", "archived", "active", "archived")
    for index, status in enumerate(statuses, start=1):
        stage.after(60.0 * index, lambda status=status: stage.status(space, status))  # type: ignore[misc]


def _late(stage: Stage) -> None:
    space = stage.space("late", "Every fifth event becomes visible late")
    stage.director.play(space, every_s=1.0)


_CUTS = {"stream_max_s": 3.0, "stream_cut": "mid_frame"}
SCENARIOS = by_name(
    Scenario("lively", "three spaces in which people and agents talk, without end", _lively),
    Scenario("quiet", "three spaces that emit an event about once a minute", _quiet),
    Scenario(
        "reconnects", "one space whose stream is cut every 3 s and replays", _reconnects, _CUTS
    ),
    Scenario(
        "replays",
        "20,000 events that are replayed in full every 2 s",
        _replays,
        {"stream_max_s": 2.0, "stream_cut": "clean"},
    ),
    Scenario("burst", "a thousand events at once, every ten seconds", _burst),
    Scenario("archive", "450 events, some more, last words, archived after 20 s", _archive),
    Scenario("seasons", "paused, active, archived and active again, a minute each", _seasons),
    Scenario(
        "late",
        "every fifth event is late by 5 s, at a position that no cursor reaches",
        _late,
        {"late_every": 5, "late_s": 5.0},
    ),
    Scenario("empty", "no spaces until the control API makes some", _empty),
)
