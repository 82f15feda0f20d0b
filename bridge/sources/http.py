"""One HTTP session per credential: no redirects, time-outs, size caps; no knowledge of any system.

The session never follows a redirect: that would carry the credential to another host or drop it
(mogplex.md 1.2). This module turns transport errors into a `Failure`; each system's own module
decides what a reply means.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp

from bridge import __version__
from bridge.core.errors import Failure, Retry
from bridge.log import get_logger
from bridge.schema.proxies import SCHEMES, proxy_of, unusable

log = get_logger()

TOTAL_S = 10.0  # one whole request and reply; scheduler.md 7 assumes it
CONNECT_S = 5.0  # name look-up, TCP and TLS
BODY_BYTES_MAX = 64 * 2**20  # a page of 200 events of 100 KB messages is 20 MB; thrice that
MESSAGE_BYTES_MAX = 8 * 2**20  # one message of a WebSocket
# Limit of a reply's head. Proxies and platforms add much: aiohttp's 8,190 bytes and 128 fields
# reject a policy header of 9 KB, and the bridge could not read a run behind such a proxy.
HEADER_BYTES_MAX = 64 * 1024
HEADERS_MAX = 1_000
CONNECTIONS_MAX = 2048  # streams are one connection each


class Reply(NamedTuple):
    """A whole reply; `body` is decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Stream:
    """An open reply whose body is read piece by piece."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, until the peer closes.

        Raises:
            OSError: The connection broke; also the other errors of `TROUBLE`.
        """
        async for chunk in self._response.content.iter_any():
            yield chunk

    async def whole(self, bytes_max: int = 2**20) -> bytes:
        """Read the body of a refusal.

        Raises:
            BodyTooLargeError: The body is longer than `bytes_max` bytes; else as `chunks`.
        """
        return await _read_capped(self._response, bytes_max)


class Socket:
    """An open WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.is_clean = False  # the peer closed the connection with a close frame

    async def messages(self) -> AsyncIterator[str | bytes]:
        """Yield text and binary messages until the connection closes; aiohttp answers pings."""
        while True:
            message = await self._socket.receive()
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                yield message.data
            elif message.type is aiohttp.WSMsgType.CLOSE:
                self.is_clean = message.data in (None, 1000, 1001)
            elif message.type is not aiohttp.WSMsgType.CLOSING:
                return  # closed, or broken: the same to a reader, but for `is_clean`

    async def send_text(self, text: str) -> None:
        """Send one message.

        Raises:
            OSError: The connection broke; also the other errors of `TROUBLE`.
        """
        await self._socket.send_str(text)


class HandshakeError(Exception):
    """The server answered a WebSocket handshake with an ordinary reply."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(f"HTTP {status} instead of a WebSocket")
        self.status = status
        self.headers = headers


class BodyTooLargeError(Exception):
    """The body is longer than its limit."""


def _tcp() -> aiohttp.BaseConnector:
    return aiohttp.TCPConnector(limit=CONNECTIONS_MAX)


class HttpSession:
    """The requests of one account to one origin; reads the token before every request."""

    def __init__(
        self,
        origin: str,
        token: Callable[[], str],
        *,
        total_s: float = TOTAL_S,
        body_bytes_max: int = BODY_BYTES_MAX,
        connector: Callable[[], aiohttp.BaseConnector] | None = None,
        proxy: str | None = None,
    ) -> None:
        """Create a session; the first request opens a connection.

        Args:
            origin: Scheme, host and port, without a path.
            token: Returns the current credential.
            total_s: Time limit of one whole request, seconds.
            body_bytes_max: Limit of a decompressed body, bytes.
            connector: Returns the aiohttp connector, called in the running loop; None: the network.
            proxy: The URL of a proxy; None: the environment's; "": no proxy.
        """
        self.origin = origin
        environment = proxy_of(origin) if connector is None else None
        if connector is None and proxy is None and (scheme := unusable(origin)) is not None:
            log.warning("upstream.proxy_ignored", scheme=scheme, usable=SCHEMES)
        self._proxy = environment if proxy is None else proxy or None
        self._connector = connector or _tcp
        self._token = token
        self._timeout = aiohttp.ClientTimeout(total=total_s, connect=CONNECT_S)
        self._body_bytes_max = body_bytes_max
        self._session: aiohttp.ClientSession | None = None

    async def get(self, operation: str, path: str, params: Mapping[str, str]) -> Reply | Failure:
        """One GET. `operation` names it in failures; the URL never appears there."""
        try:
            async with self._request(path, params, {"Accept": "application/json"}) as response:
                body = await _read_capped(response, self._body_bytes_max)
                return Reply(response.status, response.headers, body)
        except TROUBLE as error:
            return to_failure(operation, error)

    @asynccontextmanager
    async def stream(
        self, path: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> AsyncIterator[Stream]:
        """Open a GET whose body has no end of its own.

        The time-out covers connecting and the reply's head, not the body: silence on a stream is
        normal (no heartbeats, mogplex.md 1.8), so the caller needs its own watchdog.

        Raises:
            OSError: There is no connection or no head; also the other errors of `TROUBLE`.
        """
        timeout = aiohttp.ClientTimeout(
            total=None, connect=CONNECT_S, sock_connect=CONNECT_S, sock_read=None
        )
        async with self._request(path, params, headers, timeout) as response:
            yield Stream(response)

    async def post(
        self, operation: str, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Reply | Failure:
        """Send one POST with a JSON body; the session never repeats it."""
        named = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            **(headers or {}),
        }
        try:
            request = self._made().post(
                f"{self.origin}{path}",
                data=body,
                headers=self._signed(named),
                timeout=self._timeout,
                allow_redirects=False,
            )
            async with request as response:
                whole = await _read_capped(response, self._body_bytes_max)
                return Reply(response.status, response.headers, whole)
        except TROUBLE as error:
            return to_failure(operation, error)

    @asynccontextmanager
    async def websocket(
        self, path: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> AsyncIterator[Socket]:
        """Open a WebSocket. Silence is normal, as on `stream`; the caller sends any heartbeats.

        Raises:
            HandshakeError: The server replied with any status but 101.
            OSError: There is no connection; also the other errors of `TROUBLE`.
        """
        connecting = self._made().ws_connect(
            f"{self.origin}{path}",
            params=params,
            headers=self._signed(headers),
            timeout=aiohttp.ClientWSTimeout(ws_receive=None, ws_close=CONNECT_S),
            max_msg_size=MESSAGE_BYTES_MAX,
        )
        try:
            socket = await connecting
        except aiohttp.WSServerHandshakeError as error:
            raise HandshakeError(error.status, error.headers or {}) from None
        try:
            yield Socket(socket)
        finally:
            await socket.close()

    async def close(self) -> None:
        """Close the connections, if a request has opened any."""
        if self._session is not None:
            await self._session.close()

    def _request(
        self,
        path: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> aiohttp.client._RequestContextManager:
        return self._made().get(
            f"{self.origin}{path}",
            params=params,
            headers=self._signed(headers),
            timeout=timeout or self._timeout,
            allow_redirects=False,
        )

    def _signed(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {**headers, "Authorization": f"Bearer {self._token()}"}

    def _made(self) -> aiohttp.ClientSession:
        if self._session is None:  # here, because a session belongs to a running loop
            trace = aiohttp.TraceConfig()
            trace.on_request_redirect.append(_refuse_redirect)
            self._session = aiohttp.ClientSession(
                connector=self._connector(),
                headers={"User-Agent": f"mogplex-bridge/{__version__}"},
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=[trace],
                max_line_size=HEADER_BYTES_MAX,
                max_field_size=HEADER_BYTES_MAX,
                max_headers=HEADERS_MAX,
                proxy=self._proxy,
            )
            # By default aiohttp silently repeats a GET whose connection drops without a reply: two
            # units of the token's window for one that the gate knows of. It has no public switch.
            self._session._retry_connection = False
        return self._session


async def _refuse_redirect(_session: object, _context: object, params: Any) -> None:
    """Refuse redirects of a WebSocket handshake, for which aiohttp has no switch."""
    raise HandshakeError(params.response.status, params.response.headers)


# Every exception that a request can raise without a bug of ours.
TROUBLE = (aiohttp.ClientError, TimeoutError, OSError, BodyTooLargeError)


async def _read_capped(response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    """Read a body up to a limit of decompressed bytes: a small gzip body can hold gigabytes."""
    pieces: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > bytes_max:
            raise BodyTooLargeError
        pieces.append(chunk)
    return b"".join(pieces)


def to_failure(operation: str, error: BaseException) -> Failure:
    """Classify an error below HTTP (common.md 0.3)."""
    code, text = _describe(error)
    retry = Retry.PERMANENT if code == "TLS" else Retry.TRANSIENT
    return Failure(operation, code, text, retry)


def _describe(error: BaseException) -> tuple[str, str]:  # noqa: PLR0911 - one for each fault
    match error:
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            return "TLS", "the server's certificate does not verify"
        case TimeoutError():
            return "TIMEOUT", "no answer in time"
        case aiohttp.ClientProxyConnectionError():
            where = f"cannot connect to the proxy {error.host}:{error.port}"
            return "TRANSPORT", f"{where}: {_reason(error.os_error)}"
        case aiohttp.ClientHttpProxyError():
            return "TRANSPORT", f"the proxy refuses: HTTP {error.status}"
        case aiohttp.ClientConnectorDNSError():
            return "TRANSPORT", f"cannot resolve {error.host}"
        case aiohttp.ClientConnectorError():
            where = f"cannot connect to {error.host}:{error.port}"
            return "TRANSPORT", f"{where}: {_reason(error.os_error)}"
        case BodyTooLargeError():
            return "INVALID_RESPONSE", "the reply is too large"
        case aiohttp.ServerDisconnectedError() | OSError():
            return "TRANSPORT", f"the connection broke ({type(error).__name__})"
        case _:
            return "INVALID_RESPONSE", f"the reply is not proper HTTP ({type(error).__name__})"


def _reason(error: OSError) -> str:
    """Say why there is no connection, in the system's words; asyncio repeats the address."""
    if isinstance(error, ssl.SSLError):
        return f"no TLS there ({error.reason or 'no reason given'})"
    # Without an errno, asyncio tried several addresses and each failed with its own error.
    return os.strerror(error.errno).lower() if error.errno else "no address answers"
