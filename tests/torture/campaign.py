"""One daemon after another on the same files, each with its own misfortune; counted after each.

What a life is: start, do something bad to it, see it die (or end in order), look at what it left.
The load, the subscriber and the oracle outlive them all.
"""

from __future__ import annotations

import asyncio
import errno
import json
import random
import shutil
import signal
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from bridge.simulator import Simulator
from tests.torture.arrangement import CONFIG, outputs
from tests.torture.edges import KEPT, Edges, hurry
from tests.torture.faults import BIRTH, EVERY_LIFE, Faults, Point, build
from tests.torture.oracle import Oracle, Violation, must
from tests.torture.powercut import Disk
from tests.torture.score import Score
from tests.torture.subscriber import Subscriber
from tests.torture.upstream import Load
from tests.torture.victim import READY_S, Victim

PACKAGE = Path(__file__).parents[2] / "bridge"

REACH_S = 5.0  # how long a life may take to come to its crash point
NTH_MAX = 6
RESTARTS, RESTART_S = 10, 2.0
TELL_S = 40.0  # how soon /healthz tells of a full disk, at most, on a busy machine
SETTLE_S = 60.0  # everything is written by then, at the end
_ENDS_LOOKS = 20
# The WAL is folded into the database each thousand pages, archives are made every two seconds.
_SELDOM, SELDOM_S = ("db", "archive"), 20.0
_HOUR_S = 3600.0
_JUMPS_S = (-10 * _HOUR_S, -61.0, 30.0, _HOUR_S, 26 * _HOUR_S)


class Campaign(Edges):
    """Call `run`; it raises Violation with the seed and the life in its text."""

    def __init__(
        self,
        directory: Path,
        seed: int,
        *,
        package: Path = PACKAGE,
        say: Callable[[str], None] = lambda _: None,
        points: Sequence[Point] = EVERY_LIFE,
        score: Score | None = None,
        reach_s: float = REACH_S,
    ) -> None:
        """`points`: the crash points to die at; `score` may be that of several campaigns."""
        self._directory, self._seed, self._say = directory, seed, say
        self._chance = random.Random(seed)
        self._root = directory / "root"
        self._root.mkdir()
        self._package, self._original = directory / "package", package
        self._copy_package()
        self._faults = Faults(build(directory), directory, self._root)
        self._port = _free_port()
        self._oracle = Oracle(self._root / "journal.db", outputs(self._root), directory)
        self.score = score or Score()
        self._victim: Victim | None = None
        self._lives = 0
        self._is_upgraded = False
        self._all_points = tuple(points)
        self._reach_s = reach_s
        self._points = self._shuffled()

    def _copy_package(self) -> None:
        """A copy: the tree may change while this runs, and the upgrade adds to it."""
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(self._original, self._package / "bridge", ignore=ignore)
        hurry(self._package)

    # The whole

    async def run(self, lives: Callable[[], str | None]) -> None:
        """`lives` names the next misfortune, or None when it is enough."""
        try:
            await self._run(lives)
        finally:
            if self._victim is not None:
                await self._victim.kill()
            self._faults.close()

    async def _run(self, lives: Callable[[], str | None]) -> None:
        async with Simulator(knobs={"limiter": "off"}) as sim:
            self._config = self._directory / "bridge.toml"
            self._config.write_text(
                CONFIG.format(port=self._port, root=self._root, url=sim.url, kept=KEPT)
            )
            self._load = Load(sim, self._directory / "runs.txt", self._chance)
            self._subscriber = Subscriber(f"http://127.0.0.1:{self._port}")
            async with asyncio.TaskGroup() as group:
                loading = group.create_task(self._load.run())
                listening = group.create_task(self._subscriber.run())
                while (name := lives()) is not None:
                    await self._live(name)
                self._load.stop()
                await loading
                await self._live("end")
                listening.cancel()
            await self._refuse_newer()
        self.score.add(self._oracle.tally, self._subscriber.connects)

    async def _live(self, name: str) -> None:
        self.score.lives[name] += 1
        self._lives += 1
        number = self._lives
        before_s = time.monotonic()
        misfortunes: dict[str, Callable[[], Awaitable[Victim]]] = {
            "kill": self._kill,
            "restarts": self._restarts,
            "point": self._point,
            "birth": self._birth,
            "torn": self._torn,
            "short": self._short,
            "stop": self._stopped,
            "term": self._term,
            "full": self._full,
            "quota": self._quota,
            "eio": self._eio,
            "clock": self._clock,
            "power": self._power,
            "gone": self._gone,
            "lock": self._lock,
            "jump": self._jump,
            "huge": self._huge,
            "upgrade": self._upgrade,
            "end": self._end,
        }
        try:
            self._faults.calm()
            victim = await misfortunes[name]()
            self.score.kills += victim.code == -signal.SIGKILL
            self._faults.calm()
            is_final = name == "end"
            await asyncio.to_thread(
                self._oracle.look,
                tuple(self._subscriber.shown),
                is_final=is_final,
                is_cut=name == "power",
            )
            must(self._subscriber.complaint is None, f"shown: {self._subscriber.complaint}")
            if is_final:
                self._oracle.check_upstream(self._load.truth())
        except (Violation, TimeoutError) as error:
            what = str(error) or "it took too long"
            raise Violation(f"seed {self._seed}, life {number} ({name}): {what}") from error
        took_s = time.monotonic() - before_s
        self._say(
            f"{number:4} {name:8} {self.score.kills:4} kills {self._oracle.tally.records:6} records"
            f" {took_s:5.1f} s"
        )

    async def _start(self, log: Path | None = None) -> Victim:
        victim = await Victim.start(
            self._package,
            self._config,
            self._port,
            self._directory / "stderr",
            self._faults.environment(log),
            runs_from=self._directory / "runs.txt",
        )
        self._victim = victim
        return victim

    async def _ready(self, victim: Victim) -> None:
        must(await victim.ready(), f"it ended by itself: {victim.last_words()}")

    async def _pause(self, low_s: float, high_s: float) -> None:
        await asyncio.sleep(self._chance.uniform(low_s, high_s))

    # Misfortunes

    async def _kill(self) -> Victim:
        """At a random instant, one in five before it serves."""
        victim = await self._start()
        if self._chance.random() > 0.2:
            await self._ready(victim)
        await self._pause(0.0, 0.7)
        await victim.kill()
        return victim

    async def _restarts(self) -> Victim:
        """Ten lives of two seconds each: nobody comes to rest, and nothing is lost by it."""
        for left in reversed(range(RESTARTS)):
            began_s = time.monotonic()
            victim = await self._start()
            await victim.dead_within(max(0.0, began_s + RESTART_S - time.monotonic()))
            must(victim.is_alive, f"it ended by itself: {victim.last_words()}")
            await victim.kill()
            self.score.kills += left > 0
        return victim

    async def _short(self) -> Victim:
        """The kernel takes less than it was given, again and again."""
        victim = await self._start()
        await self._ready(victim)
        self._faults.shorten(("line.write", "wal.write", "db.write", "archive.write"), 50)
        await self._pause(0.3, 1.5)
        must(victim.is_alive, f"it ended by itself: {victim.last_words()}")
        await victim.kill()
        return victim

    async def _point(self) -> Victim:
        """At the next named crash point."""
        point = self._points.pop()
        if not self._points:
            self._points = self._shuffled()
        if point.kind in _SELDOM:
            return await self._die_at(point, 1, reach_s=max(self._reach_s, SELDOM_S), busy=True)
        return await self._die_at(point, self._chance.randint(1, NTH_MAX))

    async def _birth(self) -> Victim:
        """At a point that only the making of the journal passes."""
        return await self._die_at(BIRTH[(self._lives - 1) % len(BIRTH)], 1)

    async def _die_at(
        self, point: Point, nth: int, *, reach_s: float | None = None, busy: bool = False
    ) -> Victim:
        self._faults.kill_at(point, nth)
        victim = await self._start()
        deadline_s = time.monotonic() + (self._reach_s if reach_s is None else reach_s)
        while not await victim.dead_within(0.5) and time.monotonic() < deadline_s:
            if busy:
                self._load.burst()
        if not victim.is_alive:
            must(victim.code == -signal.SIGKILL, f"it ended by itself: {victim.last_words()}")
            self.score.points[str(point)] += 1
        await victim.kill()
        return victim

    async def _torn(self) -> Victim:
        """Half of a write reaches the file, then the process dies."""
        kind = self._chance.choice(("line", "line", "line", "wal"))
        victim = await self._start()
        await self._ready(victim)
        await self._pause(0.0, 0.4)
        self._faults.kill_at(Point(kind, "write", after=True), 1)
        self._faults.shorten((f"{kind}.write",), 1)
        if not await victim.dead_within(self._reach_s):
            await victim.kill()
        return victim

    async def _stopped(self) -> Victim:
        """SIGSTOP, SIGCONT, a while of work, the end."""
        victim = await self._start()
        await self._ready(victim)
        for _ in range(self._chance.randint(1, 3)):
            await self._pause(0.0, 0.3)
            victim.send(signal.SIGSTOP)
            await self._pause(0.1, 1.0)
            victim.send(signal.SIGCONT)
        await self._pause(0.0, 0.3)
        await victim.kill()
        return victim

    async def _term(self) -> Victim:
        """SIGTERM under load: it ends in order, and soon."""
        victim = await self._start()
        await self._ready(victim)
        await self._pause(0.0, 0.5)
        code = await victim.terminate()
        must(code == 0, f"SIGTERM: exit code {code}: {victim.last_words()}")
        return victim

    async def _full(self) -> Victim:
        """No room for a while: it says so, stays, and goes on by itself when there is some."""
        return await self._no_room(hides=False)

    async def _quota(self) -> Victim:
        """The same where `statvfs` does not tell, so that writes are cut in their middle."""
        return await self._no_room(hides=True)

    async def _no_room(self, *, hides: bool) -> Victim:
        victim = await self._start()
        await self._ready(victim)
        self._faults.set_room(self._chance.randrange(0, 60_000), hides=hides)
        await self._until(
            victim, lambda checks: not checks["journal"]["ok"], "a full disk", busy=True
        )
        await self._until_metric(victim, "mogplex_bridge_journal_writable 0.0")
        must(await victim.status("/livez") == 200, "/livez fails on a full disk")
        await self._look_at_ends()
        page = json.loads(await victim.text("/v1/events?tail=1"))
        must(page["records"] or not self._oracle.rows, "readers get nothing while it is full")
        if self._chance.random() < 0.3:  # killed while it is full
            await victim.kill()
            return victim
        self._faults.set_room(None)
        await self._until(victim, lambda checks: checks["journal"]["ok"], "room again")
        await self._pause(0.0, 0.4)
        await victim.kill()
        return victim

    async def _look_at_ends(self) -> None:
        """On a full disk no file ends in half a line, but for the moment until it is cut back."""
        torn: Counter[str] = Counter()
        for _ in range(_ENDS_LOOKS):
            await asyncio.sleep(0.02)
            torn.update(self._oracle.torn_ends())
        lasting = [name for name, count in torn.items() if count > _ENDS_LOOKS // 4]
        must(not lasting, f"on a full disk these end in half a line: {lasting}")

    async def _eio(self) -> Victim:
        """Some writes and syncs fail; it goes on."""
        victim = await self._start()
        await self._ready(victim)
        names = self._chance.choice(
            (("wal.sync",), ("wal.write", "wal.commit"), ("line.sync",), ("line.write",),
             ("db.write", "db.sync"), ("line.write", "line.sync", "wal.write", "wal.sync"))
        )  # fmt: skip
        self._faults.refuse(names, errno.EIO, self._chance.randint(1, 4))
        await self._pause(0.3, 1.5)
        must(victim.is_alive, f"it ended by itself: {victim.last_words()}")
        await victim.kill()
        return victim

    async def _clock(self) -> Victim:
        """The wall clock jumps, before the start and while it runs."""
        self._faults.set_clock(self._chance.choice(_JUMPS_S))
        victim = await self._start()
        await self._ready(victim)
        for _ in range(self._chance.randint(1, 3)):
            await self._pause(0.1, 0.5)
            self._faults.set_clock(self._chance.choice(_JUMPS_S))
        await self._pause(0.1, 1.0)
        await victim.kill()
        return victim

    async def _power(self) -> Victim:
        """The machine goes down: what was not synced is lost, or torn, or not."""
        disk = await asyncio.to_thread(Disk, self._root)
        fails_first = None
        if self._chance.random() < 0.5:
            kind = self._chance.choice(("wal", "line"))
            await self._logged(disk, partial(self._dies_before_a_sync, kind))
            fails_first = kind if self._chance.random() < 0.5 else None
        victim = await self._logged(disk, partial(self._goes_down, fails_first))
        self.score.lost.update(await asyncio.to_thread(disk.cut, self._chance))
        return victim

    async def _logged(self, disk: Disk, life: Callable[[Path], Awaitable[Victim]]) -> Victim:
        """Live, and tell the disk of every change."""
        log = self._directory / "log"
        log.unlink(missing_ok=True)
        victim = await life(log)
        await victim.kill()
        await asyncio.to_thread(disk.replay, log)
        return victim

    async def _dies_before_a_sync(self, kind: str, log: Path) -> Victim:
        """What it wrote is in memory, and no more."""
        last = ((("write" if kind == "line" else "commit"), True), ("sync", False))
        op, after = self._chance.choice(last)
        self._faults.kill_at(Point(kind, op, after=after), self._chance.randint(1, NTH_MAX))
        victim = await self._start(log)
        await victim.dead_within(REACH_S / 2)
        await victim.kill()
        self._faults.calm()
        return victim

    async def _goes_down(self, fails_first: str | None, log: Path) -> Victim:
        """`fails_first`: the kind of file whose first sync fails; it may end by itself then."""
        if fails_first is not None:
            self._faults.refuse((f"{fails_first}.sync",), errno.EIO, 1)
        if at_point := self._chance.random() < 0.5:
            point = self._chance.choice(EVERY_LIFE)
            self._faults.kill_at(point, self._chance.randint(1, 3 * NTH_MAX))
        victim = await self._start(log)
        if at_point:
            await victim.dead_within(REACH_S / 2)
        elif await victim.ready():
            if self._chance.random() < 0.4:
                name = self._chance.choice(("line.sync", "line.sync", "wal.sync", "db.sync"))
                self._faults.refuse((name,), errno.EIO, self._chance.randint(1, 3))
            await self._pause(0.0, 4.0)  # long enough for checkpoints and archives
            if self._chance.random() < 0.4:  # a machine that is shut down ends it in order first
                await victim.terminate()
        return victim

    async def _upgrade(self) -> Victim:
        """The next version of the program takes over: one more step than there is today."""
        steps = self._package / "bridge" / "journal" / "sqlite" / "migrations"
        newest = max(int(file.name[:4]) for file in steps.glob("*.sql"))
        self._is_upgraded = True
        if self._oracle.version == newest:
            added = steps / f"{newest + 1:04}_made_up.sql"
            added.write_text(
                f"CREATE TABLE made_up_{newest} (n INTEGER);\n"
                f"INSERT INTO made_up_{newest} SELECT seq FROM record;\n"
                f"ALTER TABLE state ADD COLUMN made_up_{newest} TEXT NOT NULL DEFAULT 'x';\n"
            )
        op = self._chance.choice(("write", "commit", "sync"))
        point = Point("wal", op, after=self._chance.random() < 0.5)
        return await self._die_at(point, self._chance.randint(1, 3))

    async def _end(self) -> Victim:
        """A life in peace, until everything is where it belongs."""
        victim = await self._start()
        await self._ready(victim)
        runs = self._load.run_count

        async def is_done() -> bool:
            answer = json.loads(await victim.text("/v1/runs") or "{}")
            ended = sum(run["state"] == "ended" for run in answer.get("runs", ()))
            checks = json.loads(await victim.text("/healthz") or "{}").get("checks", {})
            lags = [check["lag"] for name, check in checks.items() if name.startswith("sink ")]
            head = checks.get("journal", {}).get("head")
            return ended == runs and not any(lags) and len(self._subscriber.shown) == head

        deadline_s = time.monotonic() + SETTLE_S
        while not await is_done() and time.monotonic() < deadline_s:
            await asyncio.sleep(0.1)  # what is missing then is named by the oracle
        code = await victim.terminate()
        must(code == 0, f"SIGTERM: exit code {code}: {victim.last_words()}")
        return victim

    async def _refuse_newer(self) -> None:
        """The program as it is does not touch what the made-up next version wrote."""
        if not self._is_upgraded:
            return
        before = (self._root / "journal.db").read_bytes()
        shutil.rmtree(self._package / "bridge")
        self._copy_package()
        victim = await self._start()
        must(await victim.dead_within(READY_S), "a journal of a newer version is opened")
        must(victim.code == 78, f"a newer version: exit {victim.code}: {victim.last_words()}")
        must("newer version" in victim.last_words(), victim.last_words())
        must((self._root / "journal.db").read_bytes() == before, "a newer journal was changed")

    async def _until(
        self,
        victim: Victim,
        holds: Callable[[dict[str, dict[str, object]]], bool],
        what: str,
        *,
        busy: bool = False,
    ) -> None:
        """Wait until /healthz says so. `busy`: with more load, because a WAL that is there has room
        for a while.
        """
        deadline_s = time.monotonic() + TELL_S
        while True:
            if busy:
                self._load.burst()
            answer = await victim.text("/healthz")
            if answer and holds(json.loads(answer)["checks"]):
                return
            must(victim.is_alive, f"it ended by itself: {victim.last_words()}")
            must(time.monotonic() < deadline_s, f"/healthz does not tell of {what}: {answer}")
            await asyncio.sleep(0.1)

    async def _until_metric(self, victim: Victim, line: str) -> None:
        """A WAL that was folded may give room once more, so more load until it is really full."""
        deadline_s = time.monotonic() + TELL_S
        while line not in (await victim.text("/metrics")).splitlines():
            must(time.monotonic() < deadline_s, f"/metrics never has {line}")
            self._load.burst()
            await asyncio.sleep(0.1)

    def _shuffled(self) -> list[Point]:
        points = list(self._all_points)
        self._chance.shuffle(points)
        return points


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
