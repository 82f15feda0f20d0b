"""Layout of lines on disk: names of files, their rotation, and which are kept."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from bridge.core.errors import ConfigError

FILE_MODE = 0o640  # no access for others; the umask may restrict it further
COMPRESSED = (".gz", ".zst")

_RENAMED_BY_US = re.compile(r"\.([0-9]{6,12})", re.ASCII)
# logrotate's: events.ndjson.2, events.ndjson-20261122, events.ndjson-20261122-1764115200
_COUNTED = re.compile(r"\.([0-9]{1,5})", re.ASCII)
_DATED = re.compile(r"-([0-9]{6,14})(?:-[0-9]{1,12})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Keep:
    """Which finished files stay; the oldest are deleted first. None: no limit of that kind."""

    files: int | None = None
    age_s: float | None = None
    bytes: int | None = None

    @property
    def is_everything(self) -> bool:
        """Whether no limit is set, so that no file is ever deleted."""
        return self.files is None and self.age_s is None and self.bytes is None


@dataclass(frozen=True, slots=True)
class Layout:
    """The settings of one file output.

    `numbered`: `events.ndjson` means `events.000001.ndjson` and so on. Names never change, so
    readers with a wildcard miss nothing (readers.md). `fixed`: lines go to `path` itself, which is
    renamed to `path.000001` and so on. A file is finished before it would exceed `rotate_bytes`,
    and at each multiple of `rotate_every_s` since 1970 in UTC.

    `fsync` says when lines are synced: `interval` once a second, `always` before a batch counts as
    written, `never` only when a file is finished, once a minute and at the end. A power cut
    loses nothing in any mode, because the bridge writes the lines again from the journal.

    Raises:
        ConfigError: The path names no file, or the package for the compression is missing.
    """

    path: Path
    naming: Literal["numbered", "fixed"] = "numbered"
    rotate_bytes: int | None = None
    rotate_every_s: float | None = None
    keep: Keep = field(default_factory=Keep)
    compress: Literal["none", "gzip", "zstd"] = "none"
    fsync: Literal["never", "interval", "always"] = "interval"

    def __post_init__(self) -> None:
        if self.compress == "zstd":
            try:
                import zstandard  # noqa: F401, PLC0415 - 20 ms that others need not wait for
            except ImportError:
                raise ConfigError(
                    f'{self.path}: compress = "zstd" needs the package zstandard: '
                    'install it, or use compress = "gzip"'
                ) from None
        if not self.path.name:
            raise ConfigError(f"{self.path}: this names a directory; give the name of a file")


class Entry(NamedTuple):
    """One file in the directory listing."""

    number: int
    path: Path
    is_compressed: bool


class Names:
    """The file names of one output."""

    def __init__(self, layout: Layout) -> None:
        path = layout.path
        self._path = path
        self._is_numbered = layout.naming == "numbered"
        self._prefix = path.stem if self._is_numbered else path.name
        self._suffix = path.suffix if self._is_numbered else ""
        packed = "|".join(re.escape(ext) for ext in COMPRESSED)
        self._pattern = re.compile(
            rf"{re.escape(self._prefix)}\.([0-9]{{6,12}}){re.escape(self._suffix)}({packed})?"
        )

    def numbered(self, number: int) -> Path:
        """The name of a file; with `fixed` naming, the name it gets when finished."""
        return self._path.with_name(f"{self._prefix}.{number:06d}{self._suffix}")

    def entries(self) -> list[Entry]:
        """All numbered files in the directory, oldest first."""
        found = []
        for name in os.listdir(self._path.parent):
            match = self._pattern.fullmatch(name)
            if match is not None:
                path = self._path.with_name(name)
                found.append(Entry(int(match[1]), path, match[2] is not None))
        return sorted(found)

    def siblings(self) -> list[Path]:
        """Plain files that `path` may have been renamed to, newest first.

        The bridge or logrotate renamed them. The order comes from names where possible, because a
        power cut, a copy or a restore may change times. Between the naming schemes (the bridge's,
        logrotate's two, others) the newest file of each decides.
        """
        groups: dict[str, list[tuple[int, int, Path]]] = {}
        with os.scandir(self._path.parent) as scan:
            for item in scan:
                rest = item.name.removeprefix(self._path.name)
                if rest == item.name or rest[:1] not in (".", "-"):
                    continue
                if rest.endswith((*COMPRESSED, ".bz2", ".xz")) or not item.is_file():
                    continue
                time_ns = item.stat().st_mtime_ns
                group, age = _age(rest, time_ns)
                groups.setdefault(group, []).append((age, time_ns, self._path.with_name(item.name)))
        ordered = [sorted(group, reverse=True) for group in groups.values()]
        ordered.sort(key=lambda group: group[0][1], reverse=True)
        return [path for group in ordered for _, _, path in group]


def _age(rest: str, time_ns: int) -> tuple[str, int]:
    """Which program renamed a file, from the end of its name, and a number that grows with time."""
    if match := _RENAMED_BY_US.fullmatch(rest):
        return "ours", int(match[1])
    if match := _COUNTED.fullmatch(rest):  # .1 is the newest
        return "counted", -int(match[1])
    if match := _DATED.fullmatch(rest):
        return "dated", int(match[1])
    return "other", time_ns
