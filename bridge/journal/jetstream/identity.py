"""Checks that the stream is still the one that was opened, with all that was read from it."""

from __future__ import annotations

import secrets
from contextlib import suppress

from bridge.clock import Clock
from bridge.core.errors import JournalError, JournalUnavailableError
from bridge.journal.jetstream.engine import Engine, EngineError
from bridge.journal.jetstream.messages import ROLLUP, Outgoing, Subjects, to_meta
from bridge.journal.jetstream.stream import NO_STREAM, Found

DOUBT_S = 3.0  # a new leader may not have applied everything yet


class Identity:
    """Every new consumer checks it. Belongs to the event loop."""

    def __init__(self, engine: Engine, subjects: Subjects, clock: Clock, found: Found) -> None:
        """`found`: the stream as it was opened."""
        self._engine = engine
        self._subjects = subjects
        self._clock = clock
        self._found = found
        self._doubted_s: float | None = None  # monotonic, the first time

    async def require(self, last: int) -> None:
        """Check that the stream is the one that was opened, and has what was read up to `last`.

        Raises:
            JournalError: It is another stream, for good.
            JournalUnavailableError: It cannot be told yet; retry.
        """
        wrong = await self._maybe_wrong(last)
        if wrong is None:
            self._doubted_s = None
            return
        now_s = self._clock.monotonic()
        if self._doubted_s is None:
            self._doubted_s = now_s
        if now_s - self._doubted_s < DOUBT_S:
            raise self._engine.unavailable(f"the stream {wrong}")
        raise JournalError(
            f"journal {self._engine.address}: the stream {wrong}; nothing more is stored. The next"
            " start continues with what is there, and readers get a bridge.reset"
        )

    async def _maybe_wrong(self, last: int) -> str | None:
        try:
            said = await self._engine.api(f"STREAM.INFO.{self._engine.address.stream}")
        except EngineError as error:
            if error.err_code != NO_STREAM:
                raise
            return "is gone: it was deleted, or the hosts are not of one cluster"
        if said["created"] != self._found.created:
            return "is another one: it was made anew, or the hosts are not of one cluster"
        if int(said["state"]["last_seq"]) < last:
            if self._is_sure():
                await self._draw_epoch()
            return (
                "has lost what it had acknowledged (a node without copies and without"
                " sync_interval: always was cut off)"
            )
        return None

    def _is_sure(self) -> bool:
        now_s = self._clock.monotonic()
        return self._doubted_s is not None and now_s - self._doubted_s >= DOUBT_S

    async def _draw_epoch(self) -> None:
        """Draw a new epoch, once for all replicas: old sequences will mean other records."""
        with suppress(JournalUnavailableError):
            found = await self._engine.last_of(self._subjects.meta)
            if found is not None and to_meta(found.payload).epoch == self._found.meta.epoch:
                meta = to_meta(found.payload)._replace(epoch=secrets.token_hex(6))
                message = Outgoing(self._subjects.meta, meta.payload(), ROLLUP)
                await self._engine.store(message, expected=found.seq)
