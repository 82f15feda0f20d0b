"""The gate of one key: every request waits here for its turn, whatever feed it is for.

This is the I/O around `core/pace/line.py`: the gate grants a turn to a task, and the task reports
what became of its requests. A turn may hold two requests: a ticket and the connect that uses it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager

from bridge.clock import Clock
from bridge.core.errors import Failure
from bridge.core.pace.credential import Credential
from bridge.core.pace.line import Line, Rank
from bridge.metrics import OK, Metrics
from bridge.sources.telling import Requests
from bridge.wire.jsontext import JsonError, dumps, loads

IDLE_S = 3600.0  # with nothing to wait for, look again after this long
MIXED_UP_S = 10.0  # a memory that is further ahead of our clock is ignored


class Turn:
    """Requests that were granted together; each one is sent and answered, or returned."""

    def __init__(self, line: Line, clock: Clock, slots: int) -> None:
        self._line = line
        self._clock = clock
        self._left = slots  # not sent yet
        self._flying = 0

    def sent(self) -> None:
        """Report that one of the requests leaves now."""
        assert self._left > 0, "more requests than were granted"
        self._left -= 1
        self._flying += 1

    def answered(self) -> None:
        """Report that its answer is here, or will never come."""
        self._flying -= 1
        self._line.answered(self._clock.monotonic())

    def close(self) -> None:
        """Close the turn: requests on the wire count, requests that were never sent do not."""
        while self._flying:
            self.answered()
        for _ in range(self._left):
            self._line.released()
        self._left = 0


class KeyGate:
    """The turns of one key. Only `drive` grants them; run it as a task."""

    def __init__(
        self,
        account: str,
        line: Line,
        clock: Clock,
        metrics: Metrics,
        store: Callable[[str], Awaitable[None]] | None = None,
        *,
        is_shared: bool = False,
    ) -> None:
        """Create a gate; only this gate uses `line`.

        The gate awaits `store`, which stores `memory` at once, before more requests leave than a
        successor assumes; before any request leaves, if `is_shared`.
        """
        self.account = account
        self.line = line
        self.credential = Credential()
        self.refusals = 0  # 429 answers since the start
        self.waited_s = {"budget": 0.0, "retry_after": 0.0}
        self._clock = clock
        self._metrics = metrics
        self._kick = asyncio.Event()
        self._refusal: Failure | None = None  # of the key, the latest
        self._store = store
        self._is_shared = is_shared
        self._unstored = 0  # grants since the gate last returned its `memory`
        self._waiting: dict[Hashable, tuple[asyncio.Future[None], int]] = {}
        self._is_started = False

    async def drive(self) -> None:
        """Grant turns for ever."""
        self._start()
        while True:
            self._kick.clear()
            if self._store is not None and self._unstored >= self.line.burst:
                await self._store(self.account)
                self._unstored = 0
            now = self._clock.monotonic()
            closed_until = self._closed_until(now)
            key = self.line.grant(now) if closed_until <= now else None
            if key is not None:
                await self._give_turn(*self._waiting.pop(key))
                continue
            wait_s = max(min(max(self.line.next_at(now), closed_until) - now, IDLE_S), 0.0)
            try:
                async with asyncio.timeout(wait_s):
                    await self._kick.wait()
            except TimeoutError:
                pass
            self._book(now)

    async def _give_turn(self, waiter: asyncio.Future[None], slots: int) -> None:
        """Grant a turn whose slots the line has taken from the budget."""
        self._unstored += slots
        try:
            if self._store is not None and self._is_shared:
                await self._store(self.account)
        except BaseException:
            Turn(self.line, self._clock, slots).close()
            raise
        if waiter.done():  # the waiting task was cancelled in this very moment
            Turn(self.line, self._clock, slots).close()
        else:
            waiter.set_result(None)

    def _closed_until(self, now: float) -> float:
        """While the key is refused, send one request at a time, and slowly."""
        if not self.credential.refusals:
            return now
        return math.inf if self.line.budget.in_flight else max(self.credential.retry_at, now)

    def _book(self, since: float) -> None:
        """Record what the waiting time was spent on, if anybody waited."""
        if self._waiting:
            is_told = self.line.blocked_until(since) is not None
            reason = "retry_after" if is_told else "budget"
            self.waited_s[reason] += self._clock.monotonic() - since

    @asynccontextmanager
    async def turn(self, key: Hashable, rank: Rank, *, slots: int = 1) -> AsyncIterator[Turn]:
        """Wait for `slots` requests at once. Only one task per key may wait at a time."""
        waiter = asyncio.get_running_loop().create_future()
        assert key not in self._waiting, "one task a key"
        self._waiting[key] = waiter, slots
        self.line.want(key, self._clock.monotonic(), rank=rank, slots=slots)
        self._kick.set()
        try:
            await waiter
        except asyncio.CancelledError:
            self.line.drop(key)
            self._waiting.pop(key, None)
            if waiter.done() and not waiter.cancelled():  # granted in the same moment
                Turn(self.line, self._clock, slots).close()
            self._kick.set()
            raise
        turn = Turn(self.line, self._clock, slots)
        try:
            yield turn
        finally:
            turn.close()
            self._kick.set()

    def leave(self, key: Hashable) -> None:
        """Forget a feed that is no longer followed."""
        self.line.forget(key)

    # What answers say about the key

    def accepted(self, operation: str, started: float, feed_id: str | None = None) -> None:
        """Report a good answer to a request that was sent at the monotonic instant `started`."""
        now = self._clock.monotonic()
        self._metrics.count_request(self.account, operation, OK, now - started, feed_id)
        if self.credential.accepted():
            self._kick.set()

    def failed(
        self,
        operation: str,
        started: float,
        failure: Failure,
        feed_id: str | None = None,
        *,
        of_key: bool = False,
        bad_key: bool = False,
    ) -> None:
        """Report a refusal or a missing answer, and apply what concerns the whole key.

        Args:
            operation: The name of the request, for metrics.
            started: The monotonic instant before sending.
            failure: What went wrong.
            feed_id: The feed that the request was for, if any.
            of_key: Every request of the key waits for `failure.wait_s`.
            bad_key: Upstream refused the key itself; from now on the gate sends one request at a
                time to find out whether it still does.
        """
        now = self._clock.monotonic()
        self._metrics.count_request(self.account, operation, failure.code, now - started, feed_id)
        self._metrics.count_failure(self.account, failure, feed_id)
        if of_key:
            self.refusals += failure.http_status == 429
            self.line.hold(now + (failure.wait_s or 0.0))
        if bad_key:
            self._refusal = failure
            self.credential.refused(now, started)
        self._kick.set()

    def token_replaced(self) -> None:
        """Use the new key, which counts as good until upstream refuses it."""
        self.credential.replaced()
        self._kick.set()

    def ask_again(self) -> None:
        """Send the next request now: somebody may have fixed the key."""
        if self.credential.ask_again():
            self._kick.set()

    @property
    def refused(self) -> Failure | None:
        """The refusal that suspended the key; None while the key is good."""
        return self._refusal if self.credential.suspended_since is not None else None

    @property
    def refused_at(self) -> float | None:
        """Since when the key is refused, in monotonic seconds."""
        return self.credential.suspended_since

    @property
    def was_accepted(self) -> bool:
        """Whether upstream has accepted a request with the present key."""
        return self.credential.was_accepted

    def requests(self) -> Requests:
        """The use of the request limit, for `Standing`."""
        now = self._clock.monotonic()
        return Requests(
            used=self.line.used(now),
            budget=self.line.limit,
            refusals=self.refusals,
            blocked_until=self.line.blocked_until(now),
            waited_s=dict(self.waited_s),
        )

    def kick(self) -> None:
        """Wake `drive` after a change that it cannot see."""
        self._kick.set()

    # Over restarts

    def memory(self) -> bytes:
        """Return when requests of the last minute were answered, and the wall clock now."""
        now = self._clock.monotonic()
        self._unstored = 0
        shift_s = self._clock.wall() - now
        log = [round(t + shift_s, 3) for t in self.line.log(now)]
        return dumps({"saved": round(self._clock.wall(), 3) if log else 0, "log": log})

    def recall(self, memory: bytes, age_s: float | None = None) -> None:
        """Load what a predecessor's `memory` returned; unreadable bytes count as the worst case.

        `age_s`: how many seconds ago it did; None: its wall clock counts as ours.
        """
        now, wall = self._clock.monotonic(), self._clock.wall()
        try:
            value = loads(memory)
            saved_at, log = float(value["saved"]), [float(t) for t in value["log"]]
        except (JsonError, LookupError, TypeError, ValueError):
            return
        is_sane = all(map(math.isfinite, (*log, saved_at)))
        if not is_sane or (age_s is None and saved_at > wall + MIXED_UP_S):
            return
        self._is_started = True
        shift_s = now - wall if age_s is None else now - age_s - saved_at
        times = [t + shift_s for t in log]
        if saved_at:
            self.line.succeed(now, times, saved_at + shift_s)
        else:
            self.line.start(now, times)

    def _start(self) -> None:
        if not self._is_started:
            self._is_started = True
            self.line.start(self._clock.monotonic(), None)
