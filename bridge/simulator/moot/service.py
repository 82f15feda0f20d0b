"""The service as an object: spaces that are made, fed, archived and cut, without its HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from bridge.simulator.kit.clock import RealClock, SimClock
from bridge.simulator.kit.mistakes import StateError
from bridge.simulator.kit.scenarios import Scenario
from bridge.simulator.kit.service import Service
from bridge.simulator.kit.times import parse_time
from bridge.simulator.moot.app import ENDPOINTS
from bridge.simulator.moot.director import Director
from bridge.simulator.moot.knobs import Knobs
from bridge.simulator.moot.scenarios import SCENARIOS, Stage
from bridge.simulator.moot.store import STATUSES, Draft, Space, StoredEvent
from bridge.simulator.moot.tokens import Rights
from bridge.simulator.moot.truth import truth_of
from bridge.simulator.moot.world import World


class Spaces(Service):
    """What can be done to the spaces of one simulated service."""

    SCENARIOS = SCENARIOS
    ENDPOINTS = ENDPOINTS
    FEEDS: ClassVar[str] = "spaces"
    FEED_KEY: ClassVar[str] = "space_id"
    CUTS: ClassVar[tuple[str, ...]] = (
        *("between_frames", "mid_frame", "whole_json"),
        *("clean", "silent"),
    )

    def __init__(
        self,
        *,
        knobs: Mapping[str, object] | None = None,
        seed: int = 1,
        scenario: str = "empty",
        speed: float = 1.0,
        clock: SimClock | None = None,
    ) -> None:
        self.knobs = Knobs()
        self.world = World(clock or RealClock(), self.knobs, seed)
        self.director = Director(self.world, speed)
        super().__init__(self.world, self.knobs, knobs or {}, scenario)

    @property
    def speed(self) -> float:
        """See `Service.speed`."""
        return self.director.speed

    @property
    def feed_ids(self) -> list[str]:
        """See `Service.feed_ids`."""
        return list(self.world.store.spaces)

    def forget_limits(self) -> None:
        """See `Service.forget_limits`."""
        self.world.limiter.forget()

    def halt(self) -> None:
        """See `Service.halt`."""
        self.director.stop()

    def begin(self, scenario: Scenario) -> None:
        """See `Service.begin`."""
        scenario.begin(Stage(self.world, self.director))

    # -- spaces

    def create_space(
        self,
        space_id: str | None = None,
        *,
        description: str = "",
        events: int = 0,
        status: str = "active",
        knobs: Mapping[str, object] | None = None,
    ) -> Space:
        """A space with `events` made-up events at once."""
        overrides = Knobs.checked_for_feed(knobs or {})
        space = self.world.create_space(space_id, description)
        space.overrides.update(overrides)
        self.append(space, events)
        if status != "active":
            self.set_status(space, status)
        return space

    def space(self, space: Space | str) -> Space:
        """Return the space with this id.

        Raises:
            KeyError: There is no such space.
        """
        return space if isinstance(space, Space) else self.world.store.spaces[space]

    def append(
        self,
        space: Space | str,
        events: int | Draft | Iterable[Draft] = 1,
        *,
        event_id: str | None = None,
        timestamp: str | None = None,
        visible_after_s: float | None = None,
    ) -> list[StoredEvent]:
        """Add so many made-up events, or the given ones, whatever the status is."""
        found = self.space(space)
        if isinstance(events, int):
            drafts = self.director.made_up(found, events)
        else:
            drafts = [events] if isinstance(events, Draft) else list(events)
        return self.world.append(
            found,
            drafts,
            event_id=event_id,
            created_us=None if timestamp is None else parse_time(timestamp),
            visible_after_s=visible_after_s,
        )

    def set_status(self, space: Space | str, status: str) -> None:
        """Set a space's status.

        Raises:
            StateError: The word is no status.
        """
        if status not in STATUSES:
            raise StateError(f"a space is {', '.join(STATUSES)}, not {status!r}")
        self.world.store.set_status(self.space(space), status, self.world.clock.now())

    def archive(self, space: Space | str) -> None:
        """Archive a space: the status that ends it."""
        self.set_status(space, "archived")

    def shrink(self, space: Space | str, count: int) -> None:
        """The oldest `count` events vanish from every read."""
        self.world.store.shrink(self.space(space), count)

    def delete(self, space: Space | str) -> None:
        """As if it had never been; its streams end."""
        found = self.space(space)
        self.director.forget(found)
        del self.world.store.spaces[found.id]
        self.cut_feed("clean", found.id)

    def play(self, space: Space | str, *, every_s: float, events: int | None = None) -> None:
        """Let it talk by itself: see `Director.play`."""
        self.director.play(self.space(space), every_s=every_s, events=events)

    def truth(self, space: Space | str) -> dict[str, Any]:
        """Every event ever visible in a space; see truth.py for the shape."""
        found = self.space(space)
        return truth_of(found, self.world.knobs_of(found))

    # -- readers

    def set_token(
        self,
        token: str,
        *,
        valid: bool = True,
        metered: bool = True,
        forbidden: Iterable[str] = (),
        hidden: Iterable[str] = (),
    ) -> None:
        """Give a key other rights than the ordinary ones.

        Args:
            token: The whole key.
            valid: Whether the service knows it.
            metered: Whether the limiter counts its requests.
            forbidden: Ids of spaces that answer 403 to it.
            hidden: Ids of spaces that answer 404 to it.
        """
        self.world.tokens.set(token, Rights(valid, metered, tuple(forbidden), tuple(hidden)))

    def cut_streams(self, how: str = "between_frames", space: Space | str | None = None) -> int:
        """Cut every open stream and WebSocket, or those of one space. Returns how many."""
        return self.cut_feed(how, None if space is None else self.space(space).id)
