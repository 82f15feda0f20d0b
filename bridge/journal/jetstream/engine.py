"""The connection to the engine, and the few requests that the journal sends.

nats-py serves only as the connection: its consumers, key-value helpers and buffered publishing have
defects that cost records or their order (docs/decisions/0019-jetstream.md lists them).
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from bridge.core.errors import BridgeError, ConfigError, JournalUnavailableError
from bridge.journal.jetstream.address import Address
from bridge.journal.jetstream.client import (
    Answers,
    LeanClient,
    NatsError,
    Push,
    batch_commands,
    within_time,
)
from bridge.journal.jetstream.credentials import require_credentials
from bridge.journal.jetstream.messages import Outgoing
from bridge.journal.jetstream.tasks import within

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

T = TypeVar("T")

VERSION_MIN = (2, 12)  # atomic batches; 2.11 has batched direct gets
REQUEST_S = 5.0  # time limit of a request; a new leader of the stream is elected in 4 to 9 s
BATCH_MESSAGES_MAX = 1000  # the engine's own limit (error 10199)
OVERHEAD_BYTES = 8 * 1024  # headers count toward the engine's limit of a message
_REFUSAL = ("authorization", "authentication", "credentials")
_RECONNECT_S = 0.2
_REPLACE_S = 1.0  # between two checks whether to replace the client
_WRONG_SEQUENCE = (10071, 10164)
_NO_MESSAGE = 10037
_NO_PEERS = 10005
_SERVER_ERROR = 500


class EngineError(JournalUnavailableError):
    """The engine refused a request. Without a better rule: retry later."""

    def __init__(self, code: int, err_code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.err_code = err_code

    @property
    def may_pass(self) -> bool:
        """Whether the engine itself is impaired: it has no leader, or a node too few."""
        return self.code >= _SERVER_ERROR or self.err_code == _NO_PEERS

    @property
    def is_wrong_sequence(self) -> bool:
        """Whether another process stored on that subject meanwhile."""
        return self.err_code in _WRONG_SEQUENCE


class Stored(NamedTuple):
    """A message of the stream."""

    subject: str
    seq: int
    payload: bytes
    at: str  # RFC 3339, by the engine's clock


class Engine:
    """One connection, which reconnects by itself. Belongs to one event loop."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._client: Any = None
        self._answers: Answers | None = None  # to batches
        self._away = asyncio.Event()  # set while there is no connection
        self._back = asyncio.Event()
        self.last_error = "not connected yet"
        self.on_back: Callable[[], None] = lambda: None

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection at this instant."""
        return bool(self._client is not None and self._client.is_connected)

    @property
    def version(self) -> str:
        """The server's version, such as `2.12.1`; only while connected."""
        return str(self._client.connected_server_version).split(" v")[-1].rstrip(">")

    @property
    def message_bytes_max(self) -> int:
        """The largest payload of a message in bytes, after room for headers."""
        return int(self._client.max_payload) - OVERHEAD_BYTES

    async def connect(self, patience_s: float) -> None:
        """Connect, and retry for `patience_s` seconds.

        Raises:
            JournalUnavailableError: No server answered in time.
            ConfigError: The server refused the credentials, or is too old.
        """
        options: dict[str, Any] = {"reconnect_time_wait": _RECONNECT_S}
        if (file := self.address.credentials) is not None:
            require_credentials(file)
            options["user_credentials"] = str(file)
        client = LeanClient()
        try:
            connecting = client.connect(
                servers=list(self.address.servers),
                name="mogplex-bridge",
                # a message without a connection fails at once, so none is reordered
                pending_size=0,
                max_reconnect_attempts=-1,
                ping_interval=2,
                max_outstanding_pings=2,
                allow_reconnect=True,
                disconnected_cb=self._lost,
                reconnected_cb=self._found,
                error_cb=self._noted,
                **options,
            )
            await within(patience_s, connecting)
        except (OSError, TimeoutError, NatsError) as error:
            await client.close()
            raise self._not_connected(error) from None
        self._client = client
        self._require_version()
        self._back.set()

    def _not_connected(self, error: Exception) -> BridgeError:
        cause = self.last_error if isinstance(error, TimeoutError) else str(error)
        if _is_refusal(cause):
            return ConfigError(f"journal {self.address}: NATS refuses the connection: {cause}")
        return self.unavailable(cause)

    def _require_version(self) -> None:
        version = tuple(int(part) for part in self.version.split("-")[0].split(".")[:2])
        if version < VERSION_MIN:
            raise ConfigError(
                f"journal {self.address}: needs nats-server 2.12 or later (atomic batches); this is"
                f" {self.version}"
            )

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._client is not None:
            await self._client.close()

    async def _lost(self) -> None:
        self._back.clear()
        self._away.set()

    async def _found(self) -> None:
        self._away.clear()
        self._back.set()
        self.on_back()

    async def _noted(self, error: Exception) -> None:
        self.last_error = str(error) or type(error).__name__
        if self._client is None and _is_refusal(self.last_error):
            raise error  # ends `connect`, which would otherwise retry until its time is over

    def unavailable(self, cause: str) -> JournalUnavailableError:
        """Return the error to raise."""
        return JournalUnavailableError(
            f"journal {self.address}: NATS does not answer: {cause or 'no answer'}; pending"
            " work waits and resumes automatically"
        )

    async def until_connected(self) -> None:
        """Wait for the connection; replaces a client that an error closed for good."""
        while True:
            if self._client.is_closed:
                await self._replace()
            elif self._back.is_set():
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_REPLACE_S):
                    await self._back.wait()

    async def _replace(self) -> None:
        await self._lost()
        with suppress(JournalUnavailableError, ConfigError):  # `last_error` has the reason
            await self.connect(REQUEST_S)
            await self._found()

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = REQUEST_S,
    ) -> Msg:
        """Send one request and return its answer.

        Raises:
            JournalUnavailableError: No answer came; at once when the connection is cut.
        """
        asked = self._client.request(
            subject, payload, timeout=timeout_s, headers=dict(headers) if headers else None
        )
        return await self._unless_cut(asked)

    async def _unless_cut(self, asked: Coroutine[Any, Any, T]) -> T:
        if self._away.is_set():
            asked.close()
            raise self.unavailable(self.last_error)
        loop = asyncio.get_running_loop()
        answer, cut = loop.create_task(asked), loop.create_task(self._away.wait())
        try:
            await asyncio.wait((answer, cut), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done() or answer.cancelled():  # a closed client cancels the waiting tasks
                raise self.unavailable("the connection was cut")
            return answer.result()
        except NatsError as error:
            raise self.unavailable(str(error)) from None
        finally:
            cut.cancel()
            if not answer.done():
                answer.cancel()

    async def api(
        self, operation: str, body: Mapping[str, Any] | None = None, timeout_s: float = REQUEST_S
    ) -> dict[str, Any]:
        """Send a request to the engine's own interface.

        Raises:
            EngineError: The engine refused it.
            JournalUnavailableError: No answer came.
        """
        payload = b"" if body is None else json.dumps(body).encode()
        answer = await self.request(f"$JS.API.{operation}", payload, timeout_s=timeout_s)
        return self._checked(json.loads(answer.data))

    @staticmethod
    def _checked(said: dict[str, Any]) -> dict[str, Any]:
        if (error := said.get("error")) is not None:
            raise EngineError(
                error.get("code", 0), error.get("err_code", 0), error.get("description", "refused")
            )
        return said

    async def store(self, message: Outgoing, expected: int | None = None) -> int:
        """Store one message; return its sequence. `expected`: that of the last on its subject.

        Raises:
            EngineError: The engine refused the message.
            JournalUnavailableError: No answer came; the message may be stored or not.
        """
        headers = dict(message.headers)
        if expected is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(expected)
        answer = await self.request(message.subject, message.payload, headers)
        return int(self._checked(json.loads(answer.data))["seq"])

    async def store_all(self, messages: Sequence[Outgoing], batch_id: str) -> int:
        """Store all messages or none, in order, with no others between; return the last sequence.

        Raises:
            EngineError: Nothing is stored.
            JournalUnavailableError: No answer came; all messages are stored, or none.
        """
        largest = max(len(message.payload) for message in messages)
        if largest > self._client.max_payload:
            raise self.unavailable(f"a message of {largest} bytes is more than it takes")
        try:
            answers = await self._answers_of_client()
            reply, answer = answers.expect()
            try:
                await self._client.write(batch_commands(messages, batch_id, reply))
                said = await self._unless_cut(within_time(answer, REQUEST_S))
            finally:
                answers.forget(reply)
        except NatsError as error:
            raise self.unavailable(str(error)) from None
        return int(self._checked(json.loads(said))["seq"])

    async def _answers_of_client(self) -> Answers:
        answers = self._answers
        if answers is None or answers.client is not self._client:
            answers = Answers(self._client)
            await answers.open()
            self._answers = answers
        return answers

    async def last_of(self, subject: str) -> Stored | None:
        """Return the newest message of a subject, as the leader of the stream has it."""
        return await self._get({"last_by_subj": subject})

    async def next_of(self, subject: str, seq: int) -> Stored | None:
        """Return the first message of a subject from a sequence on, as the leader has it."""
        return await self._get({"seq": seq, "next_by_subj": subject})

    async def _get(self, which: Mapping[str, Any]) -> Stored | None:
        try:
            said = await self.api(f"STREAM.MSG.GET.{self.address.stream}", which)
        except EngineError as error:
            if error.err_code == _NO_MESSAGE:
                return None
            raise
        message = said["message"]
        payload = base64.b64decode(message.get("data", ""))
        return Stored(message["subject"], int(message["seq"]), payload, message["time"])

    async def many_of(self, subject: str, seq: int, count: int, bytes_max: int) -> list[Stored]:
        """Return messages of a subject from a sequence on, from any copy, which may be behind."""
        inbox, subscription = await self.subscribe()
        asked = {"seq": seq, "next_by_subj": subject, "batch": count, "max_bytes": bytes_max}
        found: list[Stored] = []
        try:
            await self._client.publish(
                f"$JS.API.DIRECT.GET.{self.address.stream}", json.dumps(asked).encode(), reply=inbox
            )
            while True:
                message = await self._unless_cut(subscription.next_msg(REQUEST_S))
                headers = message.headers or {}
                if "Status" in headers:
                    return found
                found.append(
                    Stored(
                        headers["Nats-Subject"],
                        int(headers["Nats-Sequence"]),
                        message.data,
                        headers["Nats-Time-Stamp"],
                    )
                )
                if headers.get("Nats-Num-Pending") is None:
                    return found
        except NatsError as error:
            raise self.unavailable(str(error)) from None
        finally:
            await self._unsubscribe(subscription)

    async def subscribe(
        self,
        callback: Callable[[Msg], Awaitable[None]] | None = None,
        push: Push | None = None,
    ) -> tuple[str, Subscription]:
        """Receive messages at a new inbox.

        `push` gets the messages that are no control messages, if it can; `callback` the others.

        Raises:
            JournalUnavailableError: There is no connection.
        """
        inbox = self._client.new_inbox()
        try:
            subscription: Subscription = await self._client.subscribe(inbox, cb=callback)
            if push is not None:
                self._client.pushed[subscription._id] = push
            return inbox, subscription
        except NatsError as error:
            raise self.unavailable(str(error)) from None

    async def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription of `subscribe`; the connection may have gone already."""
        self._client.pushed.pop(subscription._id, None)
        await self._unsubscribe(subscription)

    @staticmethod
    async def _unsubscribe(subscription: Subscription) -> None:
        try:
            await subscription.unsubscribe()
        except (NatsError, OSError):
            return  # the subscription ended with the connection

    async def answer(self, message: Msg) -> None:
        """Answer a flow-control message, to show that this client still reads."""
        await self.publish(message.reply)

    async def publish(self, subject: str, payload: bytes = b"") -> None:
        """Send a message without an answer, so that nobody knows whether it arrived.

        Raises:
            JournalUnavailableError: There is no connection.
        """
        try:
            await self._client.publish(subject, payload)
        except NatsError as error:
            raise self.unavailable(str(error)) from None


def _is_refusal(said: str) -> bool:
    return any(word in said.lower() for word in _REFUSAL)


def batch_name() -> str:
    """Return a new random name for a batch, 24 hexadecimal digits."""
    return secrets.token_hex(12)
