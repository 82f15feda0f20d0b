"""The gate of one token: every request waits here for its turn.

This is the I/O shell around the pure scheduler (scheduler.md 7): the scheduler decides which feed
may send a request, the gate wakes that feed's task and reports the outcome to the scheduler.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from bridge.clock import Clock
from bridge.core.backoff import Backoff
from bridge.core.errors import Failure, Fault, Retry
from bridge.core.pace.budget import WINDOW_S
from bridge.core.pace.credential import Credential
from bridge.core.pace.ranking import Want
from bridge.core.pace.schedule import Scheduler
from bridge.core.status import State
from bridge.metrics import OK, Metrics

_NEVER = 1e12  # an instant out of reach; infinity would mean "on the wire" to the scheduler
# Turns that the gate may grant after it last stored its memory. A successor that does not know of
# them does no harm: they fit into the places that `reserve` leaves free.
UNSTORED_MAX = 3
# Feeds whose order the gate adds to its memory for each second since it last did. Each costs 40
# bytes, and a successor needs only the beginning of the order.
ORDERED_PER_S = 50

T = TypeVar("T")


class Gate:
    """The turns of one token. Only `drive` grants them; run it as a task."""

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
        """Create a gate without feeds; `jitter` returns a number in [0, 1).

        The gate awaits `store`, which stores `memory` at once, before it grants more than
        `unstored_max` turns that a successor may miss.
        """
        self.name = name
        self.scheduler = scheduler
        self.credential = Credential()
        self.refusal: Failure | None = None  # the refusal of the token, while it lasts
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._jitter = jitter
        self._kick = asyncio.Event()
        self._known: set[str] = set()  # feeds in the scheduler's line
        self._granted: set[str] = set()  # feeds whose turn it is, until they report its outcome
        self._parked: set[str] = set()  # feeds that are not in line until they ask again
        self._called: set[str] = set()  # feeds that asked for a turn out of line
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._hurried: set[str] = set()  # feeds whose next turn cannot wait
        # Monotonic seconds of each feed's last read; below 0: its place in a predecessor's order.
        self._heard: dict[str, float] = {}
        self._unstored = 0
        self._unstored_max = unstored_max
        self._logged: tuple[float, list[float]] = (0.0, [])  # last change of `memory`
        # A feed of a predecessor's order was read. A process that dies within a second of that
        # would otherwise contact the same feed after each start, and the others would wait.
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
            for feed_id in granted:
                self._grant(feed_id)
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
            for feed_id in granted:  # it may be stored that these were asked
                self.scheduler.on_error(feed_id, self._clock.monotonic())
            raise

    def _grant(self, feed_id: str) -> None:
        self._granted.add(feed_id)
        waiter = self._waiting.get(feed_id)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def expect(self, feeds: Iterable[tuple[str, bool]]) -> None:
        """Announce feeds (and whether each was ever read), to decide which of them goes first."""
        now = self._clock.monotonic()
        for feed_id, was_heard in feeds:
            if feed_id not in self._known:
                need = self._heard.get(feed_id, -_NEVER) if was_heard else -math.inf
                self._known.add(feed_id)
                self.scheduler.add(feed_id, now, unheard=need)
        self._kick.set()

    async def turn(self, feed_id: str, want: Want = Want.POLL) -> None:
        """Wait until this feed may send one request.

        `want` is its purpose: a contact takes any free place of the window; a request that cannot
        wait goes before all others and ignores the feed's back-off.
        """
        now = self._clock.monotonic()
        self.expect([(feed_id, feed_id in self._heard)])
        if feed_id in self._hurried:
            self._hurried.discard(feed_id)
            want = Want.AT_ONCE
        if want is Want.POLL and feed_id not in self._parked:
            self._called.discard(feed_id)
        elif feed_id not in self._granted:  # or a second place would be spent on one request
            self._called.add(feed_id)
            self._back_in_line(feed_id)
            self.scheduler.request(feed_id, now, want)
        self._kick.set()
        if feed_id not in self._granted:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting[feed_id] = waiter
            try:
                await waiter
            finally:
                self._waiting.pop(feed_id, None)

    def hurry(self, feed_id: str) -> None:
        """Make the turn that this feed waits for, or asks for next, due now."""
        if feed_id in self._waiting:
            self.scheduler.request(feed_id, self._clock.monotonic(), Want.AT_ONCE)
            self._kick.set()
        elif feed_id in self._known:
            self._hurried.add(feed_id)

    def _back_in_line(self, feed_id: str) -> None:
        """Put a feed back in line; while it was out of line, its stream kept it current."""
        if feed_id in self._parked:
            self._parked.discard(feed_id)
            self._heard[feed_id] = self._clock.monotonic()

    # How it went

    def answered(
        self,
        feed_id: str,
        operation: str,
        started: float,
        failure: Failure | None,
        backoff: Backoff | None = None,
        *,
        park: bool = False,
    ) -> float:
        """Report how a request that had its turn ended; after a success call `settle` or `spent`.

        `started` is the monotonic instant before sending; `backoff` counts this feed's failures,
        None retries at the usual pace; `park` is as in `spent`. Returns the monotonic instant
        before which the feed sends no request.
        """
        now = self._clock.monotonic()
        code = OK if failure is None else failure.code
        self._metrics.count_request(self.name, operation, code, now - started, feed_id)
        if failure is None:
            if backoff is not None:
                backoff.reset()
            if self.credential.accepted():
                self._reopen()
            if self._heard.get(feed_id, 0.0) < 0.0:
                self._is_order_new = True
                self._kick.set()
            self._heard[feed_id] = now
            wall = self._clock.wall()
            self._metrics.last_poll_success_timestamp_seconds.labels(self.name).set(wall)
            return now
        self._metrics.count_failure(self.name, failure, feed_id)
        self._granted.discard(feed_id)
        self._kick.set()
        if park:
            self._parked.add(feed_id)
        if failure.fault is Fault.RATE:
            if feed_id in self._called:
                self._parked.add(feed_id)  # the scheduler still has it out of line
            self.scheduler.on_429(feed_id, now, failure.wait_s)
            return self.scheduler.snapshot(now).blocked_until
        if failure.retry is Retry.AUTH_SUSPECT:
            self.scheduler.on_error(feed_id, now, not_before=_NEVER if park else 0.0)
            return self._suspect(now, started, failure)
        wait_s = failure.wait_s or 0.0
        if backoff is not None:
            wait_s = backoff.after_failure(jitter=self._jitter(), hint_s=failure.wait_s)
        self.scheduler.on_error(feed_id, now, not_before=_NEVER if park else now + wait_s)
        return now + wait_s

    def settle(
        self,
        feed_id: str,
        events: Sequence[float] | int,
        state: State | None,
        *,
        not_before: float = 0.0,
        head_window: bool = False,
    ) -> None:
        """Report what a read of the events brought; the feed stays in line.

        `events` holds monotonic instants of new events, or is their number if those are unknown.
        """
        self._granted.discard(feed_id)
        self.scheduler.observe(
            feed_id,
            self._clock.monotonic(),
            events,
            state,
            done=False,
            not_before=not_before,
            window="first" if head_window else None,
        )
        self._kick.set()

    def spent(self, feed_id: str, *, park: bool = False) -> None:
        """Report a reply that says nothing about events; `park`: the feed asks for a turn."""
        self._granted.discard(feed_id)
        if park:
            self._parked.add(feed_id)
        not_before = _NEVER if park else 0.0
        self.scheduler.spent(feed_id, self._clock.monotonic(), not_before=not_before)
        self._kick.set()

    def leave(self, feed_id: str) -> None:
        """Take the feed out of the line; a request under way is charged as if it was answered."""
        if feed_id in self._granted:
            self._granted.discard(feed_id)
            self.scheduler.on_error(feed_id, self._clock.monotonic())
        self._back_in_line(feed_id)
        self._called.discard(feed_id)
        self._hurried.discard(feed_id)
        if feed_id in self._known:
            self._known.discard(feed_id)
            self.scheduler.forget(feed_id)
        self._kick.set()

    def pace_s(self, share: float) -> float:
        """Return the seconds between reads of one parked feed, if all of them use `share`."""
        cap = self.scheduler.snapshot(self._clock.monotonic()).cap
        return len(self._parked) * WINDOW_S / (cap * share)

    async def ask_or_refuse(
        self, operation: str, request: Callable[[], Awaitable[T | Failure]]
    ) -> T | Failure:
        """Send one request for a client at once, or refuse it and say how long to wait.

        The request counts whatever upstream answers, because upstream may have counted it.
        """
        started = self._clock.monotonic()
        if not self.scheduler.try_interactive(started):
            text = "the budget of the account is spent for now"
            wait_s = self._free_in_s(started)
            return Failure(
                operation, "RATE_LIMITED", text, Retry.TRANSIENT, wait_s=wait_s, blames=Fault.RATE
            )
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
        """Apply changed settings; the window and what the scheduler has learned stay."""
        self.scheduler.set_limits(reserve=reserve, min_interval=min_interval)
        self._kick.set()

    # The token

    def token_replaced(self) -> None:
        """Use the new token, which counts as good until upstream refuses it."""
        if self.credential.refusals:
            self._reopen()
        self.credential.replaced()
        self._kick.set()

    def ask_again(self) -> None:
        """Make the next try due now: somebody may have fixed what was wrong with the token."""
        if self.credential.ask_again():
            self.scheduler.hold(0.0)
            self._kick.set()

    def _suspect(self, now: float, sent_at: float, failure: Failure) -> float:
        """Allow one request at a time from now on, after a wait; its reply decides for all."""
        self.refusal = replace(failure, message="upstream refuses the token; replace it")
        again_at = self.credential.refused(now, sent_at)
        self.scheduler.is_probing = True
        self.scheduler.hold(again_at)
        return again_at

    def _reopen(self) -> None:
        """The token is good again: catch up with all feeds at once."""
        self.refusal = None
        self.scheduler.is_probing = False
        self.scheduler.hold(0.0)
        self.scheduler.reopen(self._clock.monotonic())
        self._kick.set()

    # What a successor must know

    def memory(self) -> dict[str, Any]:
        """Return what a successor must know, in wall-clock seconds.

        `requests` of the last minute; `saved`, when they last changed; `order`: the feeds in the
        order in which to read them, first the feed that was last read longest ago.
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
        if log != self._logged[1]:  # an unchanged memory is not stored again
            self._logged = round(now + shift_s, 3), log
        return {"saved": self._logged[0], "requests": log, "order": self._order}

    def _heard_at(self, feed_id: str) -> float:
        """When a feed was last read; a feed that is out of line counts as read now."""
        return math.inf if feed_id in self._parked else self._heard[feed_id]

    def recall(
        self,
        requests: Iterable[float],
        order: Sequence[str] = (),
        saved: float | None = None,
        age_s: float | None = None,
    ) -> None:
        """Load what a predecessor's `memory` returned; call before `drive`.

        `saved` is when, on its wall clock, and `age_s` how many seconds ago it did. If one is
        unknown, its wall clock counts as ours.
        """
        now = self._clock.monotonic()
        if saved is None or age_s is None:
            saved, age_s = self._clock.wall(), 0.0
        shift_s = now - age_s - saved
        self.scheduler.start(now, [t + shift_s for t in requests])
        self._heard = {feed_id: n - _NEVER for n, feed_id in enumerate(order)}
