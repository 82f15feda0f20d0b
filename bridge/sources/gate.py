"""One credential of one upstream: every request waits here for its turn.

The I/O shell around the pure scheduler (scheduler.md 7): it turns "poll run X now" into a
task that may go on, and a task's outcome into what the scheduler learns from it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from bridge.clock import Clock
from bridge.core.backoff import Backoff
from bridge.core.errors import Failure, Retry
from bridge.core.pace.budget import WINDOW_S
from bridge.core.pace.credential import Credential
from bridge.core.pace.ranking import Want
from bridge.core.pace.schedule import Scheduler
from bridge.metrics import OK, Metrics

_NEVER = 1e12  # an instant out of reach; infinity would mean "on the wire" to the scheduler
# Turns granted since the memory was stored last, up to which a successor that does not know of them
# is harmless: the places that `reserve` leaves free.
UNSTORED_MAX = 3
# Runs whose order is put into the memory anew for each whole second since that was done last: it
# costs 40 bytes a run, and only what comes first after a restart rests on it.
ORDERED_PER_S = 50

# Codes that say the token, not the run, is what is wrong; such follows begin again at a start.
CREDENTIAL_CODES = frozenset({"UNAUTHORIZED", "LOGIN_REDIRECT"})

T = TypeVar("T")


class Gate:
    """Turns of one token. Only `drive` grants them; run it as a task."""

    def __init__(
        self,
        name: str,
        scheduler: Scheduler[str],
        *,
        clock: Clock,
        metrics: Metrics,
        jitter: Callable[[], float],
        store: Callable[[str], Awaitable[None]],
        unstored_max: int = UNSTORED_MAX,
    ) -> None:
        """`store` stores `memory`, at once: awaited before more turns are granted than
        `unstored_max`, which a successor may miss.
        """
        self.name = name
        self.scheduler = scheduler
        self.credential = Credential()
        self.refusal: Failure | None = None  # of the token, while it is refused
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._jitter = jitter
        self._kick = asyncio.Event()
        self._known: set[str] = set()  # runs in the scheduler's line
        self._granted: set[str] = set()  # those whose turn it is, until its outcome is told
        self._parked: set[str] = set()  # those that are not in line until they ask again
        self._called: set[str] = set()  # those whose turn was asked for out of line
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._hurried: set[str] = set()  # those whose next turn cannot wait
        # When each run was heard last, monotonic; below 0 its place in a predecessor's order.
        self._heard: dict[str, float] = {}
        self._unstored = 0
        self._unstored_max = unstored_max
        self._logged: tuple[float, list[float]] = (0.0, [])  # what `memory` told, and when
        # One of a predecessor's order was heard. A process that dies within a second of that would
        # otherwise contact the same run in each of its lives, and the others would wait.
        self._is_order_new = False
        self._order: list[str] = []
        self._ordered_at = -math.inf

    # What is asked, and when

    async def drive(self) -> None:
        """Grant turns as the scheduler says, for ever."""
        while True:
            self._kick.clear()
            now = self._clock.monotonic()
            granted: list[str] = []
            action, value = self.scheduler.next(now)
            while action == "poll":
                granted.append(str(value))
                action, value = self.scheduler.next(now)
            self._unstored += len(granted)
            if self._is_order_new or (granted and self._unstored > self._unstored_max):
                self._is_order_new = False
                await self._store_before(granted)
            for run_id in granted:
                self._grant(run_id)
            wait_s = float(value) - self._clock.monotonic()
            try:
                async with asyncio.timeout(max(wait_s, 0.0) if wait_s < math.inf else None):
                    await self._kick.wait()
            except TimeoutError:
                pass

    async def _store_before(self, granted: Sequence[str]) -> None:
        try:
            await self._store(self.name)
        except BaseException:
            for run_id in granted:  # it may be stored that these were asked
                self.scheduler.on_error(run_id, self._clock.monotonic())
            raise

    def _grant(self, run_id: str) -> None:
        self._granted.add(run_id)
        waiter = self._waiting.get(run_id)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def expect(self, runs: Iterable[tuple[str, bool]]) -> None:
        """These runs (and whether each was ever heard) will ask for turns within moments: whom to
        hear first is decided among all of them.
        """
        now = self._clock.monotonic()
        for run_id, was_heard in runs:
            if run_id not in self._known:
                need = self._heard.get(run_id, -_NEVER) if was_heard else -math.inf
                self._known.add(run_id)
                self.scheduler.add(run_id, now, unheard=need)
        self._kick.set()

    async def turn(self, run_id: str, want: Want = Want.POLL) -> None:
        """Wait until this run may send one request.

        `want`: what for. A contact takes any free place of the window, one that cannot wait before
        all others and whatever back-off the run has.
        """
        now = self._clock.monotonic()
        self.expect([(run_id, run_id in self._heard)])
        if run_id in self._hurried:
            self._hurried.discard(run_id)
            want = Want.AT_ONCE
        if want is Want.POLL and run_id not in self._parked:
            self._called.discard(run_id)
        elif run_id not in self._granted:  # or a second place would be spent on one request
            self._called.add(run_id)
            self._back_in_line(run_id)
            self.scheduler.request(run_id, now, want)
        self._kick.set()
        if run_id not in self._granted:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting[run_id] = waiter
            try:
                await waiter
            finally:
                self._waiting.pop(run_id, None)

    def hurry(self, run_id: str) -> None:
        """Something happened to a run: the turn that it waits for, or asks for next, is due now."""
        if run_id in self._waiting:
            self.scheduler.request(run_id, self._clock.monotonic(), Want.AT_ONCE)
            self._kick.set()
        elif run_id in self._known:
            self._hurried.add(run_id)

    def _back_in_line(self, run_id: str) -> None:
        """What was out of line was heard all the time."""
        if run_id in self._parked:
            self._parked.discard(run_id)
            self._heard[run_id] = self._clock.monotonic()

    # How it went

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
            if self.credential.accepted():
                self._reopen()
            if self._heard.get(run_id, 0.0) < 0.0:
                self._is_order_new = True
                self._kick.set()
            self._heard[run_id] = now
            wall = self._clock.wall()
            self._metrics.last_poll_success_timestamp_seconds.labels(self.name).set(wall)
            return now
        self._metrics.count_failure(self.name, failure, run_id)
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
            return self._suspect(now, started, failure)
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
        self._back_in_line(run_id)
        self._called.discard(run_id)
        self._hurried.discard(run_id)
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

    async def ask_or_refuse(
        self, operation: str, request: Callable[[], Awaitable[T | Failure]]
    ) -> T | Failure:
        """One request for a client who can wait: at once, or a refusal that says how long.

        Whatever upstream answers, it may have counted the request.
        """
        started = self._clock.monotonic()
        if not self.scheduler.try_interactive(started):
            text = "the budget of the account is spent for now"
            wait_s = self._free_in_s(started)
            return Failure(operation, "RATE_LIMITED", text, Retry.TRANSIENT, wait_s=wait_s)
        try:
            reply = await request()
        finally:
            self.scheduler.interactive_done(self._clock.monotonic(), counted=True)
            self._kick.set()
        code = reply.code if isinstance(reply, Failure) else OK
        self._metrics.count_request(self.name, operation, code, self._clock.monotonic() - started)
        return reply

    def _free_in_s(self, now: float) -> float:
        """Seconds until the next place is free."""
        snapshot, log = self.scheduler.snapshot(now), self.scheduler.log(now)
        oldest = min(log, default=now - WINDOW_S + 1.0)
        return max(1.0, oldest + WINDOW_S - now, snapshot.blocked_until - now)

    def set_pace(self, *, reserve: int, min_interval: float) -> None:
        """Take over changed settings; what the window holds and what was learnt stays."""
        self.scheduler.set_limits(reserve=reserve, min_interval=min_interval)
        self._kick.set()

    # The token

    def token_replaced(self) -> None:
        """Another token is in its place: it is believed until refused."""
        if self.credential.refusals:
            self._reopen()
        self.credential.replaced()
        self._kick.set()

    def ask_again(self) -> None:
        """Somebody may have mended what was wrong with the token: the next try is due."""
        if self.credential.ask_again():
            self.scheduler.hold(0.0)
            self._kick.set()

    def _suspect(self, now: float, sent_at: float, failure: Failure) -> float:
        """One request at a time from now on, after a wait: it tells what holds for all."""
        self.refusal = replace(failure, message="upstream refuses the token; replace it")
        again_at = self.credential.refused(now, sent_at)
        self.scheduler.is_probing = True
        self.scheduler.hold(again_at)
        return again_at

    def _reopen(self) -> None:
        """The token is good again: catch up with all runs at once."""
        self.refusal = None
        self.scheduler.is_probing = False
        self.scheduler.hold(0.0)
        self.scheduler.reopen(self._clock.monotonic())
        self._kick.set()

    # What a successor has to know

    def memory(self) -> dict[str, Any]:
        """The requests of the last minute and when that was told, as seconds on the wall clock, and
        the runs in the order in which they should be heard: the one unheard for longest first.
        """
        now = self._clock.monotonic()
        shift_s = self._clock.wall() - now
        self._unstored = 0
        if now >= self._ordered_at + len(self._heard) // ORDERED_PER_S:
            self._ordered_at = now
            if len(self._heard) > 2 * len(self._known) + ORDERED_PER_S:  # most of them have left
                self._heard = {k: t for k, t in self._heard.items() if k in self._known}
            self._order = sorted(self._heard, key=self._heard_at)
        log = [round(t + shift_s, 3) for t in self.scheduler.log(now)]
        if log != self._logged[1]:  # the same is not stored again
            self._logged = round(now + shift_s, 3), log
        return {"saved": self._logged[0], "requests": log, "order": self._order}

    def _heard_at(self, run_id: str) -> float:
        """A run that is out of line hears all the time."""
        return math.inf if run_id in self._parked else self._heard[run_id]

    def recall(
        self,
        requests: Iterable[float],
        order: Sequence[str] = (),
        saved: float | None = None,
        age_s: float | None = None,
    ) -> None:
        """Take over what a predecessor's `memory` said; call before `drive`.

        `saved`, `age_s`: when that was, on its wall clock, and how long ago. If one is not known
        its wall clock is taken for ours.
        """
        now = self._clock.monotonic()
        if saved is None or age_s is None:
            saved, age_s = self._clock.wall(), 0.0
        shift_s = now - age_s - saved
        self.scheduler.start(now, [t + shift_s for t in requests])
        self._heard = {run_id: n - _NEVER for n, run_id in enumerate(order)}
