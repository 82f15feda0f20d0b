"""Counts what is owed. It imports nothing of the product: the journal is read with sqlite3, the
files with json and zlib, and the order of everything is worked out here.

Owed are: each record that a subscriber was shown stands in the journal, unchanged, for ever;
sequences are dense from 1; nothing is there twice; each file is a beginning of what the journal
holds for it, in order, each line whole and once, only the newest may end in a torn one after a
kill; the subscriber that resumes sees each record once. At the end nothing is missing anywhere.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shutil
import sqlite3
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

_AGAIN = 200  # rows before the newest ones that are compared with what they were
_EVENT = "com.mogplex.run.event."
_ENDED = "bridge.run.ended"

_Stamp = tuple[int, int, int]  # inode, size, time of the last change: unchanged is not read again


class Violation(AssertionError):  # noqa: N818 - what it is
    """A promise is broken."""


class Output(NamedTuple):
    """One NDJSON output as it is configured."""

    path: Path
    naming: str  # "numbered" or "fixed"
    types: str = "*"  # glob
    is_mogplex: bool = False


class Row(NamedTuple):
    """One record of the journal."""

    run: str
    source: str
    id: str
    type: str
    crc: int  # of the body


@dataclass
class Tally:
    """What was counted in all looks."""

    records: int = 0
    looks: int = 0
    torn: int = 0  # files that ended in half a line after a kill
    files: int = 0
    shown: int = 0
    upstream: int = 0


@dataclass
class _Part:
    """What is known of one file of an output."""

    stamp: _Stamp = (-1, -1, -1)
    keys: list[Any] = field(default_factory=list)
    torn: bytes = b""
    compared_at: int = -1  # line of the output with which it began when it was compared last
    is_damaged: bool = False  # by a power cut; mended when an output opens it next


def must(holds: object, text: str) -> None:
    if not holds:
        raise Violation(text)


class Oracle:
    """Looks at one directory, as a process that is dead now left it."""

    def __init__(self, journal: Path, outputs: Sequence[Output], scratch: Path) -> None:
        self._journal, self._outputs, self._scratch = journal, list(outputs), scratch
        self.rows: list[Row] = []
        self._said: dict[str, int] = {}  # run -> number of events, in the words of its last record
        # By output: how many records were looked at, and the lines owed for them.
        self._owed: dict[str, tuple[int, list[Any]]] = {o.path.name: (0, []) for o in outputs}
        self._parts: dict[str, dict[str, _Part]] = {str(o.path): {} for o in outputs}
        self.tally = Tally()
        self.version = 0
        self._is_cut = False

    def look(
        self, shown: Sequence[tuple[int, int]], *, is_final: bool = False, is_cut: bool = False
    ) -> None:
        """Raises Violation. `shown`: (sequence, CRC of the data) as the subscriber got them.

        `is_cut`: the machine went down, so the newest file of an output may hold anything behind
        its last whole line until the next start.
        """
        self._is_cut = is_cut
        self._read_journal(everything=is_final)
        self._check_shown(shown, is_final=is_final)
        for output in self._outputs:
            self._check_output(output, is_final=is_final)
        self.tally.looks += 1
        self.tally.records = len(self.rows)

    def check_upstream(self, truth: Mapping[str, Sequence[str]]) -> None:
        """Run id -> ids of its events in order: each is in the journal once, and then the end."""
        events: dict[str, list[str]] = {run: [] for run in truth}
        ended: Counter[str] = Counter()
        for row in self.rows:
            must(row.type not in ("bridge.gap", "bridge.follow.failed"), f"{row.type} in {row.run}")
            must(row.run in truth, f"a record of a run that is not there: {row.run}")
            must(not ended[row.run], f"{row.type} of {row.run} comes after its end")
            if row.type.startswith(_EVENT):
                events[row.run].append(row.id)
            elif row.type == _ENDED:
                ended[row.run] += 1
        for run, ids in truth.items():
            got = events[run]
            if got != list(ids):
                lost = [i for i in ids if i not in set(got)]
                twice = [i for i, n in Counter(got).items() if n > 1]
                raise Violation(
                    f"run {run}: {len(ids)} events upstream, {len(got)} here;"
                    f" lost {lost[:3]}, twice {twice[:3]}"
                )
            must(ended[run] == 1, f"run {run} has {ended[run]} ends")
            must(self._said[run] == len(ids), f"run {run} says it had {self._said[run]} events")
        self.tally.upstream = sum(map(len, truth.values()))

    # The journal

    def _read_journal(self, *, everything: bool) -> None:
        copy = self._scratch / "look.db"
        for suffix in ("", "-wal", "-shm"):
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)
        if not self._journal.exists():
            must(not self.rows, "the journal is gone")
            return
        for suffix in ("", "-wal"):  # looking at them in place would change them
            part = self._journal.with_name(self._journal.name + suffix)
            if part.exists():
                shutil.copyfile(part, copy.with_name(copy.name + suffix))
        if everything:
            self._owed = {output.path.name: (0, []) for output in self._outputs}
        if everything:
            before, self.rows = self.rows, []
        else:
            before = self.rows[-_AGAIN:]
            del self.rows[len(self.rows) - len(before) :]
        after = len(self.rows)
        try:
            with closing(sqlite3.connect(copy)) as db:
                if everything:
                    found = db.execute("PRAGMA integrity_check").fetchone()
                    must(found == ("ok",), f"integrity_check: {found}")
                (self.version,) = db.execute("PRAGMA user_version").fetchone()
                rows = db.execute(
                    "SELECT r.seq, f.id, f.source, r.id, coalesce(t.name, r.type), r.body"
                    " FROM record r JOIN feed f USING (feed) LEFT JOIN type t ON t.type = r.type"
                    " WHERE r.seq > ? ORDER BY r.seq",
                    (after,),
                ).fetchall()
                (count, head) = db.execute("SELECT count(*), max(seq) FROM record").fetchone()
        except sqlite3.Error as error:
            raise Violation(f"the journal cannot be read: {error}") from error
        for seq, run, source, id_, type_, body in rows:
            must(seq == len(self.rows) + 1, f"sequence {seq} after {len(self.rows)}")
            said = json.loads(body)
            must(
                (int(said["sequence"]), said["source"], said["id"]) == (seq, source, id_),
                f"record {seq} says of itself that it is {said['sequence']} {said['id']}",
            )
            self.rows.append(Row(run, source, id_, type_, zlib.crc32(body)))
            if type_ == _ENDED:
                self._said[run] = said["data"]["events"]
        must(count == (head or 0) == len(self.rows), f"{count} records, the newest is {head}")
        must(self.rows[after : after + len(before)] == before, "records have changed or gone")
        if everything:
            pairs = Counter((row.source, row.id) for row in self.rows)
            twice = [pair for pair, number in pairs.items() if number > 1]
            must(not twice, f"twice in the journal: {twice[:3]}")

    # The subscriber

    def _check_shown(self, shown: Sequence[tuple[int, int]], *, is_final: bool) -> None:
        for place in range(self.tally.shown if not is_final else 0, len(shown)):
            seq, crc = shown[place]
            must(seq == place + 1, f"the subscriber got {seq} as its {place + 1}th record")
            must(seq <= len(self.rows), f"record {seq} was shown and is not in the journal")
            must(crc == self.rows[seq - 1].crc, f"record {seq} was shown with other content")
        self.tally.shown = len(shown)
        if is_final:
            must(
                len(shown) == len(self.rows),
                f"the subscriber has {len(shown)} of {len(self.rows)} records",
            )

    # The files

    def torn_ends(self) -> list[str]:
        """Names of the newest files that end in half a line now; the process may live."""
        torn = []
        for output in self._outputs:
            files = [file for file in _files(output) if file.suffix != ".gz"]
            data = files[-1].read_bytes()[-1:] if files else b""
            if data not in (b"", b"\n"):
                torn.append(output.path.name)
        return torn

    def _check_output(self, output: Output, *, is_final: bool) -> None:
        name = output.path.name
        parts = self._read_parts(output, is_final=is_final)
        self.tally.files += len(parts)
        owed = self._owed_by(output)
        count = 0
        for place, (file, part) in enumerate(parts):
            is_newest = place == len(parts) - 1
            must(not part.torn or is_newest, f"{file} ends in half a line: {part.torn[:60]!r}")
            if part.torn:
                must(not is_final, f"{file} is torn after an orderly stop: {part.torn[:60]!r}")
                self.tally.torn += 1
            if part.compared_at != count or is_final:  # what is in the journal does not change
                there = owed[count : count + len(part.keys)]
                if part.keys[: len(there)] != there:
                    raise Violation(f"{file}: {_difference(part.keys, there, set(owed[:count]))}")
                part.compared_at = count
            count += len(part.keys)
        must(count <= len(owed), f"{name} has {count} lines, the journal {len(owed)}")
        if is_final:
            must(count == len(owed), f"{name} has {count} of {len(owed)} lines")

    def _owed_by(self, output: Output) -> list[Any]:
        """The lines that the output has to have, for the records there are now."""
        known, owed = self._owed[output.path.name]
        for seq in range(known + 1, len(self.rows) + 1):
            row = self.rows[seq - 1]
            if not fnmatch.fnmatchcase(row.type, output.types):
                continue
            if not output.is_mogplex:
                owed.append((seq, row.crc))
            elif row.type.startswith(_EVENT):
                owed.append(row.id)
            elif row.type == _ENDED:
                owed.append(row.run)
        self._owed[output.path.name] = len(self.rows), owed
        return owed

    def _read_parts(self, output: Output, *, is_final: bool) -> list[tuple[str, _Part]]:
        """The files of an output in the order they were written, each read when it changed."""
        known, seen = self._parts[str(output.path)], {}
        for file in _files(output):
            info = file.stat()
            # The time too: a last line that is half zeros is made whole at the size it had.
            stamp = (info.st_ino, info.st_size, info.st_mtime_ns)
            part = known.get(file.name)
            if part is None or part.stamp != stamp:
                part = _read(file, stamp, output, may_be_damaged=self._is_cut)
            elif part.is_damaged:
                must(not is_final, f"{file.name} was not mended")
            seen[file.name] = part
        self._parts[str(output.path)] = seen
        found: dict[str, _Part] = {}
        for file, part in seen.items():
            plain = file.removesuffix(".gz")
            twin = found.get(plain)  # killed between the archive's name and the plain file's end
            must(twin is None or twin.keys == part.keys, f"{plain} and its archive differ")
            found[plain] = part
        return list(found.items())


def _files(output: Output) -> list[Path]:
    stem, suffix = output.path.stem, output.path.suffix
    if output.naming == "fixed":
        stem, suffix = output.path.name, ""
    shape = re.compile(re.escape(stem) + r"\.(\d{6,})" + re.escape(suffix) + r"(\.gz)?")
    found = []
    for path in output.path.parent.iterdir():
        if match := shape.fullmatch(path.name):
            found.append((int(match[1]), path))
        elif output.naming == "fixed" and path == output.path:
            found.append((1 << 60, path))
    return [path for _, path in sorted(found)]


def _read(file: Path, stamp: _Stamp, output: Output, *, may_be_damaged: bool) -> _Part:
    data = file.read_bytes()
    if file.suffix == ".gz":
        try:
            data = zlib.decompress(data, wbits=31)
        except zlib.error as error:
            raise Violation(f"{file.name} cannot be unpacked: {error}") from error
    whole = data.rfind(b"\n") + 1
    keys: list[Any] = []
    good, is_damaged = 0, False
    for number, line in enumerate(data[:whole].split(b"\n")[:-1], 1):
        try:
            value = json.loads(line)
        except ValueError as error:
            if may_be_damaged:
                whole, is_damaged = good, True
                break
            place = f"{file.name}:{number}"
            raise Violation(f"{place} is no JSON: {line[:60]!r}") from error
        good += len(line) + 1
        keys.append(_key(value, line, output, f"{file.name}:{number}"))
    return _Part(stamp, keys, data[whole:], is_damaged)


def _key(value: Any, line: bytes, output: Output, place: str) -> Any:
    must(isinstance(value, dict), f"{place} is no object")
    must(value.get("type") != "bridge.reset", f"{place} tells of a hole: {line[:200]!r}")
    if output.is_mogplex:
        return value["id"] if "id" in value else value["runId"]
    return int(value["sequence"]), zlib.crc32(line)


def _difference(keys: Sequence[Any], owed: Sequence[Any], before: set[Any]) -> str:
    place = next(i for i, (a, b) in enumerate(zip(keys, owed, strict=False)) if a != b)
    twice = [key for key, number in Counter(keys).items() if number > 1 or key in before]
    lost = set(owed) - set(keys)
    return (
        f"line {place + 1} is {keys[place]}, owed is {owed[place]};"
        f" {len(twice)} twice ({twice[:2]}), {len(lost)} missing ({sorted(lost, key=str)[:2]})"
    )
