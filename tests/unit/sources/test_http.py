"""What went wrong below HTTP, in words for people."""

from __future__ import annotations

import errno
import ssl
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from bridge.core.errors import Retry
from bridge.sources.http import to_failure

PLACE: Any = SimpleNamespace(host="example.com", port=8443, ssl=True)


def tls_error() -> ssl.SSLError:
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")
    error.reason = "WRONG_VERSION_NUMBER"
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 9)"),
            "connection refused",
        ),
        (OSError("Multiple exceptions: [Errno 111] ..., [Errno 111] ..."), "no address answers"),
        (tls_error(), "no TLS there (WRONG_VERSION_NUMBER)"),
    ],
)
def test_no_connection_is_told_with_its_reason(error: OSError, text: str) -> None:
    kind = (
        aiohttp.ClientConnectorSSLError
        if isinstance(error, ssl.SSLError)
        else aiohttp.ClientConnectorError
    )
    failure = to_failure("runs.events", kind(cast("Any", PLACE), error))
    assert failure.message == f"cannot connect to example.com:8443: {text}"
    assert (failure.code, failure.retry) == ("TRANSPORT", Retry.TRANSIENT)
