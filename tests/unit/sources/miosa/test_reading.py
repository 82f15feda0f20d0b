"""How chunks become events, signs of life and an end, wherever they are cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.sources.http import Stream
from bridge.sources.miosa.reading import Ended, frames_of
from bridge.sources.miosa.rules.learnt import Learnt


class Chunks(Stream):
    """A stream of these chunks."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    async def chunks(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


def read(*chunks: bytes) -> tuple[list[Any], Learnt]:
    """What the stream brought, and what was learnt from it."""
    learnt = Learnt()

    async def all_of_it() -> list[Any]:
        return [found async for found in frames_of("build", Chunks(*chunks), learnt)]

    return asyncio.run(all_of_it()), learnt


def test_a_line_cut_before_a_colon_is_no_heartbeat() -> None:
    """A heartbeat that never was limits the silence to 45 s: a gap every 45 s of a quiet log."""
    (items, end), learnt = read(b'data: {"line":"http', b'://shop/ping"}\n\n')
    assert items[0].data == {"line": "http://shop/ping"}
    assert end is Ended.CLOSED
    assert learnt.beats == set()


@pytest.mark.parametrize("at", range(1, 12))
def test_a_heartbeat_is_noticed_however_it_is_cut(at: int) -> None:
    text = b":heartbeat\n\n"
    found, learnt = read(text[:at], text[at:])
    assert found == [Ended.CLOSED]
    assert learnt.beats == {"build"}


def test_a_comment_of_another_kind_is_no_heartbeat() -> None:
    assert read(b": connected\n\n")[1].beats == set()
