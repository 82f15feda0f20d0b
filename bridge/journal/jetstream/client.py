"""A client of NATS that does less work per record, received or sent, than nats-py's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

from bridge.core.errors import ConfigError
from bridge.journal.jetstream.messages import Outgoing

try:
    import nats
    from nats.aio.client import Client
    from nats.aio.subscription import Subscription
except ImportError as error:  # pragma: no cover - the extra is installed with the tests
    raise ConfigError(
        "journal nats://…: needs the extra: pip install 'mogplex-bridge[nats]'"
    ) from error

NatsError = nats.errors.Error
Push = Callable[[str, str, bytes], None]  # subject, where to acknowledge, payload

_CONTROL = b"NATS/1.0 "  # a status follows: heartbeats, flow control


_PRIVATE = ("_process_msg", "_pending", "_pending_data_size", "_flush_queue", "_flush_pending")


def require_private_names(client: Client, subscription: Subscription) -> None:
    """Check that nats-py has the private names that are used here.

    Raises:
        ConfigError: It lacks one, so it is not a release that was tested.
    """
    missing = [name for name in _PRIVATE if not hasattr(client, name)]
    missing += [] if hasattr(subscription, "_id") else ["_id"]
    if missing:
        raise ConfigError(
            f"journal nats://…: does not work with nats-py {version('nats-py')} (it lacks"
            f" {', '.join(missing)}): pip install 'mogplex-bridge[nats]' installs one that fits"
        )


require_private_names(Client(), Subscription(None))


class LeanClient(Client):
    """A client whose records arrive by a callback and whose batches leave in one write.

    Both use private names of nats-py. So the extra `nats` admits only the release that was tested.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pushed: dict[int, Push] = {}  # by id of the subscription

    async def _process_msg(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes
    ) -> None:
        push = self.pushed.get(sid)
        if push is None or (headers and headers.startswith(_CONTROL)):
            await super()._process_msg(sid, subject, reply, data, headers)
        else:  # no headers, queue and task: they are half the cost of a record
            push(subject.decode(), reply.decode(), data)

    async def write(self, parts: Sequence[bytes]) -> None:
        """Send whole commands of the protocol in one write: as many `publish` cost twice as much.

        Raises:
            nats.errors.Error: There is no connection.
        """
        if not self.is_connected:
            raise nats.errors.OutboundBufferLimitError
        self._pending.extend(parts)
        self._pending_data_size += sum(map(len, parts))
        if self._flush_queue is not None and self._flush_queue.empty():
            await self._flush_pending()


def batch_commands(messages: Sequence[Outgoing], batch_id: str, reply: str) -> list[bytes]:
    """Return an atomic batch as commands of the protocol.

    The engine answers to `reply` for the first message, with nothing or with a refusal, and for the
    last. Names and values hold nothing that needs escaping.
    """
    last = len(messages)
    parts: list[bytes] = []
    opening = f"NATS/1.0\r\nNats-Batch-Id: {batch_id}\r\nNats-Batch-Sequence: "
    for number, (subject, payload, headers) in enumerate(messages, 1):
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        if number == last:
            lines += "Nats-Batch-Commit: 1\r\n"
        head = f"{opening}{number}\r\n{lines}\r\n"
        to = f"{subject} {reply}" if number in (1, last) else subject
        command = f"HPUB {to} {len(head)} {len(head) + len(payload)}\r\n{head}"
        parts += (command.encode(), payload, b"\r\n")
    return parts


class Answers:
    """The engine's answers to written batches. One object per client."""

    def __init__(self, client: LeanClient) -> None:
        self.client = client
        self._inbox = client.new_inbox()
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._number = 0

    async def open(self) -> None:
        """Subscribe to the answers.

        Raises:
            nats.errors.Error: There is no connection.
        """
        subscription = await self.client.subscribe(f"{self._inbox}.*", cb=self._on_status)
        self.client.pushed[subscription._id] = self._on_push

    def expect(self) -> tuple[str, asyncio.Future[bytes]]:
        """Return a subject for an answer, and the future of the first one that is not empty."""
        self._number += 1
        reply = f"{self._inbox}.{self._number}"
        waiting = self._waiting[reply] = asyncio.get_running_loop().create_future()
        return reply, waiting

    def forget(self, reply: str) -> None:
        """Forget a subject: its answer came, or nobody waits for it."""
        del self._waiting[reply]

    def _on_push(self, subject: str, reply: str, payload: bytes) -> None:
        del reply
        waiting = self._waiting.get(subject)
        if payload and waiting is not None and not waiting.done():
            waiting.set_result(payload)

    async def _on_status(self, message: Any) -> None:
        """Fail on a status: nobody listens for the stream, because it has no leader."""
        waiting = self._waiting.get(message.subject)
        if message.data:  # this client does not push
            self._on_push(message.subject, "", message.data)
        elif message.headers and waiting is not None and not waiting.done():
            waiting.set_exception(nats.errors.NoRespondersError())


async def within_time(answer: asyncio.Future[bytes], time_s: float) -> bytes:
    """Wait for an answer for at most `time_s` seconds.

    Raises:
        nats.errors.Error: No answer came, or a refusal.
    """
    try:
        async with asyncio.timeout(time_s):
            return await answer
    except TimeoutError:
        raise nats.errors.TimeoutError from None
