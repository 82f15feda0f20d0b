"""The simulated moot service, one account and the whole way in, on virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from bridge.config import ResolvedAccount
from bridge.core.event import Record
from bridge.daemon.accounts import Accounts
from bridge.daemon.build import build_following
from bridge.daemon.follows import Follows
from bridge.daemon.tokens import TokenWatch
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.redact import Redactor
from bridge.simulator import MootSimulator
from bridge.sources.moot.settings import MootAccount
from bridge.sources.moot.source import MootSource
from bridge.sources.port import Progress
from bridge.wire.jsontext import loads
from tests.accounts import Tokens
from tests.memory_network import MemoryConnector
from tests.stage import LoopClock
from tests.virtual_clock import VirtualClock, run_virtually

KEY = "convo_key_" + "Stage0000" * 2
EVENT = "io.mootup.space.event."
STATUS = "io.mootup.space.status"
ENDED = "bridge.space.ended"
GAP = "bridge.gap"
FAILED = "bridge.follow.failed"


class MootStage:
    """What a scenario has at hand. Build with `play`."""

    follows: Follows
    accounts: Accounts
    watch: TokenWatch
    metrics: Metrics

    def __init__(
        self, sim: MootSimulator, group: asyncio.TaskGroup, settings: dict[str, Any]
    ) -> None:
        self.sim = sim
        self.clock = VirtualClock(asyncio.get_running_loop())
        self.journal = MemoryJournal(records_max=10**6, bytes_max=2**30)
        self.tokens = Tokens()
        self.tokens.text = KEY
        self.settings = settings
        self.delay_s = 0.02  # one way
        self._group = group
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """A bridge as a process would start it: all it knows is what the journal holds."""
        self.metrics = Metrics()
        following = build_following(
            self.journal,
            Redactor(),
            self.metrics,
            self.clock,
            default_account="default",
            jitter=random.Random(1).random,
            connector=self.connector,
        )
        self.follows, self.accounts = following.follows, following.accounts
        base = self.settings.get("origin", "http://127.0.0.1")
        keys = {key: value for key, value in self.settings.items() if key != "origin"}
        section = MootAccount(token_env="T", **{"requests_per_minute": 600, **keys})
        await self.accounts.change([ResolvedAccount(section, base, self.tokens)])
        self.watch = TokenWatch(self.accounts, self.follows, lambda _: None, self.clock)
        self.watch.look()
        self._memories = following.memories
        await self._memories.recall()
        self.follows.restore(await self.journal.wishes(), await self.journal.states())
        self._tasks = [
            self._group.create_task(self.accounts.run()),
            self._group.create_task(self._memories.run()),
            self._group.create_task(self.follows.run()),
        ]
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """Drop everything where it stands, as a process that ends does."""
        await self._memories.save()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.accounts.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def connector(self) -> MemoryConnector:
        assert self.sim._runner is not None
        server = self.sim._runner.server
        assert server is not None
        return MemoryConnector(server, delay_s=self.delay_s)

    @property
    def source(self) -> MootSource:
        source = self.accounts.sources["default"]
        assert isinstance(source, MootSource)
        return source

    async def follow(self, *spaces: Any) -> None:
        for space in spaces:
            await self.follows.follow("space", getattr(space, "id", space))

    def view(self, space: Any) -> Mapping[str, Any]:
        view = self.follows.view("space", getattr(space, "id", space))
        assert view is not None
        return view

    def progress(self, space: Any) -> Progress:
        id_ = getattr(space, "id", space)
        (progress,) = [e.progress for e in self.follows.entries() if e.feed.feed.id == id_]
        return progress

    def replace_token(self, token: str) -> None:
        self.tokens.replace(token)
        self.watch.look()

    async def over(self, within_s: float = 3600.0) -> None:
        async with asyncio.timeout(within_s):
            await self.follows.until_none_followed()

    # -- what came of it

    async def records(self, space: Any = None) -> list[Record]:
        id_ = getattr(space, "id", space)
        page = await self.journal.read(0, 100_000)
        return [r for r in page.records if id_ is None or r.feed.id == id_]

    async def ids(self, space: Any) -> list[str]:
        return [r.id for r in await self.records(space) if r.type.startswith(EVENT)]

    async def of_type(self, space: Any, type_: str) -> list[dict[str, Any]]:
        return [loads(r.body)["data"] for r in await self.records(space) if r.type == type_]

    async def statuses(self, space: Any) -> list[str]:
        return [data["status"] for data in await self.of_type(space, STATUS)]

    def truth(self, space: Any) -> list[str]:
        """Ids of every event ever visible, in that order."""
        return [event["event_id"] for event in self.sim.truth(space)["committed"]]

    def asked(self, *endpoints: str) -> int:
        return sum(r.endpoint in endpoints for r in self.sim.requests)

    def metric(self, name: str, **labels: str) -> float:
        labels = {"account": "default", **labels}
        value = self.metrics.registry.get_sample_value(f"mogplex_bridge_{name}", labels)
        assert value is not None, name
        return value


def play(
    scenario: Callable[[MootStage], Coroutine[Any, Any, None]],
    settings: dict[str, Any] | None = None,
    **knobs: object,
) -> None:
    """Run one scenario from an empty stage to its end, on a fresh virtual loop."""

    async def main() -> None:
        async with set_stage(settings or {}, **knobs) as stage:
            await scenario(stage)

    run_virtually(main())


@asynccontextmanager
async def set_stage(settings: dict[str, Any], **knobs: object) -> AsyncIterator[MootStage]:
    clock = LoopClock(VirtualClock(asyncio.get_running_loop()))
    async with (
        MootSimulator(knobs=knobs, clock=clock) as sim,
        asyncio.TaskGroup() as group,
    ):
        stage = MootStage(sim, group, settings)
        await stage.start()
        try:
            yield stage
        finally:
            await stage.stop()
            await stage.journal.close()
