"""The service as an object: creates, feeds, ends and cuts things, without its HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from bridge.simulator.kit.clock import RealClock, SimClock
from bridge.simulator.kit.scenarios import Scenario
from bridge.simulator.kit.service import Service
from bridge.simulator.miosa.app import ENDPOINTS
from bridge.simulator.miosa.knobs import Knobs
from bridge.simulator.miosa.scenarios import SCENARIOS, Stage, finish
from bridge.simulator.miosa.store import GOOD_END, StoredEvent, Thing
from bridge.simulator.miosa.stories import Said
from bridge.simulator.miosa.world import SCOPES, Rights, World


class Things(Service):
    """The operations on the things of one simulated service."""

    SCENARIOS = SCENARIOS
    ENDPOINTS = (*ENDPOINTS, "runs.stream")
    FEEDS: ClassVar[str] = "feeds"
    FEED_KEY: ClassVar[str] = "feed_id"

    def __init__(
        self,
        *,
        knobs: Mapping[str, object] | None = None,
        seed: int = 1,
        scenario: str = "empty",
        speed: float = 1.0,
        clock: SimClock | None = None,
    ) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be above 0, got {speed}")
        self.knobs = Knobs()
        self._speed = speed
        self.world = World(clock or RealClock(), self.knobs, seed)
        self.stage = Stage(self.world, speed)
        super().__init__(self.world, self.knobs, knobs or {}, scenario)

    @property
    def speed(self) -> float:
        """See `Service.speed`."""
        return self._speed

    @property
    def feed_ids(self) -> list[str]:
        """See `Service.feed_ids`. They are `kind:id`, or `tenant`."""
        return list(self.world.store.things)

    def forget_limits(self) -> None:
        """See `Service.forget_limits`."""
        self.world.limiter.forget()

    def begin(self, scenario: Scenario) -> None:
        """See `Service.begin`."""
        self.stage = Stage(self.world, self._speed)
        scenario.begin(self.stage)

    # -- things

    def create(
        self,
        kind: str,
        id_: str | None = None,
        *,
        events: int = 0,
        knobs: Mapping[str, object] | None = None,
        **columns: Any,
    ) -> Thing:
        """A thing at work with `events` made-up events; `columns` stand in its row."""
        overrides = Knobs.checked_for_feed(knobs or {})
        thing = self.world.create(kind, id_, knobs=overrides, **columns)
        if events:
            self.stage.say(thing, events)
        return thing

    def thing(self, thing: Thing | str) -> Thing:
        """Return the thing with this feed id, `run:UUID`.

        Raises:
            KeyError: There is no such thing.
        """
        return thing if isinstance(thing, Thing) else self.world.store.things[thing]

    def append(self, thing: Thing | str, events: int | Iterable[Said] = 1) -> list[StoredEvent]:
        """So many made-up events, or the given (name, data)."""
        found = self.thing(thing)
        before = len(found.events)
        if isinstance(events, int):
            self.stage.say(found, events)
        else:
            for name, data in events:
                self.world.store.append(found, name, data)
        return found.events[before:]

    def set_status(self, thing: Thing | str, status: str) -> None:
        """Change the row alone."""
        self.world.store.set_status(self.thing(thing), status)

    def finish(
        self, thing: Thing | str, status: str | None = None, *, row_first: bool | None = None
    ) -> None:
        """Its last event and its row; see the knob row_first."""
        found = self.thing(thing)
        finish(self.world, found, status or GOOD_END[found.kind], is_row_first=row_first)

    def play(self, thing: Thing | str, lasts_s: float | None = 60.0) -> None:
        """Let it live by itself."""
        self.stage.live(self.thing(thing), lasts_s)

    def purge(self, thing: Thing | str, keep: int) -> None:
        """Forget all but the newest events: cursors into the others are unknown from now on."""
        found = self.thing(thing)
        found.events[:] = found.events[len(found.events) - keep :]

    # -- the truth

    def truth(self, thing: Thing | str) -> dict[str, Any]:
        """Every event ever committed of a thing, in order, and every status it had."""
        found = self.thing(thing)
        return {
            "feed": found.feed_id,
            "status": found.status,
            "history": list(found.history),
            "committed": [
                {"number": e.number, "id": e.id, "name": e.name, "data": e.data, "at": e.at}
                for e in found.events
            ],
        }

    # -- readers

    def set_key(
        self,
        key: str,
        *,
        valid: bool = True,
        scopes: Iterable[str] = SCOPES,
        limit: int | None = None,
        tenant: str = "tenant-1",
    ) -> None:
        """Give a key other rights than the ordinary ones.

        Args:
            key: The whole key.
            valid: Whether the service knows it.
            scopes: What it may do.
            limit: Requests in the limiter's window; None leaves that to the knobs.
            tenant: Whose things it sees.
        """
        self.world.tokens.set(key, Rights(valid, tuple(scopes), limit, tenant))

    def cut_streams(self, how: str = "between_frames", thing: Thing | str | None = None) -> int:
        """Cut every open stream, or those of one thing. Returns how many."""
        return self.cut_feed(how, None if thing is None else self.thing(thing).feed_id)
