"""Leases: which replica follows for an account, without trust in another machine's clock.

A lease is one message that its holder replaces every third of its time. A contender waits until the
message has not changed for that time on its own clock, and replaces it; the engine lets only one do
so. The old holder stops earlier: it counts from when it sent its last renewal. Whatever the clocks
do, the new holder has moved the cursor (`writer`), so the engine refuses the old one's appends.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, NamedTuple

from bridge.clock import Clock
from bridge.core.errors import JournalError, JournalUnavailableError
from bridge.journal.jetstream.engine import Engine, EngineError, Stored
from bridge.journal.jetstream.messages import ROLLUP, Holder, Outgoing, to_holder
from bridge.journal.jetstream.tasks import Tasks
from bridge.journal.port import Fence

LEASE_S = 3.0
_RENEW_S = LEASE_S / 3
_MARGIN_S = LEASE_S / 10
_ASK_S = 1.0  # for one renewal, with time for a second try
_AGAIN_S = _RENEW_S / 10  # before the next try after a missing answer


class Taken(NamedTuple):
    """A message that acquired a lease."""

    subject: str
    seq: int
    sent_s: float  # monotonic
    owner: str
    inherited: bytes


class StreamLease:
    """Implements `Lease`."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        taken: Taken,
        fence: Fence,
        tasks: Tasks,
        given_up: Callable[[StreamLease], None],
    ) -> None:
        """`given_up` is called once, when the lease is lost or released."""
        self.fence = fence
        self.inherited = taken.inherited
        self._engine = engine
        self._clock = clock
        self._subject = taken.subject
        self._seq = taken.seq
        self._until_s = taken.sent_s + LEASE_S - _MARGIN_S
        self._owner = taken.owner
        self._memory = taken.inherited
        self._lost = asyncio.Event()
        self._given_up = given_up
        self._tasks = tasks
        self._renewing = tasks.start(self._renew(), f"lease {fence.name}")

    def is_valid(self) -> bool:
        """See `Lease.is_valid`."""
        if not self._lost.is_set() and self._clock.monotonic() >= self._until_s:
            self.lose()
        return not self._lost.is_set()

    def remember(self, memory: bytes) -> None:
        """See `Lease.remember`."""
        self._memory = memory

    async def until_lost(self) -> None:
        """See `Lease.until_lost`."""
        await self._lost.wait()

    async def outlasts(self, work: Coroutine[Any, Any, None]) -> bool:
        """Wait for `work` while the lease is held; False when it is lost before the end."""
        doing = self._tasks.start(work, "work under a lease")
        losing = self._tasks.start(self.until_lost(), "lease lost")
        try:
            await asyncio.wait((doing, losing), return_when=asyncio.FIRST_COMPLETED)
            return not losing.done() and doing.result() is None
        finally:
            doing.cancel()
            losing.cancel()

    async def release(self) -> None:
        """See `Lease.release`. While the engine is away, the lease expires instead."""
        if self._lost.is_set():
            return
        self.lose()
        with suppress(JournalError):
            await self._put(Holder(None, self._memory))

    def lose(self) -> None:
        """Note that another process holds the lease, or may."""
        if not self._lost.is_set():
            self._lost.set()
            self._renewing.cancel()
            self._given_up(self)

    async def _renew(self) -> None:
        wait_s = _RENEW_S
        while True:
            wait_s = min(wait_s, max(self._until_s - self._clock.monotonic(), 0.0))
            await asyncio.sleep(wait_s)
            if not self.is_valid():
                return
            sent_s = self._clock.monotonic()
            try:
                async with asyncio.timeout(_ASK_S):
                    await self._put(Holder(self._owner, self._memory))
            except (JournalUnavailableError, TimeoutError):
                await self._look()
                wait_s = _AGAIN_S
            else:
                wait_s = _RENEW_S
                self._until_s = sent_s + LEASE_S - _MARGIN_S

    async def _put(self, holder: Holder) -> None:
        message = Outgoing(self._subject, holder.payload(), ROLLUP)
        self._seq = await self._engine.store(message, expected=self._seq)

    async def _look(self) -> None:
        """After a missing or refused renewal, check whether the lease is still ours."""
        with suppress(JournalUnavailableError, TimeoutError):
            async with asyncio.timeout(_ASK_S):
                found = await self._engine.last_of(self._subject)
            if found is None or _holder_of(found).owner != self._owner:
                self.lose()
            else:
                self._seq = found.seq


class _Seen(NamedTuple):
    """The newest message of a lease."""

    seq: int
    since_s: float  # monotonic
    owner: str | None


class Contender:
    """Acquires leases, and remembers since when each has not changed."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._seen: dict[str, _Seen] = {}  # by subject
        self._own: set[str] = set()  # our owner names of leases that expired

    async def take(
        self,
        name: str,
        subject: str,
        fenced: Callable[[], Awaitable[int]],
        given_up: Callable[[StreamLease], None],
        tasks: Tasks,
    ) -> StreamLease | None:
        """Take the lease if it is free. `fenced` moves the cursor, and returns its sequence.

        Raises:
            JournalUnavailableError: The engine does not answer now.
        """
        if subject in self._seen and not self._has_run_out(subject):
            return None  # the tail reports when that changes
        found = await self._engine.last_of(subject)
        if found is not None:
            self.note(found)
            if not self._has_run_out(subject):
                return None
        memory = b"" if found is None else _holder_of(found).memory
        owner = secrets.token_hex(8)
        sent_s = self._clock.monotonic()
        try:
            seq = await self._engine.store(
                Outgoing(subject, Holder(owner, memory).payload(), ROLLUP),
                expected=0 if found is None else found.seq,
            )
            number = await fenced()
        except JournalUnavailableError as error:
            self._own.add(owner)  # the lease may be ours, but nobody renews it
            if isinstance(error, EngineError):
                return None  # another process was faster
            raise
        taken = Taken(subject, seq, sent_s, owner, memory)

        def ran_out(lease: StreamLease) -> None:
            self._own.add(owner)
            given_up(lease)

        return StreamLease(self._engine, self._clock, taken, Fence(name, number), tasks, ran_out)

    def note(self, message: Stored) -> None:
        """Note the newest message of a lease, from the tail or after a read."""
        seen = self._seen.get(message.subject)
        if seen is None or message.seq > seen.seq:
            owner = _holder_of(message).owner
            self._seen[message.subject] = _Seen(message.seq, self._clock.monotonic(), owner)

    def _has_run_out(self, subject: str) -> bool:
        """Whether a lease is free: expired here, unchanged elsewhere, or released."""
        seen = self._seen[subject]
        if seen.owner is None or seen.owner in self._own:
            return True
        return self._clock.monotonic() - seen.since_s >= LEASE_S


def _holder_of(message: Stored) -> Holder:
    """Read a lease's message; a foreign one counts as released."""
    try:
        return to_holder(message.payload)
    except (ValueError, KeyError, TypeError):
        return Holder(None, b"")
