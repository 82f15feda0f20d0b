"""The commands of the fault layer (faults.c) and what it counts; built with the system's compiler.

The product knows nothing of it: it is put between a process and the kernel by LD_PRELOAD.
"""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("faults.c")

KINDS = ("wal", "db", "line", "archive", "directory")
OPS = ("create", "write", "commit", "sync", "truncate", "rename", "unlink")
_POINTS = len(KINDS) * len(OPS)

# struct control in faults.c
_FIELDS = {
    "clock_offset_ns": ("<q", 0), "room": ("<q", 8), "fail_mask": ("<Q", 16),
    "short_mask": ("<Q", 24), "fail_errno": ("<i", 32), "fail_left": ("<i", 36),
    "short_left": ("<i", 40), "kill_point": ("<i", 44), "kill_after": ("<i", 48),
    "kill_left": ("<i", 52), "hides_room": ("<i", 56),
}  # fmt: skip
_COUNTS_AT = 64
_PAGE_BYTES = 4096


class Point(NamedTuple):
    """A named crash point: before or after one kind of change to one kind of file."""

    kind: str
    op: str
    after: bool

    @property
    def number(self) -> int:
        return KINDS.index(self.kind) * len(OPS) + OPS.index(self.op)

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} {self.kind}.{self.op}"


def _both(*names: str) -> list[Point]:
    return [
        Point(kind, op, after)
        for kind, op in (name.split(".") for name in names)
        for after in (False, True)
    ]


# A commit of the journal is the WAL frame that ends it; it counts when the sync behind it is done.
JOURNAL = _both("wal.write", "wal.commit", "wal.sync", "db.write", "db.sync")
LINES = _both("line.create", "line.write", "line.sync", "line.rename", "directory.sync")
ARCHIVE = _both("archive.create", "archive.write", "archive.sync", "archive.rename", "line.unlink")
# Only while a journal is made.
BIRTH = _both("db.create", "db.rename", "wal.create")
EVERY_LIFE = [*JOURNAL, *LINES, *ARCHIVE]


def number_of(name: str) -> int:
    kind, op = name.split(".")
    return Point(kind, op, after=False).number


def mask_of(names: Iterable[str]) -> int:
    return sum(1 << number_of(name) for name in names)


def missing_tool() -> str | None:
    """What is missing to build the layer, with the cure."""
    if shutil.which("cc") is None:
        return "the fault layer is built with a C compiler: apt-get install gcc libc6-dev"
    return None


def build(directory: Path) -> Path:
    """Compile the layer; under a second. Raises CalledProcessError."""
    library = directory / "faults.so"
    command = ["cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl", "-lpthread"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return library


class Faults:
    """The page shared with one process after another."""

    def __init__(self, library: Path, directory: Path, root: Path) -> None:
        self._library, self._root = library, root
        self._file = directory / "control"
        self._file.write_bytes(bytes(_PAGE_BYTES))
        with self._file.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), _PAGE_BYTES)
        self.calm()

    def environment(self, log: Path | None = None) -> dict[str, str]:
        made = {
            "LD_PRELOAD": str(self._library),
            "FAULTS_CONTROL": str(self._file),
            "FAULTS_ROOT": str(self._root),
        }
        return made if log is None else {**made, "FAULTS_LOG": str(log)}

    def close(self) -> None:
        self._page.close()

    def calm(self) -> None:
        """No faults; the counts stay."""
        for name in _FIELDS:
            self._set(name, 0)
        self._set("room", -1)
        self._set("kill_point", -1)

    def kill_at(self, point: Point, nth: int) -> None:
        """End the process at the `nth` time from now that it passes `point`."""
        self._set("kill_left", 0)
        self._set("kill_point", point.number)
        self._set("kill_after", int(point.after))
        self._set("kill_left", nth)

    def refuse(self, names: Iterable[str], errno: int, times: int) -> None:
        self._set("fail_left", 0)
        self._set("fail_errno", errno)
        self._set("fail_mask", mask_of(names))
        self._set("fail_left", times)

    def shorten(self, names: Iterable[str], times: int) -> None:
        """Let the next writes take half of what they are given."""
        self._set("short_left", 0)
        self._set("short_mask", mask_of(names))
        self._set("short_left", times)

    def set_room(self, room: int | None, *, hides: bool = False) -> None:
        """Bytes that are left on the disk; None is no limit. `hides`: as a quota, not told."""
        self._set("hides_room", int(hides))
        self._set("room", -1 if room is None else room)

    def set_clock(self, offset_s: float) -> None:
        self._set("clock_offset_ns", int(offset_s * 1e9))

    def count(self, name: str) -> int:
        """How often the processes came to this change so far."""
        (value,) = struct.unpack_from("<i", self._page, _COUNTS_AT + 4 * number_of(name))
        return int(value)

    def counts(self) -> dict[str, int]:
        names = (f"{kind}.{op}" for kind in KINDS for op in OPS)
        return {name: count for name in names if (count := self.count(name))}

    def refusals_left(self) -> int:
        return self._get("fail_left")

    def shortenings_left(self) -> int:
        return self._get("short_left")

    def _set(self, name: str, value: int) -> None:
        form, at = _FIELDS[name]
        struct.pack_into(form, self._page, at, value)

    def _get(self, name: str) -> int:
        form, at = _FIELDS[name]
        return int(struct.unpack_from(form, self._page, at)[0])


assert _COUNTS_AT + 4 * _POINTS <= _PAGE_BYTES
