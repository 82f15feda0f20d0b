"""The service as an object: creates, feeds, ends and cuts runs, without its HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from bridge.simulator.kit.clock import RealClock, SimClock
from bridge.simulator.kit.scenarios import Scenario
from bridge.simulator.kit.service import Service
from bridge.simulator.kit.times import parse_time
from bridge.simulator.mogplex.app import ENDPOINTS
from bridge.simulator.mogplex.director import Director
from bridge.simulator.mogplex.knobs import OLDER_SERVER, Knobs
from bridge.simulator.mogplex.scenarios import SCENARIOS, Stage
from bridge.simulator.mogplex.store import Draft, Run, StoredEvent
from bridge.simulator.mogplex.tokens import Rights
from bridge.simulator.mogplex.truth import truth_of
from bridge.simulator.mogplex.world import World

_DEFAULTS = Knobs()


class Runs(Service):
    """The operations on the runs of one simulated service."""

    SCENARIOS = SCENARIOS
    ENDPOINTS = ENDPOINTS
    FEEDS: ClassVar[str] = "runs"
    FEED_KEY: ClassVar[str] = "run_id"
    KNOB_PROFILES: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "older": OLDER_SERVER,
        "newer": {name: getattr(_DEFAULTS, name) for name in OLDER_SERVER},
    }

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
        return list(self.world.store.runs)

    run_ids = feed_ids

    def forget_limits(self) -> None:
        """See `Service.forget_limits`. Forgets the starts too."""
        self.world.limiter.forget()
        self.world.run_starts.forget()

    def halt(self) -> None:
        """See `Service.halt`."""
        self.director.stop()

    def begin(self, scenario: Scenario) -> None:
        """See `Service.begin`."""
        stage = Stage(self.world, self.director, self.world.seed)
        self.world.lifecycle.on_end = stage.ended
        self.world.on_started = self.director.play_lifelike
        scenario.begin(stage)

    # -- runs

    def create_run(
        self,
        *,
        events: int = 0,
        status: str | None = None,
        run_id: str | None = None,
        knobs: Mapping[str, object] | None = None,
        **columns: Any,
    ) -> Run:
        """Create a run with `events` made-up events at once.

        Its status is streaming when it has any, else pending, unless `status` says otherwise.
        `columns` are attributes of `Run`.
        """
        overrides = Knobs.checked_for_feed(knobs or {})
        run = self.world.create_run(run_id, overrides=overrides, **columns)
        if status is not None or events:
            self.world.lifecycle.set_status(run, status or "streaming")
        self.append(run, events)
        return run

    def run(self, run: Run | str) -> Run:
        """Return the run with this id.

        Raises:
            KeyError: There is no such run.
        """
        return run if isinstance(run, Run) else self.world.store.runs[run]

    def append(
        self,
        run: Run | str,
        events: int | Draft | Mapping[str, Any] | Iterable[Draft | Mapping[str, Any]] = 1,
        *,
        created_at: str | None = None,
        commit_after_s: float | None = None,
    ) -> list[StoredEvent]:
        """Add so many made-up events, or the given ones.

        Given ones are `Draft`s, or objects with `type` and perhaps `toolName, message, payload, id,
        createdAt`.
        """
        found = self.run(run)
        if isinstance(events, int):
            drafts: list[Draft | Mapping[str, Any]] = [*self.director.made_up(found, events)]
        elif isinstance(events, Draft | Mapping):
            drafts = [events]
        else:
            drafts = list(events)
        stored: list[StoredEvent] = []
        for given in drafts:
            draft, event_id, own_time = _draft(given)
            time = own_time or created_at
            stored += self.world.lifecycle.append(
                found,
                [draft],
                event_id=event_id,
                created_us=None if time is None else parse_time(time),
                commit_after_s=commit_after_s,
            )
        return stored

    def set_status(self, run: Run | str, status: str, error: str | None = None) -> None:
        """Change the row alone."""
        self.world.lifecycle.set_status(self.run(run), status, error)

    def finish(
        self,
        run: Run | str,
        status: str = "success",
        *,
        order: str | None = None,
        error: str | None = None,
        gap_s: float | None = None,
    ) -> None:
        """End it; see the knobs terminal_order and terminal_gap_s."""
        self.world.lifecycle.finish(self.run(run), status, order=order, error=error, gap_s=gap_s)

    def pause(self, run: Run | str) -> None:
        """Pause a run at a checkpoint; see `Lifecycle.pause`."""
        self.world.lifecycle.pause(self.run(run))

    def resume(self, run: Run | str) -> None:
        """Go on as a new segment: new aiCallId, earlier events vanish."""
        self.world.lifecycle.resume(self.run(run))

    def play(self, run: Run | str, **shape: Any) -> None:
        """Let it run by itself: see `Director.play_lifelike`."""
        self.director.play_lifelike(self.run(run), **shape)

    # -- the truth

    def truth(self, run: Run | str) -> dict[str, Any]:
        """Every event ever committed of a run; see truth.py for the shape."""
        return truth_of(self.run(run), self.world.lifecycle.knobs_of(self.run(run)))

    # -- readers

    def set_token(
        self,
        token: str,
        *,
        valid: bool = True,
        scopes: Iterable[str] = ("read", "write"),
        metered: bool = True,
    ) -> None:
        """Give a token other rights than the ordinary ones.

        Args:
            token: The whole token.
            valid: Whether the service knows it.
            scopes: What it may do.
            metered: Whether the limiter counts its requests.
        """
        self.world.tokens.set(token, Rights(valid, tuple(scopes), metered))

    def cut_streams(self, how: str = "between_frames", run: Run | str | None = None) -> int:
        """Cut every open stream, or those of one run. Returns how many."""
        return self.cut_feed(how, None if run is None else self.run(run).id)


def _draft(given: Draft | Mapping[str, Any]) -> tuple[Draft, str | None, str | None]:
    """Return (event, its id, its time) of an event as callers write it.

    Raises:
        KeyError: `type` is missing.
    """
    if isinstance(given, Draft):
        return given, None, None
    draft = Draft(
        given["type"], given.get("message"), given.get("payload") or {}, given.get("toolName")
    )
    return draft, given.get("id"), given.get("createdAt")
