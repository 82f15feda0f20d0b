"""X-Forwarded-For: believed as far as trusted proxies wrote it."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from bridge.outputs.http.addresses import Proxies

TRUSTED = ("127.0.0.1", "10.0.0.0/8", "2001:db8::/32")


def seen(peer: str, *forwarded: str, trusted: tuple[str, ...] = TRUSTED) -> str:
    headers = CIMultiDict([("X-Forwarded-For", value) for value in forwarded])
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=peer)
    return Proxies(trusted).client_address(request)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.1", (), "203.0.113.1"),
        ("203.0.113.1", ("198.51.100.1",), "203.0.113.1"),  # anybody can write it
        ("127.0.0.1", (), "127.0.0.1"),
        ("127.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("::ffff:127.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("127.0.0.1", ("192.0.2.66, 198.51.100.1",), "198.51.100.1"),
        ("127.0.0.1", ("192.0.2.66", "198.51.100.1"), "198.51.100.1"),
        ("127.0.0.1", ("198.51.100.1, 10.1.2.3, 2001:db8::5",), "198.51.100.1"),
        ("127.0.0.1", ("10.1.2.3",), "127.0.0.1"),
        ("127.0.0.1", ("198.51.100.1, unknown",), "127.0.0.1"),
        ("127.0.0.1", ("198.51.100.1, 127.0.0.1:99",), "127.0.0.1"),
        ("127.0.0.1", ("",), "127.0.0.1"),
        ("127.0.0.1", (", ".join(["198.51.100.1"] + ["10.0.0.1"] * 16),), "127.0.0.1"),
        ("", ("198.51.100.1",), ""),  # a Unix socket
    ],
)
def test_who_is_asking(peer: str, forwarded: tuple[str, ...], expected: str) -> None:
    assert seen(peer, *forwarded) == expected


def test_nobody_is_trusted_by_default() -> None:
    assert seen("127.0.0.1", "198.51.100.1", trusted=()) == "127.0.0.1"
