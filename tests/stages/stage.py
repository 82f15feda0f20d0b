"""A simulated service, one account and the whole way in, on virtual time: minutes of following in
milliseconds, with the real HTTP client and server in between.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar, TypeVar

from aiohttp import web

from bridge.config import ResolvedAccount
from bridge.core.event import Record
from bridge.daemon.accounts import Accounts
from bridge.daemon.build import build_following
from bridge.daemon.follows import Follows
from bridge.daemon.holding import Held
from bridge.daemon.memories import Memories
from bridge.daemon.tokens import TokenWatch
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.redact import Redactor
from bridge.schema.upstream import UpstreamAccount
from bridge.simulator.kit.server import Listener
from bridge.sources.port import Progress
from bridge.wire.jsontext import loads
from tests.accounts import TOKEN, Tokens
from tests.memory_network import MemoryConnector
from tests.virtual_clock import VirtualClock

DELAY_S = 0.02  # one way to upstream
S = TypeVar("S", bound="Stage")


class LoopClock:
    """The simulator's clock on the virtual loop."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.wall()

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, delay_s), callback)


def loop_clock() -> LoopClock:
    return LoopClock(VirtualClock(asyncio.get_running_loop()))


class Stage:
    """What a scenario has at hand, whatever the system; each system derives one of its own.

    `section` are the settings of the account, `kind` that of feeds that are named by id alone.
    """

    KIND: ClassVar[str]
    EVENTS: ClassVar[str]  # what the types of its events begin with
    TOKEN: ClassVar[str] = TOKEN
    is_killed: bool = False  # stops without saving what to remember
    held: Held | None = None  # what it follows, where it is one of several replicas

    follows: Follows
    accounts: Accounts
    watch: TokenWatch
    metrics: Metrics
    memories: Memories

    def __init__(
        self,
        server: Listener,
        section: UpstreamAccount,
        group: asyncio.TaskGroup,
        *,
        clock: VirtualClock | None = None,
        origin: str = "http://upstream.test",
        seed: int = 1,
        delay_s: float = DELAY_S,
    ) -> None:
        self.section = section
        self.clock = clock or VirtualClock(asyncio.get_running_loop())
        self.journal = MemoryJournal(records_max=10**6, bytes_max=2**30)
        self.tokens = Tokens()
        self.tokens.text = self.TOKEN
        self.delay_s = delay_s
        self.stopped_at: list[float] = []  # on the simulator's clock
        self._server = server
        self._origin = origin
        self._seed = seed
        self._group = group
        self._tasks: list[asyncio.Task[None]] = []

    # -- a process

    async def start(self) -> None:
        """A bridge as a process would start it: all it knows is what the journal holds."""
        self.metrics = Metrics()
        following = build_following(
            self.journal,
            Redactor(),
            self.metrics,
            self.clock,
            default_account=self.section.name,
            jitter=random.Random(self._seed).random,
            connector=self.connector,
            held=self.held,
            is_shared=self.held is not None,
        )
        self.follows, self.accounts = following.follows, following.accounts
        self.memories = following.memories
        await self.accounts.change([ResolvedAccount(self.section, self._origin, self.tokens)])
        self.watch = TokenWatch(self.accounts, self.follows, lambda _: None, self.clock)
        self.watch.look()
        await self.recall()
        self.follows.restore(await self.journal.wishes(), await self.journal.states())
        self._tasks = [
            self._group.create_task(self.accounts.run()),
            self._group.create_task(self.memories.run()),
            self._group.create_task(self.follows.run()),
        ]
        await asyncio.sleep(0)

    async def recall(self) -> None:
        await self.memories.recall()

    async def stop(self) -> None:
        """Drop everything where it stands."""
        self.stopped_at.append(loop_clock().now())
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if not self.is_killed:
            await self.memories.save()
        await self.accounts.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def connector(self) -> MemoryConnector:
        """The way to the simulator."""
        return MemoryConnector(http_server(self._server), delay_s=self.delay_s)

    def replace_token(self, token: str) -> None:
        """Put another token in its place, and have it noticed."""
        self.tokens.replace(token)
        self.watch.look()

    # -- feeds, by id or by the simulator's own object

    def named(self, feed: Any) -> tuple[str, str]:
        return getattr(feed, "kind", self.KIND), getattr(feed, "id", feed)

    async def follow(self, *feeds: Any) -> None:
        for feed in feeds:
            await self.follows.follow(*self.named(feed))

    def view(self, feed: Any) -> Mapping[str, Any]:
        """What people see of it."""
        view = self.follows.view(*self.named(feed))
        assert view is not None
        return view

    def progress(self, feed: Any) -> Progress:
        """How the follow of it is going."""
        (found,) = [
            entry.progress
            for entry in self.follows.entries()
            if (entry.feed.feed.kind, entry.feed.feed.id) == self.named(feed)
        ]
        return found

    async def over(self, within_s: float = 3600.0) -> None:
        """Wait until nothing is followed any more."""
        async with asyncio.timeout(within_s):
            await self.follows.until_none_followed()

    # -- what came of it

    async def records(self, feed: Any = None) -> list[Record]:
        page = await self.journal.read(0, 100_000)
        return [
            record
            for record in page.records
            if feed is None or (record.feed.kind, record.feed.id) == self.named(feed)
        ]

    async def event_ids(self, feed: Any) -> list[str]:
        return [r.id for r in await self.records(feed) if r.type.startswith(self.EVENTS)]

    async def of_type(self, feed: Any, type_: str) -> list[dict[str, Any]]:
        """The data of its records of one type."""
        return [loads(r.body)["data"] for r in await self.records(feed) if r.type == type_]

    def metric(self, name: str, **labels: str) -> float:
        labels = {"account": self.section.name, **labels}
        value = self.metrics.registry.get_sample_value(f"mogplex_bridge_{name}", labels)
        assert value is not None, name
        return value


def http_server(server: Listener) -> web.Server[Any]:
    assert server._runner is not None
    found = server._runner.server
    assert found is not None
    return found


@asynccontextmanager
async def playing(stage: S) -> AsyncIterator[S]:
    """The stage from its start to its end."""
    await stage.start()
    try:
        yield stage
    finally:
        await stage.stop()
        await stage.journal.close()
