"""The gate of one key: every request waits here for its turn, whatever feed it is for.

The I/O around `core/pace/line.py`: a turn is granted to a task, and what became of its requests is
told back. A turn may hold two requests: a ticket and the connect that it is for.
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

IDLE_S = 3600.0  # nothing to wait for: look again then
MIXED_UP_S = 10.0  # a log that is further ahead of our clock than that tells nothing


class Turn:
    """The requests that were granted together; each is sent and answered, or given back."""

    def __init__(self, line: Line, clock: Clock, slots: int) -> None:
        self._line = line
        self._clock = clock
        self._left = slots  # not sent yet
        self._flying = 0

    def sent(self) -> None:
        """One of the requests leaves now."""
        assert self._left > 0, "more requests than were granted"
        self._left -= 1
        self._flying += 1

    def answered(self) -> None:
        """Its answer is here, or will never come."""
        self._flying -= 1
        self._line.answered(self._clock.monotonic())

    def close(self) -> None:
        """What was cut off is counted, what never left is not."""
        while self._flying:
            self.answered()
        for _ in range(self._left):
            self._line.released()
        self._left = 0


class KeyGate:
    """Turns of one key. Only `drive` grants them; run it as a task."""

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
        """`store` stores `memory` at once: awaited before more leaves than a successor assumes;
        before anything leaves, if `is_shared`.
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
        self._unstored = 0  # grants since `memory` was asked for
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
        """The slots are taken from the budget."""
        self._unstored += slots
        try:
            if self._store is not None and self._is_shared:
                await self._store(self.account)
        except BaseException:
            Turn(self.line, self._clock, slots).close()
            raise
        if waiter.done():  # who waited was cancelled in this very moment
            Turn(self.line, self._clock, slots).close()
        else:
            waiter.set_result(None)

    def _closed_until(self, now: float) -> float:
        """A key that was refused is asked about by one request at a time, and slowly."""
        if not self.credential.refusals:
            return now
        return math.inf if self.line.budget.in_flight else max(self.credential.retry_at, now)

    def _book(self, since: float) -> None:
        """Say what the time was spent on, if anybody waited."""
        if self._waiting:
            is_told = self.line.blocked_until(since) is not None
            reason = "retry_after" if is_told else "budget"
            self.waited_s[reason] += self._clock.monotonic() - since

    @asynccontextmanager
    async def turn(self, key: Hashable, rank: Rank, *, slots: int = 1) -> AsyncIterator[Turn]:
        """Wait for so many requests at once. One task a key at a time."""
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
        """This feed is no longer followed."""
        self.line.forget(key)

    # What answers teach about the key

    def accepted(self, operation: str, started: float, feed_id: str | None = None) -> None:
        """A good answer, sent at the monotonic instant `started`."""
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
        """A refusal or no answer. What concerns the whole key is seen to here.

        `of_key`: every request waits for `failure.wait_s`. `bad_key`: it said that the key is not
        good; from then on one request at a time asks whether it still is not.
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
        """Another key is in its place: it is believed until refused."""
        self.credential.replaced()
        self._kick.set()

    def ask_again(self) -> None:
        """Somebody may have mended the key: the next request finds out, now."""
        if self.credential.ask_again():
            self._kick.set()

    @property
    def refused(self) -> Failure | None:
        """The refusal for which nothing but a slow probe is asked; None while the key is good."""
        return self._refusal if self.credential.suspended_since is not None else None

    @property
    def refused_at(self) -> float | None:
        """Since when; monotonic."""
        return self.credential.suspended_since

    @property
    def was_accepted(self) -> bool:
        return self.credential.was_accepted

    def requests(self) -> Requests:
        """The requests of the key, for `Standing`."""
        now = self._clock.monotonic()
        return Requests(
            used=self.line.used(now),
            budget=self.line.limit,
            refusals=self.refusals,
            blocked_until=self.line.blocked_until(now),
            waited_s=dict(self.waited_s),
        )

    def kick(self) -> None:
        """Something changed that `drive` does not see."""
        self._kick.set()

    # Over restarts

    def memory(self) -> bytes:
        """When requests of the last minute were answered, and when that was told, by the wall
        clock.
        """
        now = self._clock.monotonic()
        self._unstored = 0
        shift_s = self._clock.wall() - now
        log = [round(t + shift_s, 3) for t in self.line.log(now)]
        return dumps({"saved": round(self._clock.wall(), 3) if log else 0, "log": log})

    def recall(self, memory: bytes, age_s: float | None = None) -> None:
        """Go on from what `memory` returned; what cannot be read is believed to be the worst.

        `age_s`: how long ago it did; None: the wall clock that it was told by is ours.
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
