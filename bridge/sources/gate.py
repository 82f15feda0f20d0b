"""One credential of one upstream: every request waits here for its turn.

The I/O shell around the pure scheduler (scheduler.md 7): it turns "poll run X now" into a
task that may go on, and a task's outcome into what the scheduler learns from it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence

from bridge.clock import Clock
from bridge.core.backoff import Backoff
from bridge.core.errors import Failure, Retry
from bridge.core.pace.budget import WINDOW_S
from bridge.core.pace.credential import Credential
from bridge.core.pace.schedule import Scheduler
from bridge.metrics import OK, Metrics

_NEVER = 1e12  # an instant out of reach; infinity would mean "on the wire" to the scheduler

# Codes that say the token, not the run, is what is wrong; a new token revives such follows.
CREDENTIAL_CODES = frozenset({"UNAUTHORIZED", "LOGIN_REDIRECT"})


class Account:
    """Turns of one token. Only `drive` grants them; run it as a task."""

    def __init__(
        self,
        name: str,
        scheduler: Scheduler[str],
        *,
        clock: Clock,
        metrics: Metrics,
        jitter: Callable[[], float],
    ) -> None:
        self.name = name
        self.scheduler = scheduler
        self.was_accepted = False  # the token was good for a request
        self.dead: Failure | None = None  # set when the token is confirmed to be refused
        self._credential = Credential()
        self._clock = clock
        self._metrics = metrics
        self._jitter = jitter
        self._kick = asyncio.Event()
        self._known: set[str] = set()  # runs in the scheduler's line
        self._granted: set[str] = set()  # those whose turn it is, until its outcome is told
        self._parked: set[str] = set()  # those that are not in line until they ask again
        self._called: set[str] = set()  # those whose turn was asked for out of line
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def drive(self) -> None:
        """Grant turns as the scheduler says, for ever."""
        while True:
            self._kick.clear()
            now = self._clock.monotonic()
            action, value = self.scheduler.next(now)
            if action == "poll":
                run_id = str(value)
                self._granted.add(run_id)
                waiter = self._waiting.get(run_id)
                if waiter is not None and not waiter.done():
                    waiter.set_result(None)
                continue
            wait_s = float(value) - now
            try:
                async with asyncio.timeout(max(wait_s, 0.0) if wait_s < math.inf else None):
                    await self._kick.wait()
            except TimeoutError:
                pass

    async def turn(self, run_id: str, *, urgent: bool = False) -> Failure | None:
        """Wait until this run may send one request; a Failure when the token is dead.

        `urgent`: before all others, whatever back-off it has.
        """
        now = self._clock.monotonic()
        if self.dead is None and run_id not in self._known:
            self._known.add(run_id)
            self.scheduler.add(run_id, now)
        if urgent or run_id in self._parked:
            self._called.add(run_id)
            self._parked.discard(run_id)
            self.scheduler.request(run_id, now)
        else:
            self._called.discard(run_id)
        self._kick.set()
        if self.dead is None and run_id not in self._granted:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting[run_id] = waiter
            try:
                await waiter
            finally:
                self._waiting.pop(run_id, None)
        return self.dead

    def answered(
        self,
        run_id: str,
        operation: str,
        started: float,
        failure: Failure | None,
        backoff: Backoff | None = None,
        *,
        park: bool = False,
    ) -> float:
        """Tell how a request ended that had its turn; after a success `settle` or `spent` follows.

        `started` is the monotonic instant before sending; `backoff` counts this run's failures,
        None asks again at the usual pace; `park`: as in `spent`, after a failure. Returns the
        instant before which nothing is asked.
        """
        now = self._clock.monotonic()
        code = OK if failure is None else failure.code
        self._metrics.count_request(self.name, operation, code, now - started, run_id)
        if failure is None:
            if backoff is not None:
                backoff.reset()
            self._credential.accepted()
            self.was_accepted = True
            wall = self._clock.wall()
            self._metrics.last_poll_success_timestamp_seconds.labels(self.name).set(wall)
            return now
        self._metrics.count_failure(self.name, failure.code, failure.retry, run_id)
        self._granted.discard(run_id)
        self._kick.set()
        if park:
            self._parked.add(run_id)
        if failure.code == "RATE_LIMITED":
            if run_id in self._called:
                self._parked.add(run_id)  # the scheduler still has it out of line
            self.scheduler.on_429(run_id, now, failure.wait_s)
            return self.scheduler.snapshot(now).blocked_until
        if failure.retry is Retry.AUTH_SUSPECT:
            self.scheduler.on_error(run_id, now, not_before=_NEVER if park else 0.0)
            return self._suspect(now, failure)
        wait_s = failure.wait_s or 0.0
        if backoff is not None:
            wait_s = backoff.after_failure(jitter=self._jitter(), hint_s=failure.wait_s)
        self.scheduler.on_error(run_id, now, not_before=_NEVER if park else now + wait_s)
        return now + wait_s

    def settle(
        self,
        run_id: str,
        events: Sequence[float] | int,
        status: str | None,
        *,
        not_before: float = 0.0,
        head_window: bool = False,
    ) -> None:
        """Tell what a read of the events brought; the run stays in line.

        `events`: monotonic instants of the fresh events, or their number if those are unknown.
        """
        self._granted.discard(run_id)
        self.scheduler.observe(
            run_id,
            self._clock.monotonic(),
            events,
            status,
            done=False,
            not_before=not_before,
            window="first" if head_window else None,
        )
        self._kick.set()

    def spent(self, run_id: str, *, park: bool = False) -> None:
        """The answer says nothing about events; `park`: the run asks for its next turn itself."""
        self._granted.discard(run_id)
        if park:
            self._parked.add(run_id)
        not_before = _NEVER if park else 0.0
        self.scheduler.spent(run_id, self._clock.monotonic(), not_before=not_before)
        self._kick.set()

    def leave(self, run_id: str) -> None:
        """Take the run out of the line; a request under way is charged as if it was answered."""
        if run_id in self._granted:
            self._granted.discard(run_id)
            self.scheduler.on_error(run_id, self._clock.monotonic())
        self._parked.discard(run_id)
        self._called.discard(run_id)
        if run_id in self._known:
            self._known.discard(run_id)
            self.scheduler.forget(run_id)
        self._kick.set()

    def pace_s(self, share: float) -> float:
        """How far apart the reads of one stay, in seconds, when every parked run may use an equal
        part of `share` of the pace.
        """
        cap = self.scheduler.snapshot(self._clock.monotonic()).cap
        return len(self._parked) * WINDOW_S / (cap * share)

    async def ask_now(
        self, operation: str, request: Callable[[], Awaitable[Failure | None]]
    ) -> Failure | None:
        """One request for a person who waits; it passes the same gate, ahead of the runs."""
        while not self.scheduler.try_interactive(self._clock.monotonic()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # the gate opens with time, nothing announces it
        started = self._clock.monotonic()
        counted = True
        try:
            failure = await request()
            counted = failure is None or failure.code != "RATE_LIMITED"
        finally:
            self.scheduler.interactive_done(self._clock.monotonic(), counted)
            self._kick.set()
        duration_s = self._clock.monotonic() - started
        code = OK if failure is None else failure.code
        self._metrics.count_request(self.name, operation, code, duration_s)
        return failure

    def set_pace(self, *, reserve: int, min_interval: float) -> None:
        """Take over changed settings; what the window holds and what was learnt stays."""
        self.scheduler.set_limits(reserve=reserve, min_interval=min_interval)
        self._kick.set()

    def token_replaced(self) -> None:
        """Another token is in its place: it is believed until refused."""
        self.dead = None
        self._credential.replaced()

    def _suspect(self, now: float, failure: Failure) -> float:
        again_at = self._credential.refused(now)
        if again_at is not None:
            self.scheduler.hold(again_at)
            return again_at
        self.dead = Failure(
            failure.operation,
            failure.code,
            "the token is refused; put a valid one in its place",
            Retry.PERMANENT,
            failure.http_status,
            request_id=failure.request_id,
        )
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_result(None)
        return now
