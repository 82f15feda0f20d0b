"""Misfortunes of the journal's place, its lock, the clock and upstream's text."""

from __future__ import annotations

import os
import random
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.torture.faults import Faults
from tests.torture.oracle import must
from tests.torture.upstream import Load
from tests.torture.victim import READY_S, Victim

LOOKS_S = (
    0.5  # between two looks of the daemon for records that are too old; a minute as it is sold
)
KEPT = "720h"  # no campaign lasts so long: what retention drops by age, it drops by mistake
_JUMP_S = 40 * 24 * 3600.0
_LOOKED_S = 4 * LOOKS_S
_TRIES = 5  # of a request, of five seconds each
_HUGE_CHARACTERS = 720_000  # each of them six bytes of JSON: a row of over 4 MiB

Checks = dict[str, dict[str, Any]]


def hurry(package: Path) -> None:
    """Let the copy of the program look for old records often enough for a life to see it."""
    upkeep = package / "bridge" / "daemon" / "upkeep.py"
    text = upkeep.read_text()
    assert "\nRETAIN_S = 60.0" in text, "it is called something else by now"
    upkeep.write_text(text.replace("\nRETAIN_S = 60.0", f"\nRETAIN_S = {LOOKS_S}"))


class Edges(ABC):
    """The part of a campaign with these four."""

    _directory: Path
    _root: Path
    _package: Path
    _config: Path
    _chance: random.Random
    _faults: Faults
    _load: Load

    @abstractmethod
    async def _start(self, log: Path | None = None) -> Victim: ...

    @abstractmethod
    async def _ready(self, victim: Victim) -> None: ...

    @abstractmethod
    async def _pause(self, low_s: float, high_s: float) -> None: ...

    @abstractmethod
    async def _until(
        self, victim: Victim, holds: Callable[[Checks], bool], what: str, *, busy: bool = False
    ) -> None: ...

    async def _gone(self) -> Victim:
        """The journal is not at its path: nothing is acknowledged until it is back."""
        victim = await self._start()
        await self._ready(victim)
        await self._pause(0.0, 0.5)
        bring_back = self._take_away()
        try:
            await self._until(
                victim,
                lambda checks: not checks["journal"]["ok"],
                "a journal that is gone",
                busy=True,
            )
            for path, wanted in (("/readyz", 503), ("/livez", 200), ("/v1/events?tail=1", 200)):
                status = await _status(victim, path)
                must(status == wanted, f"{path} is {status} while the journal is gone")
            await self._pause(0.0, 0.5)
            if self._chance.random() < 0.3:  # killed while it is away
                await victim.kill()
                return victim
        finally:
            bring_back()
        await self._until(victim, lambda checks: checks["journal"]["ok"], "a journal that is back")
        await self._pause(0.0, 0.4)
        await victim.kill()
        return victim

    def _take_away(self) -> Callable[[], None]:
        """Remove it in some way; returns what undoes that."""
        journal, aside = self._root / "journal.db", self._directory / "aside"
        parts = [journal.with_name(journal.name + suffix) for suffix in ("", "-wal", "-shm")]
        way = self._chance.choice(("file", "log", "all", "older"))
        if way == "older":  # a copy is put in its place
            os.link(journal, aside)
            copy = self._directory / "copy"
            shutil.copyfile(journal, copy)
            copy.replace(journal)
            return lambda: _put_back({aside: journal})
        if way == "all":
            moved = {self._directory / part.name: part for part in parts if part.exists()}
        else:
            moved = {aside: parts[way == "log"]}
        for away, part in moved.items():
            part.rename(away)
        return lambda: _put_back(moved)

    async def _lock(self) -> Victim:
        """The lock file is removed, and the journal gets another name: still one daemon only."""
        victim = await self._start()
        await self._ready(victim)
        (self._root / "journal.db.lock").unlink()
        link = self._directory / "linked.db"
        os.link(self._root / "journal.db", link)
        config = self._config.read_text()
        other = self._directory / "other.toml"
        for journal in (self._root / "journal.db", link):
            # No outputs: what it is refused for is the journal.
            text = config.replace(str(self._root / "journal.db"), str(journal))
            other.write_text(text.partition("[[outputs]]")[0])
            second = await Victim.start(
                self._package, other, 0, self._directory / "stderr-second",
                self._faults.environment(), runs_from=self._directory / "runs.txt",
            )  # fmt: skip
            try:
                must(await second.dead_within(READY_S), f"a second daemon serves {journal}")
            finally:
                await second.kill()
            said = second.last_words()
            must(second.code != 0 and "in use by another" in said, f"{second.code}: {said}")
        link.unlink()
        await self._until(victim, lambda checks: checks["journal"]["ok"], "its own journal")
        await self._pause(0.0, 0.4)
        await victim.kill()
        return victim

    async def _jump(self) -> Victim:
        """The clock jumps forward by more than records are kept: none is dropped for that.

        A process that starts before the newest note in the file believes a clock that jumps there
        (a start in 1970); after a life whose clock was ahead, one with the right clock ends that.
        """
        heads: list[int] = []

        def has_grown(checks: Checks) -> bool:
            heads.append(int(str(checks["journal"]["head"])))
            return heads[-1] > heads[0]

        victim = await self._start()
        await self._ready(victim)
        await self._until(victim, has_grown, "more records", busy=True)
        await victim.kill()
        victim = await self._start()
        await self._ready(victim)
        await self._pause(0.0, 0.5)
        self._faults.set_clock(_JUMP_S)
        await self._pause(_LOOKED_S, 2 * _LOOKED_S)
        await self._until(
            victim, lambda checks: checks["journal"]["floor"] == 1, "a floor that stays", busy=True
        )
        await victim.kill()
        return victim

    async def _huge(self) -> Victim:
        """A run fails with an error that fits into no record: the daemon and the others go on."""
        victim = await self._start()
        await self._ready(victim)
        self._load.fail("\x1b" * _HUGE_CHARACTERS)
        await self._pause(1.0, 3.0)
        must(victim.is_alive, f"it ended by itself: {victim.last_words()}")
        await victim.kill()
        return victim


async def _status(victim: Victim, path: str) -> int | None:
    """Of the answer; a machine that is busy may be given some time."""
    for _ in range(_TRIES):
        if (status := await victim.status(path)) is not None:
            return status
    return None


def _put_back(moved: dict[Path, Path]) -> None:
    for away, part in moved.items():
        away.replace(part)
