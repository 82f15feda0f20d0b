"""The loop behind every output: copies the journal's records as lines to a target.

The position is what the target has taken. A checkpoint in the journal follows it: the journal's
epoch, the position that is surely written, and the target's own mark. If a target can read its last
line back, that line overrides the checkpoint and each record is written exactly once; otherwise the
records after the checkpoint are repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from bridge.clock import Clock
from bridge.core.errors import ConfigError, JournalError, JournalUnavailableError
from bridge.journal.port import Fence, Journal
from bridge.log import get_logger
from bridge.metrics import Metrics
from bridge.outputs.sinks.health import SinkHealth
from bridge.outputs.sinks.lines import (
    Batch,
    Checkpoint,
    LineReader,
    LineSettings,
    Resume,
    checkpoint_key,
    resume,
)
from bridge.outputs.sinks.port import Found, Known, Mark, Reopening, Target, TargetError, Upkeep
from bridge.tasks import TaskGroup

_log = get_logger()

CLOSE_S = 5.0  # seconds for the last lines at the end
_LET_GO_S = 0.5  # extra time for closing, when the lines took all of CLOSE_S


class Delivery:
    """One output. `open`, then `run` until cancelled, then `close`.

    `run` returns by itself when the reader has gone; `is_abandoned` is then True.
    """

    def __init__(
        self,
        name: str,
        target: Target,
        journal: Journal,
        lines: LineSettings = LineSettings(),  # noqa: B008 - frozen
        *,
        metrics: Metrics,
        clock: Clock,
        fence: Fence | None = None,
        remembered_as: str | None = None,
    ) -> None:
        """Prepare an output; `open` opens the target.

        Args:
            name: The name of the output.
            target: Takes the lines.
            journal: The journal to read.
            lines: Which records become lines, and how.
            metrics: The registry of this process.
            clock: The source of time.
            fence: The fence of the lease under which this output writes, if it needs one.
            remembered_as: Prefix of the checkpoint's name where replicas share the journal.
        """
        self.name = name
        self._fence = fence
        self._key = checkpoint_key(remembered_as or name)
        self.target = target
        self.is_abandoned = False
        self._journal = journal
        self._lines = LineReader(journal, lines, clock.wall)
        self._clock = clock
        self._health = SinkHealth(name, target.place, target.reasons, metrics, clock)
        self._position = 0
        self._saved: Checkpoint | None = None
        self._preface: Batch | None = None  # the reset line, before anything else
        self._is_placed = False  # the position is known
        self._is_open = False  # the target takes lines
        self._is_closed = False
        self._must_look_back = False  # the target took lines back, so the position is wrong
        self._wait_s = 0.0  # before the next attempt, after a failure
        self._must_reopen = False
        self._wake = asyncio.Event()  # the journal grew, or `reopen` was called
        self._synced_s = self._saved_s = clock.monotonic()

    @property
    def position(self) -> int:
        """The sequence up to which the target took every record that matches the filter."""
        return self._position

    @property
    def lag(self) -> int:
        """Records in the journal that this output has not read yet."""
        return max(0, self._journal.head - self._position)

    def status(self) -> Mapping[str, Any]:
        """The output's check in /healthz."""
        return {**self._health.status(self._position, self.lag), **self.target.facts}

    def reopen(self) -> None:
        """Check the target's path again at once (SIGHUP, SIGUSR1)."""
        self._must_reopen = True
        self._wake.set()

    # Life cycle

    async def open(self) -> None:
        """Open the target and find the position to resume from.

        `run` waits for what may pass by itself, such as a full disk.

        Raises:
            ConfigError: The operator must act; the text says how.
        """
        stored = await self._journal.checkpoint(self._key)
        self._saved = Checkpoint.maybe_decode(stored)
        try:
            await self._open()
        except TargetError as error:
            if error.complaint is None:
                self._health.failed(error)
                return
            await self._let_go()
            raise ConfigError(error.complaint) from error

    async def run(self) -> None:
        """Copy records until cancelled, or until the reader has gone."""
        stop_listening = self._journal.add_listener(lambda _: self._wake.set())
        try:
            async with TaskGroup() as group:
                upkeep = group.create_task(self._keep_up(), name=f"sink-{self.name}-upkeep")
                await self._copy()
                upkeep.cancel()
        finally:
            stop_listening()

    async def close(self, deadline_s: float = CLOSE_S) -> None:
        """Write the journal's remaining records, save the checkpoint and close the target.

        Call this after `run` ended or was cancelled. Idempotent. Records that miss the deadline are
        written after the next start.
        """
        if self._is_closed:
            return
        self._is_closed = True
        ends_s = self._clock.monotonic() + deadline_s
        try:
            async with asyncio.timeout(deadline_s):
                if self._is_open:
                    await self._attempt(self._behind_what_was_cut_off)
                while self._is_open and await self._copy_once():
                    pass
        except (TimeoutError, JournalError):
            pass
        await self._let_go(max(_LET_GO_S, ends_s - self._clock.monotonic()))
        _log.info("sink.closed", sink=self.name, position=self._position, lag=self.lag)

    async def leave(self) -> None:
        """Close without another line or checkpoint: another replica has the output. Idempotent."""
        if not self._is_closed:
            self._is_open, self._is_closed = False, True
            with suppress(TimeoutError, TargetError):
                async with asyncio.timeout(_LET_GO_S):
                    await self.target.close()

    async def _let_go(self, deadline_s: float = _LET_GO_S) -> None:
        was_open, self._is_open, self._is_closed = self._is_open, False, True
        try:
            async with asyncio.timeout(deadline_s):
                mark = await self.target.close()
                if (was_open or self.is_abandoned) and self._preface is None:
                    await self._remember(mark)
        except TimeoutError:
            self._health.failed(TargetError("other", "it does not let go in time"))
        except (TargetError, JournalUnavailableError) as error:
            self._health.failed(error)
        except JournalError:
            pass  # the caller of `close` knows that the journal has failed

    # Position to resume from

    async def _open(self) -> None:
        """Open the target and determine the position.

        Raises:
            TargetError: The target cannot be opened; it was closed again.
        """
        known = None
        if self._saved is not None:
            # Lines of another journal cannot be written again from this one.
            is_same = self._saved.epoch == self._journal.epoch
            known = Known(self._saved.mark, is_repeatable=is_same)
        found = await self.target.open(known)
        if not self._is_placed:
            await self._place(found)
        elif self._must_look_back and self._saved is not None:
            place = resume(self._saved, found.last, has_lines=True, journal=self._journal)
            self._position = await self._exact(place, found)
            self._must_look_back = False
        elif found.last is not None and found.last.seq is not None and self._preface is None:
            # The file decides; the position may lag after an interrupted write.
            self._position = max(self._position, min(found.last.seq, self._journal.head))
        self._is_open = True

    async def _place(self, found: Found) -> None:
        place = resume(self._saved, found.last, has_lines=found.has_lines, journal=self._journal)
        if place.is_reset and found.last is not None:
            place = await self._lines.recognise(found.last) or place
        self._position = await self._exact(place, found)
        if place.is_reset:
            self._health.reset(place.asked, place.after)
            lines, seqs = self._lines.reset("epoch", place.after, place.asked, None)
            self._preface = Batch(lines, seqs, place.after, marks=len(lines)) if lines else None
        self._is_placed = True
        _log.info("sink.opened", sink=self.name, position=self._position, **self.target.facts)

    async def _exact(self, place: Resume, found: Found) -> int:
        """The position for lines that carry none (upstream's format)."""
        if found.last is None or found.last.seq is not None or place.is_reset:
            return place.after
        return max(place.after, await self._lines.find(found.last, place.after))

    # The loop

    async def _copy(self) -> None:
        while not self.is_abandoned:
            if await self._copy_once():
                continue
            if self._health.last_error is not None:
                await asyncio.sleep(self._wait_s)
            else:
                await self._wait_for_more()

    async def _wait_for_more(self) -> None:
        """Wait until the journal grows, `reopen` is called, or a periodic task is due."""
        intervals = self.target.intervals
        wait_s = intervals.idle_s
        if self._saved is None or self._saved.seq != self._position:
            wait_s = min(wait_s, intervals.checkpoint_s)
        self._wake.clear()
        if self.lag or self._must_reopen:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._wake.wait()

    async def _copy_once(self) -> bool:
        """Write the next batch; False if there is none or the target did not take it."""
        has_more = self.lag > 0 or self._preface is not None or not self._is_placed
        return await self._attempt(self._turn) and has_more

    async def _turn(self) -> None:
        if self._must_reopen:
            if isinstance(self.target, Reopening):
                await self.target.reopen()
            self._must_reopen = False
        await self._hand_over()
        await self._make_sure()

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do something with the open target; after a failure the next attempt reopens it."""
        try:
            if not self._is_open:
                await self._open()
            await work()
        except (TargetError, JournalUnavailableError) as error:
            self._failed(error)
            return False
        self._health.succeeded()
        return True

    async def _behind_what_was_cut_off(self) -> None:
        """Wait for a write whose caller was cancelled; then the position is right (T2)."""
        await self.target.sync()

    def _failed(self, error: TargetError | JournalUnavailableError) -> None:
        self._is_open = False
        if isinstance(error, TargetError) and error.is_gone:
            self.is_abandoned = True
            self._health.abandoned(error)
            return
        self._must_look_back |= isinstance(error, TargetError) and error.is_undone
        self._wait_s = self._health.failed(error)

    async def _hand_over(self) -> None:
        if self._preface is None and self.lag == 0:
            await self.target.write((), _nothing)
            return
        if self._preface is not None or (self.target.has_memory and not self._is_registered):
            await self._register()
        before = self._position
        batch = await self._lines.read(before)

        def taken(count: int) -> None:  # right even when this task is cancelled meanwhile (T2)
            self._position = batch.position(count, before)

        await self.target.write(batch.lines, taken)
        self._position = batch.next_after
        self._health.wrote(batch)
        self._health.lagging(self.lag)

    @property
    def _is_registered(self) -> bool:
        return self._saved is not None and self._saved.epoch == self._journal.epoch

    async def _register(self) -> None:
        """Store the output's first checkpoint before its first line.

        After a reset the checkpoint follows the reset line.

        Raises:
            TargetError: The target did not take the reset line.
            JournalUnavailableError: The journal cannot store the checkpoint now.
        """
        if self._preface is not None:

            def taken(count: int) -> None:
                if count:
                    self._preface = None

            await self.target.write(self._preface.lines, taken)
            self._preface = None
        await self._save()

    async def _make_sure(self) -> None:
        """Sync and save when due."""
        now_s = self._clock.monotonic()
        intervals, target = self.target.intervals, self.target
        if intervals.sync_s is not None and now_s - self._synced_s >= intervals.sync_s:
            await target.sync()
            self._synced_s = now_s
        is_due = now_s - self._saved_s >= intervals.checkpoint_s
        if isinstance(target, Upkeep) and self._saved is not None:
            is_due = is_due or target.wants_checkpoint(self._saved.mark)
        if is_due and (self._saved is not None or not target.has_memory):
            with suppress(JournalUnavailableError):  # a kill then repeats more records
                await self._save()

    async def _save(self) -> None:
        """Store the position that is surely written.

        Raises:
            TargetError: The target could not sync.
            JournalUnavailableError: The journal cannot store the checkpoint now.
        """
        self._saved_s = self._clock.monotonic()
        await self._remember(await self.target.sync())

    async def _remember(self, mark: Mark) -> None:
        checkpoint = Checkpoint(self._journal.epoch, self._position, mark)
        if checkpoint != self._saved:
            await self._journal.append(
                (), checkpoints=[(self._key, checkpoint.encode())], fence=self._fence
            )
            self._saved = checkpoint

    async def _keep_up(self) -> None:
        """Let the target compress and delete finished files that the checkpoint covers."""
        target = self.target
        if not isinstance(target, Upkeep) or target.upkeep_s is None:
            return
        while True:
            await asyncio.sleep(target.upkeep_s)
            if self._saved is not None:
                await target.upkeep(self._saved.mark)


def _nothing(_: int) -> None:
    """Ignore the count: no line was given."""
