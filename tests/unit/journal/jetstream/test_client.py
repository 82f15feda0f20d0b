"""A batch on the wire: the bytes that the engine gets, and who gets its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bridge.core.errors import ConfigError, JournalUnavailableError
from bridge.journal.jetstream.address import parse
from bridge.journal.jetstream.client import (
    Answers,
    LeanClient,
    batch_commands,
    require_private_names,
)
from bridge.journal.jetstream.engine import Engine, EngineError
from bridge.journal.jetstream.messages import ROLLUP, Outgoing
from tests.nats_server import new_stream, shared_server


def test_a_batch_numbers_its_messages_and_asks_for_two_answers() -> None:
    messages = [Outgoing("S.a", b"one"), Outgoing("S.b", b""), Outgoing("S.c", b"3\r\n", ROLLUP)]
    sent = b"".join(batch_commands(messages, "id", "inbox.1"))
    opening = b"NATS/1.0\r\nNats-Batch-Id: id\r\nNats-Batch-Sequence: "
    heads = [
        opening + b"1\r\n\r\n",
        opening + b"2\r\n\r\n",
        opening + b"3\r\nNats-Rollup: sub\r\nNats-Batch-Commit: 1\r\n\r\n",
    ]
    assert sent == b"".join(
        b"HPUB %b %d %d\r\n%b%b\r\n" % (to, len(head), len(head) + len(payload), head, payload)
        for to, head, payload in zip(
            (b"S.a inbox.1", b"S.b", b"S.c inbox.1"), heads, (b"one", b"", b"3\r\n"), strict=True
        )
    )


async def test_the_first_answer_that_says_something_is_taken_and_late_ones_go_nowhere() -> None:
    answers = Answers(LeanClient())
    (one, first), (two, second) = answers.expect(), answers.expect()
    for reply, payload in ((one, b""), (two, b"2"), (one, b"1"), (one, b"again")):
        answers._on_push(reply, "", payload)
    assert (first.result(), second.result()) == (b"1", b"2")
    answers.forget(one)
    answers._on_push(one, "", b"late")


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(parse(shared_server().url(new_stream())))
    await engine.connect(10.0)
    yield engine
    await engine.close()


async def test_a_batch_for_a_stream_that_is_not_there_fails_at_once(engine: Engine) -> None:
    """Not after five seconds: nobody listens, and the server says so."""
    with pytest.raises(JournalUnavailableError, match="no responders"):
        await engine.store_all([Outgoing("NOWHERE.a", b"1"), Outgoing("NOWHERE.b", b"2")], "id")


async def test_a_batch_that_is_refused_says_why(engine: Engine) -> None:
    stream = engine.address.stream
    config = {"name": stream, "subjects": [f"{stream}.>"], "storage": "memory"}
    await engine.api(f"STREAM.CREATE.{stream}", config)
    with pytest.raises(EngineError, match="atomic publish is disabled"):
        await engine.store_all([Outgoing(f"{stream}.a", b"1"), Outgoing(f"{stream}.b", b"")], "id")


async def test_a_message_above_the_servers_limit_is_not_sent(engine: Engine) -> None:
    """It would close the connection for good."""
    with pytest.raises(JournalUnavailableError, match="bytes"):
        await engine.store_all([Outgoing("S.a", bytes(engine._client.max_payload + 1))], "id")
    assert engine.is_connected


def test_a_release_of_nats_py_without_a_private_name_is_refused_in_one_line() -> None:
    """It failed at the first append, with an AttributeError."""
    client = LeanClient()
    del client._pending
    with pytest.raises(ConfigError, match=r"nats-py \d.*lacks _pending, _id\).*pip") as caught:
        require_private_names(client, object())  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
