"""The simulated MIOSA, one account and the whole way in, on virtual time; and the oracle."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
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
from bridge.simulator.miosa.server import Simulator
from bridge.simulator.miosa.store import Thing
from bridge.sources.miosa.settings import MiosaAccount
from bridge.sources.miosa.source import MiosaSource
from bridge.sources.port import Progress
from bridge.wire.jsontext import loads
from tests.accounts import Tokens
from tests.memory_network import MemoryConnector
from tests.stage import LoopClock
from tests.virtual_clock import VirtualClock, run_virtually

KEY = "msk_live_aB3dE6gH9jK2mN5pQ8sT1vW4"


@dataclass(frozen=True)
class Setting:
    """What a scenario may choose about the bridge and the way to upstream."""

    may_stream: bool = True
    discover: bool = False
    per_minute: int = 60
    seed: int = 1
    delay_s: float = 0.02
    more: dict[str, Any] = field(default_factory=dict)


class Stage:
    """What a scenario has at hand. Build with `set_stage`."""

    follows: Follows
    accounts: Accounts
    metrics: Metrics

    def __init__(self, sim: Simulator, setting: Setting, group: asyncio.TaskGroup) -> None:
        self.sim = sim
        self.setting = setting
        self.clock = VirtualClock(asyncio.get_running_loop())
        self.journal = MemoryJournal(records_max=10**6, bytes_max=2**30)
        self.tokens = Tokens()
        self.tokens.text = KEY
        self._group = group
        self.stopped = 0  # times
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """A bridge as a process would start it: all it knows is what the journal holds."""
        self.metrics = Metrics()
        following = build_following(
            self.journal,
            Redactor(),
            self.metrics,
            self.clock,
            default_account="miosa",
            jitter=random.Random(self.setting.seed).random,
            connector=self.connector,
        )
        self.follows, self.accounts = following.follows, following.accounts
        section = MiosaAccount.model_validate(
            {
                "name": "miosa",
                "token_env": "T",
                "stream": self.setting.may_stream,
                "discover": self.setting.discover,
                "requests_per_minute": self.setting.per_minute,
                **self.setting.more,
            }
        )
        account = ResolvedAccount(section, "http://upstream.test", self.tokens)
        await self.accounts.change([account])
        self.watch = TokenWatch(self.accounts, self.follows, lambda _: None, self.clock)
        self.watch.look()
        memories = following.memories
        if self.stopped:
            await memories.recall()
        else:  # nobody asked anything before
            self.source.recall(b'{"saved":0,"log":[]}')
        self.follows.restore(await self.journal.wishes(), await self.journal.states())
        self._tasks = [
            self._group.create_task(self.accounts.run()),
            self._group.create_task(self.follows.run()),
            self._group.create_task(memories.run()),
        ]
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """Drop everything where it stands, as a process that is killed does."""
        self.stopped += 1
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
        return MemoryConnector(server, delay_s=self.setting.delay_s)

    @property
    def source(self) -> MiosaSource:
        source = self.accounts.sources["miosa"]
        assert isinstance(source, MiosaSource)
        return source

    async def follow(self, *things: Thing) -> None:
        for thing in things:
            await self.follows.follow(thing.kind, thing.id)

    def replace_key(self, key: str) -> None:
        self.tokens.replace(key)
        self.watch.look()

    def progress(self, thing: Thing) -> Progress:
        (found,) = [
            e.progress
            for e in self.follows.entries()
            if (e.feed.feed.kind, e.feed.feed.id) == (thing.kind, thing.id)
        ]
        return found

    async def over(self, within_s: float = 3600.0) -> None:
        """Wait until nothing is followed any more."""
        async with asyncio.timeout(within_s):
            await self.follows.until_none_followed()

    async def records(self, thing: Thing | None = None) -> list[Record]:
        page = await self.journal.read(0, 100_000)
        return [
            r
            for r in page.records
            if thing is None or (r.feed.kind, r.feed.id) == (thing.kind, thing.id)
        ]

    async def told(self, thing: Thing) -> Told:
        """What the journal says of a thing."""
        return Told(thing, await self.records(thing))

    @property
    def refused(self) -> int:
        return self.sim.refused(self.tokens.text)

    def asked(self, endpoint: str) -> list[Any]:
        return [r for r in self.sim.requests if r.endpoint == endpoint]


class Told:
    """Records of one feed, taken apart."""

    def __init__(self, thing: Thing, records: Sequence[Record]) -> None:
        self.thing = thing
        self.all = [(r.type, r.id, loads(r.body)) for r in records]
        self.prefix = f"ai.miosa.{thing.kind}.event."

    @property
    def events(self) -> list[dict[str, Any]]:
        return [body for type_, _, body in self.all if type_.startswith(self.prefix)]

    @property
    def ids(self) -> list[str]:
        return [id_ for type_, id_, _ in self.all if type_.startswith(self.prefix)]

    @property
    def gaps(self) -> list[dict[str, Any]]:
        return [body["data"] for type_, _, body in self.all if type_ == "bridge.gap"]

    @property
    def ends(self) -> list[dict[str, Any]]:
        type_ = f"bridge.{self.thing.kind}.ended"
        return [body["data"] for t, _, body in self.all if t == type_]

    @property
    def failures(self) -> list[dict[str, Any]]:
        return [body["data"] for type_, _, body in self.all if type_ == "bridge.follow.failed"]

    @property
    def numbers(self) -> list[int | None]:
        """Events as upstream's numbers, a gap as None, in the order of the journal."""
        by_id = {event.id: event.number for event in self.thing.events}
        found: list[int | None] = []
        for type_, id_, body in self.all:
            if type_ == "bridge.gap":
                found.append(None)
            elif type_.startswith(self.prefix):
                found.append(by_id.get(id_) or number_in(body["data"]))
        return found

    def assert_whole(self, *, from_number: int = 1) -> None:
        """Every event once, in upstream's order, no gap, one end that says so, and it is last."""
        last = self.thing.events[-1].number if self.thing.events else 0
        assert self.numbers == list(range(from_number, last + 1)), f"{self.thing.kind} of {last}"
        self.assert_ended()

    def assert_ended(self) -> None:
        (end,) = self.ends
        assert end["events"] == len(self.events)
        assert end["gaps"] == len(self.gaps)
        assert end["status"] == self.thing.status
        assert self.all[-1][0] == f"bridge.{self.thing.kind}.ended"

    def assert_honest(self, *, may_repeat: bool) -> None:
        """Between two events that are not neighbours upstream stands a gap. `may_repeat`: frames
        without ids that a server replays are kept again, behind a gap.
        """
        before: int | None = None
        is_gap = False
        for number in self.numbers:
            if number is None:
                is_gap = True
                continue
            if before is not None and number != before + 1:
                assert is_gap, f"{before} -> {number} without a gap: {self.numbers}"
                assert may_repeat or number > before, self.numbers
            before, is_gap = number, False
        if not self.thing.is_over:
            return
        last = self.thing.events[-1].number if self.thing.events else None
        if self.ends and before is not None and before != last:
            assert is_gap, f"{self.thing.kind} ends after {before} of {last}: {self.numbers}"


def number_in(data: Any) -> int:
    """The number that a test wrote into an event without an id."""
    for key in ("n", "number"):
        if key in data:
            return int(data[key])
    if isinstance(data.get("payload"), dict):
        return int(data["payload"]["n"])
    return int(str(data["line"]).partition(" ")[0])


def numbered(thing: Thing, count: int) -> list[tuple[str, Any]]:
    """The next events of a thing, each with its number; the text of some repeats."""
    start = len(thing.events)
    numbers = range(start + 1, start + count + 1)
    match thing.kind:
        case "deployment":
            return [("", f"{n} same line") for n in numbers]
        case "computer":
            return [("file.created", {"n": n}) for n in numbers]
        case "build":
            return [("log", {"line": "same line", "n": n}) for n in numbers]
        case "snapshot":
            return [
                ("", {"type": "snapshot_progress", "status": "uploading", "n": n}) for n in numbers
            ]
        case _:
            return [("sandbox.exec.stdout" if thing.kind == "sandbox" else "log", {"n": n})
                    for n in numbers]  # fmt: skip


def play(
    scenario: Callable[[Stage], Coroutine[Any, Any, None]],
    setting: Setting | None = None,
    **knobs: object,
) -> None:
    """Run one scenario from an empty stage to its end, on a fresh virtual loop."""

    async def main() -> None:
        async with set_stage(setting or Setting(), **knobs) as stage:
            await scenario(stage)

    run_virtually(main())


@asynccontextmanager
async def set_stage(setting: Setting, **knobs: object) -> AsyncIterator[Stage]:
    clock = LoopClock(VirtualClock(asyncio.get_running_loop()))
    async with (
        Simulator(knobs=knobs, seed=setting.seed, clock=clock) as sim,
        asyncio.TaskGroup() as group,
    ):
        stage = Stage(sim, setting, group)
        await stage.start()
        try:
            yield stage
        finally:
            await stage.stop()
            await stage.journal.close()
