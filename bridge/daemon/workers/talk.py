"""What the daemon and a worker say to each other: lines of JSON, news and questions."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

from bridge.wire.jsontext import dumps, loads

LINE_BYTES_MAX = 16 * 1024 * 1024  # settings of 100 accounts are under one
_UNSENT_BYTES_MAX = 1024 * 1024  # to one that stands still; then it gets no more news

News = Mapping[str, Any]


class Talk:
    """One end. Run `run` as a task; it returns when the other end is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Use `on`."""
        self._reader = reader
        self._writer = writer
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._is_over = False

    @classmethod
    async def on(cls, connected: socket.socket) -> Self:
        """Talk over this socket."""
        return cls(*await asyncio.open_unix_connection(sock=connected, limit=LINE_BYTES_MAX))

    def tell(self, **news: Any) -> None:
        """Send news; dropped when the other end takes none."""
        transport = self._writer.transport
        if not transport.is_closing() and transport.get_write_buffer_size() < _UNSENT_BYTES_MAX:
            self._writer.write(dumps(news) + b"\n")

    async def ask(self, **question: Any) -> Any:
        """Send a question and return the answer. Raises ConnectionError."""
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
        """The next line, for who does not `run` yet; None at the end."""
        try:
            line = await self._reader.readline()
        except (ConnectionError, ValueError):
            return None
        return loads(line) if line.endswith(b"\n") else None

    async def run(
        self, on_news: Callable[[News], None], answer: Callable[[News], Awaitable[Any]]
    ) -> None:
        """Hand over what comes, until the other end is gone."""
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
        """Hang up. Idempotent."""
        self._writer.close()
