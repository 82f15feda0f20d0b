"""Checks the bridge's NDJSON files: order, holes, repeats, torn lines, bad JSON.

The check reads only the bytes and shares no state with the outputs that wrote them.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

from bridge.wire.jsontext import JsonError, loads
from bridge.wire.ndjson import RESET_TYPE

KINDS = ("hole", "repeat", "disorder", "torn", "bad", "unreadable")
LINE_BYTES_MAX = 256 << 20  # a longer line is not read; upstream's events are 100 KB
SEEN_MAX = 1_000_000  # keys kept to find repeats, about 100 MB; older ones are dropped
STDIN = Path("-")
_READ_BYTES = 64 * 1024  # per read of an archive; one may unpack to some megabytes

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_SEQUENCE = re.compile(r"[0-9]{20}", re.ASCII)
# events.000001.ndjson.gz, events.ndjson.000001.zst
_NUMBERED = re.compile(r"(.*)\.([0-9]{6,12})(\.[^.]*)?")
# events.ndjson.2.gz, events.ndjson-20261122.gz: logrotate's
_ROTATED = re.compile(r"(.*)(?:\.([0-9]{1,5})|-([0-9]{6,14}))")


class Problem(NamedTuple):
    """One problem and its place."""

    kind: str  # one of KINDS
    place: str  # "file:line"
    text: str
    records: int = 1  # number of affected records


@dataclass(slots=True)
class Report:
    """The findings in all files."""

    files: int = 0
    records: int = 0
    first: int | None = None  # sequences; None in upstream's format
    last: int | None = None
    gaps: int = 0  # `bridge.gap` records: upstream's holes, not the file's
    journals: int = 1  # how many journals the lines come from
    unordered: int = 0  # lines in upstream's format, which carry no sequence
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    missing: int = 0  # records in all holes

    @property
    def is_ok(self) -> bool:
        """Whether nothing was found; gaps of upstream do not count."""
        return not any(self.counts.values())

    def summary(self) -> str:
        """One line for people and for grep; ends in ": ok" or ": wrong"."""
        parts = [_count(self.files, "file"), _count(self.records, "record")]
        if self.first is not None:
            parts.append(f"sequence {self.first} to {self.last}")
        if self.journals > 1:
            parts.append(f"{self.journals} journals")
        counts = self.counts
        parts += [
            f"{_count(counts['hole'], 'hole')} ({self.missing} missing)",
            _count(counts["repeat"], "repeat"),
            f"{counts['disorder']} out of order",
            f"{counts['torn']} torn",
            f"{counts['bad']} bad",
        ]
        if counts["unreadable"]:
            parts.append(f"{counts['unreadable']} unreadable")
        if self.gaps:
            parts.append(f"{_count(self.gaps, 'gap')} upstream")
        if self.unordered:
            parts.append("order unknown (no sequences in this format)")
        return f"{', '.join(parts)}: {'ok' if self.is_ok else 'wrong'}"


def verify(
    paths: Iterable[Path], report: Report, *, is_filtered: bool = False
) -> Iterator[Problem]:
    """Check files and fill the report.

    Args:
        paths: The files in any order; each output's files are read in the order of writing.
        report: Receives the counts.
        is_filtered: The output has a filter, so missing sequences are no holes.

    Yields:
        Each problem when it is found.
    """
    for series in _series(paths):
        checker = _Checker(report, is_filtered=is_filtered)
        for path in series:
            report.files += 1
            for problem in _check_file(path, checker):
                report.counts[problem.kind] += 1
                if problem.kind == "hole":
                    report.missing += problem.records
                yield problem


def _check_file(path: Path, checker: _Checker) -> Iterator[Problem]:
    number = 0
    try:
        with _opened(path) as file:
            while line := file.readline(LINE_BYTES_MAX):
                number += 1
                yield from checker.check(line, f"{path}:{number}")
    except (OSError, EOFError, zlib.error) as error:
        text = getattr(error, "strerror", None) or str(error)
        place = f"{path}:{number + 1}" if number else str(path)
        yield Problem("unreadable", place, text.lower())


class _Checker:
    """The state while reading the files of one output."""

    def __init__(self, report: Report, *, is_filtered: bool) -> None:
        self._report = report
        self._is_filtered = is_filtered
        self._last: int | None = None
        self._seen: dict[tuple[str, str], None] = {}  # in the order they came

    def check(self, line: bytes, place: str) -> Iterator[Problem]:
        if not line.endswith(b"\n"):
            yield Problem("torn", place, f"no newline at the end after {len(line)} bytes")
            return
        if b"\0" in line:
            yield Problem("torn", place, f"{line.count(0)} zero bytes, as a power cut leaves them")
            return
        try:
            value = loads(line)
        except JsonError:
            yield Problem("bad", place, "not JSON" if line.strip() else "an empty line")
            return
        if not isinstance(value, dict):
            yield Problem("bad", place, "JSON, but not an object")
        elif value.get("type") == RESET_TYPE and isinstance(value.get("data"), dict):
            yield from self._reset(value, place)
        elif "specversion" in value:
            yield from self._record(value, place)
        else:
            yield from self._upstream(value, place)

    def _record(self, value: dict[str, Any], place: str) -> Iterator[Problem]:
        sequence, id_, source = value.get("sequence"), value.get("id"), value.get("source")
        if not isinstance(sequence, str) or _SEQUENCE.fullmatch(sequence) is None:
            yield Problem("bad", place, "no sequence of 20 digits")
            return
        if not isinstance(id_, str) or not isinstance(source, str):
            yield Problem("bad", place, "no id or no source")
            return
        seq, last = int(sequence), self._last
        self._count(seq)
        if value.get("type") == "bridge.gap":
            self._report.gaps += 1
        if self._is_repeat((source, id_)):
            yield Problem("repeat", place, f"record {seq} ({id_}) was there before")
        elif last is not None and seq <= last:
            yield Problem("disorder", place, f"sequence {seq} after {last}")
        elif last is not None and seq > last + 1 and not self._is_filtered:
            missing = seq - last - 1
            yield Problem("hole", place, f"{_range(last + 1, seq - 1)} missing", missing)
        self._last = seq if last is None else max(seq, last)

    def _reset(self, value: dict[str, Any], place: str) -> Iterator[Problem]:
        """Handle a reset line: the bridge itself reports that earlier sequences are missing."""
        sequence, data = value.get("sequence"), value["data"]
        if not isinstance(sequence, str) or _SEQUENCE.fullmatch(sequence) is None:
            yield Problem("bad", place, "no sequence of 20 digits")
            return
        if data.get("reason") == "epoch":
            self._report.journals += 1
            self._seen.clear()  # another journal may hold the same events again
        else:
            missing = data.get("missing")
            count = missing if isinstance(missing, int) else 1
            yield Problem("hole", place, f"{count} dropped by the journal's retention", count)
        self._last = int(sequence)

    def _upstream(self, value: dict[str, Any], place: str) -> Iterator[Problem]:
        if isinstance(value.get("id"), str) and isinstance(value.get("type"), str):
            key = ("", value["id"])
        elif isinstance(value.get("runId"), str) and "status" in value:
            key = ("end", value["runId"])
        else:
            yield Problem("bad", place, "neither a record nor an event of upstream's")
            return
        self._report.records += 1
        self._report.unordered += 1
        if self._is_repeat(key):
            yield Problem("repeat", place, f"{key[1]} was there before")

    def _count(self, seq: int) -> None:
        report = self._report
        report.records += 1
        report.first = seq if report.first is None else min(report.first, seq)
        report.last = seq if report.last is None else max(report.last, seq)

    def _is_repeat(self, key: tuple[str, str]) -> bool:
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > SEEN_MAX:
            del self._seen[next(iter(self._seen))]
        return False


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The uncompressed bytes of a file of any supported kind; "-" is stdin."""
    with open(0 if path == STDIN else path, "rb", closefd=path != STDIN) as raw:
        magic = raw.peek(4)[:4]
        if magic.startswith(_GZIP_MAGIC):
            with gzip.GzipFile(fileobj=raw) as plain:
                yield io.BufferedReader(plain)
        elif magic == _ZSTD_MAGIC:
            yield from _unpacked_zstd(raw)
        else:
            yield raw


def _unpacked_zstd(raw: IO[bytes]) -> Iterator[IO[bytes]]:
    import zstandard  # noqa: PLC0415 - 20 ms that others need not wait for

    try:
        with io.BufferedReader(_ZstdFrames(raw, zstandard.ZstdDecompressor())) as plain:
            yield plain
    except zstandard.ZstdError as error:
        raise OSError(str(error)) from error


class _ZstdFrames(io.RawIOBase):
    """Reads all zstd frames of a file.

    The package's own reader takes the end of the file for the end of a frame, and so accepts half
    an archive without an error.
    """

    def __init__(self, raw: IO[bytes], decompressor: Any) -> None:
        self._raw, self._decompressor = raw, decompressor
        self._frame: Any = None
        self._packed = b""
        self._plain = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._plain:
            if not self._packed:
                self._packed = self._raw.read(_READ_BYTES)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("the archive ends before its end mark")
                return 0
            if self._frame is None:
                self._frame = self._decompressor.decompressobj()
            self._plain = self._frame.decompress(self._packed)
            self._packed = b""
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        count = min(len(buffer), len(self._plain))
        buffer[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count


def _series(paths: Iterable[Path]) -> list[list[Path]]:
    """The files of each output, oldest first; outputs in the order of their first file."""
    groups: dict[tuple[Path, str], list[tuple[tuple[int, int], Path]]] = {}
    for path in dict.fromkeys(paths):
        name, age = _age(path.name)
        groups.setdefault((path.parent, name), []).append((age, path))
    return [[path for _, path in sorted(group)] for group in groups.values()]


def _age(name: str) -> tuple[str, tuple[int, int]]:
    """The output that a file belongs to, and a key that sorts its files oldest first."""
    name = name.removesuffix(".gz").removesuffix(".zst")
    if match := _NUMBERED.fullmatch(name):
        return match[1] + (match[3] or ""), (1, int(match[2]))
    if match := _ROTATED.fullmatch(name):
        return match[1], (0, -int(match[2])) if match[2] else (0, int(match[3]))
    return name, (2, 0)  # the one being written


def _range(first: int, last: int) -> str:
    return f"record {first} is" if first == last else f"records {first} to {last} are"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def hint(problems: Sequence[str]) -> str | None:
    """A hint for the kinds of problems that were found; None without one."""
    if set(problems) == {"hole"}:
        return "if this output has a filter, holes are expected: use --filtered"
    return None
