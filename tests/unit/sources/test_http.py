"""What went wrong below HTTP, in words for people."""

from __future__ import annotations

import errno
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.core.errors import Failure, Retry
from bridge.sources.http import HandshakeError, HttpSession, to_failure

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


async def _answer(request: web.Request) -> web.StreamResponse:
    match request.path:
        case "/post":
            text = f"{request.headers['Authorization']} {(await request.read()).decode()}"
            return web.Response(text=text)
        case "/socket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.send_str("hello")
            async for message in socket:
                await socket.send_bytes(message.data.encode())
            return socket
        case "/moved":
            return web.Response(status=302, headers={"Location": "/socket"})
    return web.Response(status=426)


@asynccontextmanager
async def _session() -> AsyncIterator[HttpSession]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _answer)
    async with TestServer(app) as server:
        http = HttpSession(str(server.make_url("")).rstrip("/"), lambda: "token")
        yield http
        await http.close()


async def test_a_post_carries_the_token_and_its_body() -> None:
    async with _session() as http:
        reply = await http.post("tickets", "/post", b"{}")
        assert not isinstance(reply, Failure)
        assert reply.body == b"Bearer token {}"


async def test_a_websocket_yields_texts_and_binaries() -> None:
    async with _session() as http, http.websocket("/socket", {}, {}) as socket:
        messages = socket.messages()
        assert await anext(messages) == "hello"
        await socket.send_text("x")
        assert await anext(messages) == b"x"


@pytest.mark.parametrize(("path", "status"), [("/other", 426), ("/post", 200), ("/moved", 302)])
async def test_any_other_reply_to_a_handshake_is_told_and_no_redirect_followed(
    path: str, status: int
) -> None:
    async with _session() as http:
        with pytest.raises(HandshakeError) as told:
            async with http.websocket(path, {}, {}):
                pass
        assert told.value.status == status
