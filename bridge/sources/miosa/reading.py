"""Turns the chunks of an open stream into events, signs of life, and how the stream ended."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncIterator

from bridge.sources import http
from bridge.sources.http import Stream
from bridge.sources.miosa.frames import Seen, Sign, of_frame
from bridge.sources.miosa.rules.learnt import Learnt
from bridge.wire.sse import FrameDecoder, FrameTooLargeError

BEAT_S = 45.0  # heartbeats come every 15 s; after so long without one, the connection is dead
_BEAT_WORDS = (b"heartbeat", b"ping", b"keep")


class Ended(enum.StrEnum):
    """How a stream ended; the labels of `stream_reconnects_total`."""

    CUT = "cut"  # inside a frame, or by the network
    CLOSED = "closed"  # by the server, between frames
    DONE = "done"  # by the server, which said that nothing follows
    SILENT = "silent"  # by the bridge: no heartbeat where there were some before


async def frames_of(kind: str, stream: Stream, learnt: Learnt) -> AsyncIterator[list[Seen] | Ended]:
    """Yield the events of each chunk, then how the stream ended; drops an incomplete last frame."""
    # A stream is all there is of its events: resumed before a frame that is too long, it would send
    # that frame again, for ever.
    decoder = FrameDecoder(own_ids_only=True, cuts=True)
    chunks = stream.chunks()
    while True:
        try:
            limit_s = BEAT_S if kind in learnt.beats else None
            async with asyncio.timeout(limit_s) as timer:
                chunk = await anext(chunks, None)
            if chunk is None:
                yield Ended.CLOSED
                return
            frames = decoder.feed(chunk)
            if any(word in decoder.take_comment().lower() for word in _BEAT_WORDS):
                learnt.beats.add(kind)
        except http.TROUBLE:
            yield Ended.SILENT if timer.expired() else Ended.CUT
            return
        except FrameTooLargeError:
            yield Ended.CUT
            return
        seen: list[Seen] = []
        is_done = False
        for frame in frames:
            found = of_frame(kind, frame)
            if isinstance(found, Seen):
                seen.append(found)
                is_done |= found.is_last
            elif found is Sign.BEAT:
                learnt.beats.add(kind)
            else:
                is_done = True
        if seen:
            yield seen
        if is_done:
            yield Ended.DONE
            return
