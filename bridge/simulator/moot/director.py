"""Lets people and agents talk on the clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from bridge.simulator.kit.clock import Timer
from bridge.simulator.moot.store import Draft, Space
from bridge.simulator.moot.talk import conversation
from bridge.simulator.moot.world import World


class Director:
    """Conversations in play. `speed`: so many times faster than written; times stay real."""

    def __init__(self, world: World, speed: float = 1.0) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be above 0, got {speed}")
        self.world = world
        self.speed = speed
        self._timers: dict[str, Timer] = {}  # space id -> what it says next
        self._talks: dict[str, Iterator[Draft]] = {}

    def stop(self) -> None:
        """Stop all conversations; spaces stay as they are."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._talks.clear()

    def made_up(self, space: Space, count: int) -> list[Draft]:
        """The next `count` events of the conversation of this space."""
        talk = self._talks.get(space.id)
        if talk is None:
            talk = self._talks[space.id] = conversation(
                Random(f"{space.id}/talk")  # noqa: S311 - repeatable, not secret
            )
        parent = space.commits[-1].id if space.commits else None
        drafts = [next(talk) for _ in range(count)]
        return [
            replace(draft, parent=parent) if draft.parent is not None else draft for draft in drafts
        ]

    def play(self, space: Space, *, every_s: float, events: int | None = None) -> None:
        """Write an event about every `every_s` seconds, until so many are written; None: for ever.

        A space that is not active stays silent until it is active again.
        """
        left = [events]

        def say() -> None:
            if self.world.store.spaces.get(space.id) is not space:
                return
            if space.status == "active":
                self.world.append(space, self.made_up(space, 1))
                if left[0] is not None:
                    left[0] -= 1
                    if left[0] <= 0:
                        self._timers.pop(space.id, None)
                        return
            wait_s = space.chance.expovariate(1 / every_s)
            self._timers[space.id] = self.world.clock.call_later(wait_s / self.speed, say)

        self.forget(space)
        say()

    def forget(self, space: Space) -> None:
        """Stop the conversation of a space."""
        timer = self._timers.pop(space.id, None)
        if timer is not None:
            timer.cancel()
