"""The stranger: channels of notes. Ids with blanks and slashes, no status, no end, no limit.

All of it is here; the package is not changed for it, only told of it (`systems.register`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from bridge.core.errors import Failure
from bridge.core.event import Event, Feed, feed_of
from bridge.core.kind import Kind
from bridge.core.state import FeedState
from bridge.core.words import OwnMetric, SystemWords
from bridge.schema.upstream import UpstreamAccount
from bridge.sources import port
from bridge.wire import times

LOOK_S = 0.05  # between two looks of a follow, and of discovery


class World:
    """What is upstream: notes by channel, oldest first. `of` finds it by the base URL."""

    of: dict[str, World] = {}  # noqa: RUF012 - upstream is one for all

    def __init__(self, base_url: str) -> None:
        self.channels: dict[str, list[str]] = {}
        World.of[base_url] = self


class StrangerAccount(UpstreamAccount):
    """One account of the stranger."""

    token_variables = ("STRANGER_KEY",)
    key_prefixes = ("strange_",)

    system: Literal["stranger"] = Field(default="stranger", description="Kind of upstream.")
    base_url: str = Field(default="https://stranger.example", description="Origin of the server.")
    channels: tuple[str, ...] = Field(default=(), description="Channels to follow.")
    discover: bool = Field(default=False, description="Follow every channel there is.")

    def listed(self) -> Sequence[tuple[str, str]]:
        return [("channel", channel) for channel in self.channels]

    @classmethod
    def listing(cls, kind: str, id_: str) -> tuple[str, str]:
        return "channels", STRANGER.feed("", kind, id_).id


class Stranger:
    """Implements `System`."""

    name, title, section = "stranger", "Stranger", StrangerAccount
    kinds: Mapping[str, Kind] = {"channel": Kind("channel", "org.stranger.channel")}
    words = SystemWords(
        kinds=("channel",),
        event_types=("note",),
        metrics=(OwnMetric("notes_seen_total", "counter", "Notes seen.", {"tone": ("calm",)}),),
    )

    def feed(self, account: str, kind: str, id_: str) -> Feed:
        if kind != "channel" or not id_.strip():
            raise ValueError("the stranger has channels, with names that are not empty")
        return feed_of("stranger", account, kind, id_)

    def plain(self, record: Mapping[str, Any]) -> bytes | None:
        return str(record["data"].get("text")).encode() if ".event." in record["type"] else None

    def source(self, account: port.Account, means: port.Means) -> port.Source:
        return StrangerSource(account, means)


class StrangerSource:
    """Implements `Source`."""

    def __init__(self, account: port.Account, means: port.Means) -> None:
        self.system: port.System = STRANGER
        self.name, self._account, self._means = account.name, account, means
        self._world = World.of[account.base_url]

    async def run(self) -> None:
        while True:
            settings = self._account.settings
            assert isinstance(settings, StrangerAccount)
            for channel in list(self._world.channels) if settings.discover else ():
                feed = STRANGER.feed(self.name, "channel", channel)
                await self._means.discovered.found(feed)
            await asyncio.sleep(LOOK_S)

    async def follow(self, feed: port.OpenFeed, progress: port.Progress) -> None:
        while True:
            taken = int(feed.state.cursor or 0)
            notes = self._world.channels.get(feed.feed.id, [])[taken:]
            if notes:
                events = [_event(n, text) for n, text in enumerate(notes, taken)]
                cursor = str(taken + len(notes))
                await feed.take(port.Batch(events, row={"notes": cursor}, cursor=cursor))
                self._means.metrics.own["notes_seen_total"].labels(self.name, "calm").inc()
            progress.followed_by, progress.read_at = "poll", self._means.clock.monotonic()
            await asyncio.sleep(LOOK_S)

    def take_over(self, account: port.Account) -> bool:
        self._account = account
        return account.base_url in World.of and World.of[account.base_url] is self._world

    def expect(self, states: Sequence[FeedState]) -> None: ...
    def token_replaced(self) -> None: ...
    def ask_again(self) -> None: ...
    def recall(self, memory: bytes, age_s: float | None = None) -> None: ...
    def memory(self) -> bytes:
        return b""

    def standing(self) -> port.Standing:
        return port.Standing("a stranger, and fine")

    def explain(self, failure: Failure) -> str:
        return failure.message

    async def examine(self, depth: port.Depth) -> Sequence[port.Finding]:
        return [port.Finding("server", port.Level.OK, f"looked at with depth {depth}")]

    async def close(self) -> None: ...


def _event(number: int, text: str) -> Event:
    time, seconds = times.parse("2026-08-03T15:00:00Z") or (None, None)
    return Event(f"n{number}", "org.stranger.channel.event.note", time, seconds, {"text": text})


STRANGER = Stranger()
