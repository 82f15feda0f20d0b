"""The gate of one key: every request waits here for its turn, whatever feed it is for.

The I/O around `core/pace/line.py`: a turn is granted to a task, and what became of its requests is
told back. A turn may hold two requests: a ticket and the connect that it is for.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from bridge.clock import Clock
from bridge.core.errors import Failure
from bridge.core.pace.line import Line, Rank
from bridge.metrics import OK, Metrics
from bridge.wire.jsontext import JsonError, dumps, loads

REFUSALS = 2  # of the key, one after the other, until it is believed
CONFIRM_S = 5.0  # least time between two that count
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

    def __init__(self, account: str, line: Line, clock: Clock, metrics: Metrics) -> None:
        self.account = account
        self.line = line
        self.refused: Failure | None = None  # the key is, as far as is known
        self.refused_at: float | None = None  # since when
        self.was_accepted = False
        self.refusals = 0  # 429 answers since the start
        self.waited_s = {"budget": 0.0, "retry_after": 0.0}
        self._clock = clock
        self._metrics = metrics
        self._kick = asyncio.Event()
        self._strikes = 0
        self._struck_at = -math.inf
        self._waiting: dict[Hashable, asyncio.Future[None]] = {}
        self._is_started = False

    async def drive(self) -> None:
        """Grant turns for ever."""
        self._start()
        while True:
            self._kick.clear()
            now = self._clock.monotonic()
            key = self.line.grant(now)
            if key is not None:
                waiter = self._waiting.pop(key, None)
                assert waiter is not None
                waiter.set_result(None)
                continue
            wait_s = max(self.line.next_at(now) - now, 0.0)
            try:
                async with asyncio.timeout(wait_s):
                    await self._kick.wait()
            except TimeoutError:
                pass
            self._book(now)

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
        self._waiting[key] = waiter
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
        self.was_accepted = True
        self._strikes = 0
        self.refused = self.refused_at = None

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
        good; several of those, some time apart, are believed.
        """
        now = self._clock.monotonic()
        self._metrics.count_request(self.account, operation, failure.code, now - started, feed_id)
        self._metrics.count_failure(self.account, failure, feed_id)
        if of_key:
            self.refusals += failure.http_status == 429
            self.line.hold(now + (failure.wait_s or 0.0))
        if bad_key and now - self._struck_at >= CONFIRM_S:
            self._struck_at = now
            self._strikes += 1
            if self._strikes >= REFUSALS and self.refused is None:
                self.refused, self.refused_at = failure, now
        self._kick.set()

    def token_replaced(self) -> None:
        """Another key is in its place: it is believed until refused."""
        self._strikes = 0
        self._struck_at = -math.inf
        self.refused = self.refused_at = None
        self._kick.set()

    def kick(self) -> None:
        """Something changed that `drive` does not see."""
        self._kick.set()

    # Over restarts

    def memory(self) -> bytes:
        """When requests of the last minute were answered, by the wall clock."""
        now = self._clock.monotonic()
        shift_s = self._clock.wall() - now
        log = [round(t + shift_s, 3) for t in self.line.log(now)]
        return dumps({"saved": round(self._clock.wall(), 3) if log else 0, "log": log})

    def recall(self, memory: bytes) -> None:
        """Go on from what `memory` returned; what cannot be read is believed to be the worst."""
        now, wall = self._clock.monotonic(), self._clock.wall()
        try:
            value = loads(memory)
            saved_at, log = float(value["saved"]), [float(t) for t in value["log"]]
        except (JsonError, LookupError, TypeError, ValueError):
            return
        is_sane = all(map(math.isfinite, (*log, saved_at))) and saved_at <= wall + MIXED_UP_S
        if not is_sane:
            return
        self._is_started = True
        shift_s = now - wall
        times = [t + shift_s for t in log]
        if saved_at:
            self.line.succeed(now, times, saved_at + shift_s)
        else:
            self.line.start(now, times)

    def _start(self) -> None:
        if not self._is_started:
            self._is_started = True
            self.line.start(self._clock.monotonic(), None)
