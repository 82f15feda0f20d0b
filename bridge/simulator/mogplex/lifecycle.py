"""Writes the events and statuses of runs: appends, ends, cancels, pauses (mogplex.md 1.7).

Only this module writes to the store. It waits by timers of the clock, so every call returns at
once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from bridge.simulator.kit.clock import SimClock
from bridge.simulator.kit.mistakes import StateError
from bridge.simulator.mogplex.knobs import Knobs
from bridge.simulator.mogplex.store import TERMINAL_STATUSES, Draft, Run, Store, StoredEvent

TERMINAL_ORDERS = ("event_first", "row_first", "row_only", "double_failed", "logs_after_finished")
_TERMINAL_EVENT = {"success": "finished", "failed": "failed", "cancelled": "cancelled"}
_TERMINAL_MESSAGE = {
    "success": "Harness run finished",
    "failed": "Harness run failed",
    "cancelled": "Run cancelled",
}


class Lifecycle:
    """Writes to runs, as the knobs of each one say."""

    def __init__(self, store: Store, clock: SimClock, knobs: Knobs) -> None:
        self.store = store
        self._clock = clock
        self._knobs = knobs
        self.on_end: Callable[[Run], None] | None = None  # the row has become terminal

    def knobs_of(self, run: Run) -> Knobs:
        """Return the knobs as this run sees them."""
        return self._knobs.with_feed(run.overrides)

    # -- events

    def append(
        self,
        run: Run,
        drafts: Iterable[Draft],
        *,
        event_id: str | None = None,
        created_us: int | None = None,
        commit_after_s: float | None = None,
    ) -> list[StoredEvent]:
        """Add events now, each with its own createdAt.

        Returns those that have an id already: all of them, unless the run waits for input and will
        resume by itself. `commit_after_s` keeps them invisible for that many more seconds; None
        uses the knob.
        """
        knobs = self.knobs_of(run)
        stored = []
        for draft in drafts:
            if run.resumes:
                run.held.append(draft)
                continue
            now_s = self._clock.now()
            event = self.store.prepare(
                run, draft, now_s, knobs, event_id=event_id, created_us=created_us
            )
            stored.append(event)
            delay_s = commit_after_s
            if delay_s is None:
                every = knobs.late_commit_every
                is_late = every > 0 and created_us is None and run.drafted % every == 0
                delay_s = knobs.late_commit_s if is_late else 0.0
            if delay_s > 0:
                self._clock.call_later(delay_s, lambda event=event: self._commit(run, event))  # type: ignore[misc]
            else:
                self.store.commit(run, event, now_s, knobs)
            if knobs.segment_switch and run.drafted == knobs.segment_switch:
                self._pause_for(run, knobs.segment_pause_s)
        return stored

    def _commit(self, run: Run, event: StoredEvent) -> None:
        self.store.commit(run, event, self._clock.now(), self.knobs_of(run))

    # -- status

    def set_status(self, run: Run, status: str, error: str | None = None) -> None:
        """Change the row and nothing else."""
        self.store.set_status(run, status, self._clock.now(), error)
        if run.is_terminal and not run.has_ended:
            run.has_ended = True
            if self.on_end is not None:
                self.on_end(run)

    def finish(
        self,
        run: Run,
        status: str = "success",
        *,
        order: str | None = None,
        error: str | None = None,
        gap_s: float | None = None,
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        """End a run; the second half of the end follows `gap_s` later (None: the knob's value).

        A run that waits for input and will resume by itself ends after that.

        Raises:
            StateError: The run has ended already.
        """
        if status not in TERMINAL_STATUSES:
            raise StateError(f"a run ends as success, failed or cancelled, not {status!r}")
        if order is not None and order not in TERMINAL_ORDERS:
            raise StateError(f"no terminal order {order!r}; there are {', '.join(TERMINAL_ORDERS)}")
        if run.resumes:
            run.when_resumed.append(
                lambda: self.finish(
                    run, status, order=order, error=error, gap_s=gap_s, payload=payload
                )
            )
            return
        knobs = self.knobs_of(run)
        gap = knobs.terminal_gap_s if gap_s is None else gap_s
        chosen = order or knobs.terminal_order
        if chosen == "natural":
            chosen = "event_first" if status == "success" else "row_first"
        if error is None and status == "failed":
            error = "Harness exited with code 1"
        if payload is None:
            payload = {"exit_code": 1, "failure_code": "harness_exit"} if status == "failed" else {}
        end = Draft(_TERMINAL_EVENT[status], _TERMINAL_MESSAGE[status], payload)
        self._later(self._halves(run, status, error, chosen, end), gap)
        if status == "cancelled" and knobs.status_regress != "off":
            back = knobs.status_regress
            self._clock.call_later(2 * gap, lambda: self.set_status(run, "streaming"))
            self._clock.call_later(3 * gap, lambda: self.set_status(run, back))

    def _halves(
        self, run: Run, status: str, error: str | None, order: str, end: Draft
    ) -> list[Callable[[], object]]:
        """What happens, one gap after the other."""

        def row() -> None:
            self.set_status(run, status, error)

        def event() -> None:
            self.append(run, [end], commit_after_s=0.0)

        def logs() -> None:
            self.append(run, trailing_logs(run.chance), commit_after_s=0.0)

        match order:
            case "event_first":
                return [event, row]
            case "row_first":
                return [row, event]
            case "row_only":
                return [row]
            case "double_failed":
                return [row, event, event]
            case _:
                return [event, row, logs]

    def _later(self, actions: list[Callable[[], object]], gap_s: float) -> None:
        for index, action in enumerate(actions):
            if index == 0 or gap_s <= 0:
                action()
            else:
                self._clock.call_later(index * gap_s, action)  # type: ignore[arg-type]

    def cancel(self, run: Run) -> None:
        """Cancel a run that is not terminal, as POST cancel does.

        In the documents' variant the service only signals the agent, and the row follows a gap
        later.
        """
        if run.status == "awaiting_input":
            run.resumes = False
            self.finish(run, "cancelled", order="row_only")
            return
        self.append(run, [Draft("cancel_requested", "Cancellation requested")], commit_after_s=0.0)
        knobs = self.knobs_of(run)
        if knobs.cancel_shape == "seed":
            self._clock.call_later(
                knobs.terminal_gap_s, lambda: self._finish_if_going(run, "cancelled")
            )
        else:
            self.finish(run, "cancelled")

    def _finish_if_going(self, run: Run, status: str) -> None:
        if not run.is_terminal:
            self.finish(run, status)

    # -- segments

    def pause(self, run: Run) -> None:
        """Pause at a checkpoint: finish the segment, then write the row (mogplex.md 1.14).

        Raises:
            StateError: The run is not under way.
        """
        if run.is_terminal:
            raise StateError(f"run {run.id} has ended as {run.status}")
        if self.knobs_of(run).pause_order == "event_first":
            end = Draft("finished", _TERMINAL_MESSAGE["success"])
            self.append(run, [end], commit_after_s=0.0)
        self.set_status(run, "awaiting_input")

    def resume(self, run: Run) -> None:
        """Go on with a new aiCallId; earlier events vanish.

        Raises:
            StateError: The run is not paused.
        """
        if run.status != "awaiting_input":
            raise StateError(f"run {run.id} is {run.status}, not awaiting_input")
        run.resumes = False
        self.store.new_segment(run)
        self.set_status(run, "streaming")
        held, run.held = run.held, []
        self.append(run, held)
        waiting, run.when_resumed = run.when_resumed, []
        for action in waiting:
            action()

    def _pause_for(self, run: Run, pause_s: float) -> None:
        self.pause(run)
        run.resumes = True

        def go_on() -> None:
            if run.resumes and run.status == "awaiting_input":
                self.resume(run)

        self._clock.call_later(pause_s, go_on)


def trailing_logs(chance: Random) -> list[Draft]:
    """The last log events of a native harness, which may come after `finished`."""
    texts = (
        "All checks pass. I left the public API unchanged.",
        "Summary: two files changed, one test added.",
        "Done. The branch is ready for review.",
    )
    first, second = chance.sample(texts, 2)
    return [
        Draft("log", first, {"kind": "assistant_delta"}),
        Draft("log", f"{first} {second}", {"kind": "assistant_final"}),
    ]
