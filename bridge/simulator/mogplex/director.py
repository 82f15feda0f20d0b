"""Plays scripts on the clock, and repeats scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from bridge.simulator.kit.clock import Timer
from bridge.simulator.mogplex.script import Step, endless, write_script
from bridge.simulator.mogplex.store import Draft, Run
from bridge.simulator.mogplex.variants import VARIANTS
from bridge.simulator.mogplex.world import World

VARIANT_EVERY = 5  # with the knob `payloads`, every so many-th log event is one of them
EVENTS_SHORTEST, EVENTS_LONGEST = 20, 2_000
MINUTES_SHORTEST, MINUTES_LONGEST = 1.0, 40.0


class Director:
    """The running scripts. `speed`: so many times faster than written; timestamps stay real."""

    def __init__(self, world: World, speed: float = 1.0) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be above 0, got {speed}")
        self.world = world
        self.speed = speed
        self._timers: dict[str, Timer] = {}  # run id -> its next step

    def stop(self) -> None:
        """Stop all scripts; runs stay as they are."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def play(self, run: Run, steps: Sequence[Step], *, speed: float | None = None) -> None:
        """Perform `steps`; those with the time 0 happen at once."""
        began_s = self.world.clock.now()
        pace = speed or self.speed
        rest = list(reversed(steps))

        def go_on() -> None:
            self._timers.pop(run.id, None)
            while rest:
                if run.is_terminal or self.world.store.runs.get(run.id) is not run:
                    return
                if run.resumes:
                    run.when_resumed.append(go_on)
                    return
                wait_s = rest[-1].at_s / pace - (self.world.clock.now() - began_s)
                # Less than a microsecond is rounding, and a clock moved by hand would not pass it.
                if wait_s > 1e-6:
                    self._timers[run.id] = self.world.clock.call_later(wait_s, go_on)
                    return
                self._perform(run, rest.pop())

        go_on()

    def _perform(self, run: Run, step: Step) -> None:
        life = self.world.lifecycle
        if step.drafts:
            life.append(run, self.bent(run, step.drafts))
        if step.status is not None or step.error is not None:
            life.set_status(run, step.status or run.status, step.error)
        if step.pause:
            life.pause(run)
        if step.resume:
            life.resume(run)
        if step.cancel:
            life.cancel(run)
        if step.finish is not None:
            life.finish(run, step.finish, order=step.order, error=step.error)

    def bent(self, run: Run, drafts: Sequence[Draft]) -> list[Draft]:
        """Made-up events, every fifth log replaced by a trap if the knob `payloads` says so."""
        names = self.world.lifecycle.knobs_of(run).payloads
        if not names:
            return list(drafts)
        result = []
        for draft in drafts:
            if draft.type == "log":
                run.generated += 1
                which, left = divmod(run.generated, VARIANT_EVERY)
                result.append(VARIANTS[names[which % len(names)]]() if left == 0 else draft)
            else:
                result.append(draft)
        return result

    def made_up(self, run: Run, count: int) -> list[Draft]:
        """The next `count` events of an agent at work in this run."""
        if run.writer is None:
            run.writer = endless(Random(f"{run.id}/work"))  # noqa: S311 - repeatable, not secret
        writer = run.writer
        return self.bent(run, [next(writer) for _ in range(count)])

    def forget(self, run: Run) -> None:
        """Stop the script of a run, which stays as it is."""
        timer = self._timers.pop(run.id, None)
        if timer is not None:
            timer.cancel()

    def play_lifelike(
        self,
        run: Run,
        *,
        events: int | None = None,
        duration_s: float | None = None,
        outcome: str = "success",
        order: str | None = None,
        speed: float | None = None,
    ) -> None:
        """Play a whole run.

        Chance draws what is not given: 20 to 2,000 events, 1 to 40 minutes, mostly short.
        """
        chance = run.chance
        if events is None:
            events = round(_between(chance, EVENTS_SHORTEST, EVENTS_LONGEST))
        if duration_s is None:
            duration_s = 60.0 * _between(chance, MINUTES_SHORTEST, MINUTES_LONGEST)
        steps = write_script(
            chance,
            events=events,
            duration_s=duration_s,
            outcome=outcome,
            order=order,
            harness=run.harness,
            accepted=bool(run.commits),
        )
        self.play(run, steps, speed=speed)


def _between(chance: Random, low: float, high: float) -> float:
    """Log-uniform with a lean to the low end: most runs are small, a few are huge."""
    return float(low * (high / low) ** (chance.random() ** 1.5))
