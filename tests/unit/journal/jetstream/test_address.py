"""The URL of a stream."""

from __future__ import annotations

import pytest

from bridge.core.errors import ConfigError
from bridge.journal.jetstream.address import parse


def test_hosts_stream_and_copies() -> None:
    one = parse("nats://localhost/BRIDGE")
    assert (one.servers, one.stream, one.replicas) == (("nats://localhost:4222",), "BRIDGE", 1)
    three = parse("nats://a:1,b:2,c/S?replicas=3")
    assert three.servers == ("nats://a:1", "nats://b:2", "nats://c:4222")
    assert (three.replicas, parse("nats://a,b,c/S").replicas) == (3, 3)


def test_user_and_password_are_not_shown() -> None:
    address = parse("tls://me:secret@a:1,me:secret@b/S")
    assert str(address) == "nats://a:1,b:4222/S"


@pytest.mark.parametrize(
    "url", ["nats:", "nats://", "nats://a", "nats://a/", "nats://a/x.y", "nats://a,/S",
            "nats://a/S?copies=3", "nats://a/S?replicas=2", "http://a/S"],
)  # fmt: skip
def test_a_mistake_is_told(url: str) -> None:
    with pytest.raises(ConfigError, match="journal"):
        parse(url)
