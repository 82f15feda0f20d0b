"""Reads the stream from a sequence on, in order and without a gap, for ever.

It uses one ephemeral push consumer. Every message carries its number within the consumer. After a
missing number, a silence, or a cut connection, a new consumer begins behind the last message that
was passed on.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from bridge.clock import Clock
from bridge.core.errors import JournalUnavailableError, JournalVersionError
from bridge.journal.jetstream.engine import Engine, Stored
from bridge.journal.jetstream.identity import Identity

SILENCE_S = 2.5  # heartbeats come each second
RETRY_S = 0.1
LOAD_S = 60.0  # to load all tables: 10,000 feeds are 30,000 messages, some seconds
_HEARTBEAT_NS = 1_000_000_000
_INACTIVE_NS = 10_000_000_000
_PARTS, _PARTS_WITH_DOMAIN = 9, 11


class Tail:
    """Call `run` as a task; `take` gets each message once, by ascending sequence."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        identity: Identity,
        after: int,
        take: Callable[[Stored], None],
    ) -> None:
        self._identity = identity
        self._engine = engine
        self._clock = clock
        self.last = after  # sequence of the last message that was passed on
        self._take = take
        self._number = 0  # number of that message within its consumer
        self._heard_s = clock.monotonic()
        self._is_broken = asyncio.Event()
        self._refusal: JournalVersionError | None = None
        engine.on_back = self._is_broken.set

    async def run(self) -> None:
        """Read until cancelled.

        Raises:
            JournalError: The stream is another one now.
            JournalVersionError: A newer version of the program writes it now.
        """
        while True:
            await self._engine.until_connected()
            try:
                await self._one_consumer()
            except JournalUnavailableError:
                await asyncio.sleep(RETRY_S)

    async def _one_consumer(self) -> None:
        self._is_broken.clear()
        self._number = 0
        self._heard_s = self._clock.monotonic()
        # Subscribe first, so that no pushed message is missed.
        inbox, subscription = await self._engine.subscribe(self._on_message, self._on_push)
        name = f"bridge-{secrets.token_hex(6)}"
        try:
            await self._identity.require(self.last)
            await self._create(inbox, name)
            while not self._is_broken.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(SILENCE_S / 4):
                        await self._is_broken.wait()
                if self._clock.monotonic() - self._heard_s > SILENCE_S:
                    break
            if self._refusal is not None:
                raise self._refusal
        finally:
            await self._engine.unsubscribe(subscription)

    async def _create(self, inbox: str, name: str) -> None:
        stream = self._engine.address.stream
        config: dict[str, Any] = {
            "name": name,
            "deliver_subject": inbox,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self.last + 1,
            "ack_policy": "none",
            "replay_policy": "instant",
            "flow_control": True,
            "idle_heartbeat": _HEARTBEAT_NS,
            "inactive_threshold": _INACTIVE_NS,
            "mem_storage": True,
            "num_replicas": 1,
        }
        await self._engine.api(
            f"CONSUMER.CREATE.{stream}.{name}", {"stream_name": stream, "config": config}
        )

    async def _on_message(self, message: Any) -> None:
        self._heard_s = self._clock.monotonic()
        headers = message.headers or {}
        if headers.get("Status") == "100" and not message.data:
            with suppress(JournalUnavailableError):
                if message.reply:
                    await self._engine.answer(message)
                elif stalled := headers.get("Nats-Consumer-Stalled"):
                    await self._engine.publish(stalled)
            return
        self._on_push(message.subject, message.reply, message.data)

    def _on_push(self, subject: str, reply: str, payload: bytes) -> None:
        self._heard_s = self._clock.monotonic()
        placed = _place(reply)
        if placed is None or self._is_broken.is_set():
            return
        seq, number = placed
        if number != self._number + 1:
            # the client dropped messages, or this one belongs to the old consumer
            self._is_broken.set()
            return
        self._number = number
        if seq > self.last:
            self.last = seq
            try:
                self._take(Stored(subject, seq, payload, ""))
            except JournalVersionError as error:  # the client has no use for it
                self._refusal = error
                self._is_broken.set()


def _place(reply: str) -> tuple[int, int] | None:
    """Return sequence in the stream and number in the consumer, from the reply subject."""
    parts = reply.split(".")
    at = 5 if len(parts) == _PARTS else 7 if len(parts) >= _PARTS_WITH_DOMAIN else 0
    if not at or parts[1] != "ACK":
        return None
    return int(parts[at]), int(parts[at + 1])


async def load(engine: Engine, subjects: list[str], take: Callable[[Stored], None]) -> int:
    """Pass on the newest message of every subject; return the highest sequence among them, or 0.

    This is one copy's view, which may be behind; reading on from that sequence misses nothing.

    Raises:
        JournalUnavailableError: The engine does not answer now.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    highest, number = 0, 0

    async def on_message(message: Any) -> None:
        nonlocal highest, number
        placed = _place(message.reply)
        if placed is None or done.done():
            return
        seq, its_number = placed
        number += 1
        if its_number != number:
            done.set_exception(JournalUnavailableError("messages were dropped while loading"))
            return
        highest = max(highest, seq)
        take(Stored(message.subject, seq, message.data, _stamp(message.reply)))
        if _pending(message.reply) == 0:
            done.set_result(None)

    inbox, subscription = await engine.subscribe(on_message)
    name = f"bridge-load-{secrets.token_hex(6)}"
    stream = engine.address.stream
    config = {
        "name": name,
        "deliver_subject": inbox,
        "deliver_policy": "last_per_subject",
        "filter_subjects": subjects,
        "ack_policy": "none",
        "inactive_threshold": _INACTIVE_NS,
        "mem_storage": True,
        "num_replicas": 1,
    }
    try:
        made = await engine.api(
            f"CONSUMER.CREATE.{stream}.{name}", {"stream_name": stream, "config": config}
        )
        delivered = int(made.get("delivered", {}).get("consumer_seq", 0))
        if int(made.get("num_pending", 0)) or delivered:
            async with asyncio.timeout(LOAD_S):
                await done
    except TimeoutError:
        raise JournalUnavailableError("NATS did not deliver its tables in time") from None
    finally:
        await engine.unsubscribe(subscription)
    return highest


def _stamp(reply: str) -> str:
    """Return the time of storage by the engine's clock, RFC 3339."""
    parts = reply.split(".")
    nanoseconds = int(parts[7 if len(parts) == _PARTS else 9])
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat()


def _pending(reply: str) -> int:
    parts = reply.split(".")
    return int(parts[8 if len(parts) == _PARTS else 10])
