"""The simulated MIOSA, one account and the whole way in, on virtual time; and the oracle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bridge.core.event import Record
from bridge.simulator.miosa.server import Simulator
from bridge.simulator.miosa.store import Thing
from bridge.sources.miosa.settings import MiosaAccount
from bridge.sources.miosa.source import MiosaSource
from bridge.wire.jsontext import loads
from tests.stages import stage
from tests.stages.stage import DELAY_S, loop_clock, playing
from tests.virtual_clock import run_virtually

KEY = "msk_live_aB3dE6gH9jK2mN5pQ8sT1vW4"


@dataclass(frozen=True)
class Setting:
    """What a scenario may choose about the bridge and the way to upstream."""

    may_stream: bool = True
    discover: bool = False
    per_minute: int = 60
    seed: int = 1
    delay_s: float = DELAY_S
    knows_window: bool = True  # False: a start that knows nothing of what was asked before
    more: dict[str, Any] = field(default_factory=dict)


class Stage(stage.Stage):
    """What a scenario has at hand. Build with `set_stage`."""

    KIND = "run"
    EVENTS = "ai.miosa."
    TOKEN = KEY
    is_killed = True

    def __init__(self, sim: Simulator, setting: Setting, group: asyncio.TaskGroup) -> None:
        section = MiosaAccount.model_validate(
            {
                "name": "miosa",
                "token_env": "T",
                "stream": setting.may_stream,
                "discover": setting.discover,
                "requests_per_minute": setting.per_minute,
                **setting.more,
            }
        )
        super().__init__(sim, section, group, seed=setting.seed, delay_s=setting.delay_s)
        self.sim = sim
        self.setting = setting

    async def recall(self) -> None:
        if self.stopped_at:
            await super().recall()
        elif self.setting.knows_window:  # nobody asked anything before
            self.source.recall(b'{"saved":0,"log":[]}')

    @property
    def source(self) -> MiosaSource:
        source = self.accounts.sources["miosa"]
        assert isinstance(source, MiosaSource)
        return source

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
        async with set_stage(setting or Setting(), **knobs) as set_up:
            await scenario(set_up)

    run_virtually(main())


@asynccontextmanager
async def set_stage(setting: Setting, **knobs: object) -> AsyncIterator[Stage]:
    async with (
        Simulator(knobs=knobs, seed=setting.seed, clock=loop_clock()) as sim,
        asyncio.TaskGroup() as group,
        playing(Stage(sim, setting, group)) as set_up,
    ):
        yield set_up
