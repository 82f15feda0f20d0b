"""The protocol between the daemon and a worker: lines of JSON with news and questions."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

from bridge.wire.jsontext import dumps, loads

LINE_BYTES_MAX = 16 * 1024 * 1024  # settings of 100 accounts take less than 1 MiB
_UNSENT_BYTES_MAX = 1024 * 1024  # for an end that does not read; further news is dropped

News = Mapping[str, Any]


class Talk:
    """One end of the connection. Run `run` as a task; it returns when the other end closes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Callers use `on`."""
        self._reader = reader
        self._writer = writer
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._is_over = False

    @classmethod
    async def on(cls, connected: socket.socket) -> Self:
        """Open the protocol on a connected socket."""
        return cls(*await asyncio.open_unix_connection(sock=connected, limit=LINE_BYTES_MAX))

    def tell(self, **news: Any) -> None:
        """Send news; drop it if the other end does not read."""
        transport = self._writer.transport
        if not transport.is_closing() and transport.get_write_buffer_size() < _UNSENT_BYTES_MAX:
            self._writer.write(dumps(news) + b"\n")

    async def ask(self, **question: Any) -> Any:
        """Send a question and return the answer.

        Raises:
            ConnectionError: The other end has closed the connection.
        """
        if self._is_over or self._writer.transport.is_closing():
            raise ConnectionError("the other end is gone")
        self._number += 1
        number = self._number
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        self._writer.write(dumps({"question": number, **question}) + b"\n")
        try:
            return await answer
        finally:
            del self._asked[number]

    async def next(self) -> News | None:
        """The next message, for a caller that does not run `run` yet; None at the end."""
        try:
            line = await self._reader.readline()
        except (ConnectionError, ValueError):
            return None
        return loads(line) if line.endswith(b"\n") else None

    async def run(
        self, on_news: Callable[[News], None], answer: Callable[[News], Awaitable[Any]]
    ) -> None:
        """Dispatch messages until the other end closes."""
        try:
            while (line := await self.next()) is not None:
                if "question" in line:
                    self.tell(answered=line["question"], answer=await answer(line))
                elif "answered" in line:
                    waiting = self._asked.get(line["answered"])
                    if waiting is not None and not waiting.done():
                        waiting.set_result(line["answer"])
                else:
                    on_news(line)
        finally:
            self._is_over = True
            for waiting in self._asked.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionError("the other end is gone"))

    def close(self) -> None:
        """Close the connection. Idempotent."""
        self._writer.close()
