"""Prints several runs on one terminal or log: merged by time, each once, with a summary."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from bridge.core.event import Record
from bridge.outputs.story.harmless import harmless, without_commands
from bridge.outputs.story.layout import Layout, Look, short
from bridge.outputs.story.tale import Tale, Told
from bridge.outputs.story.text import cut, many, padded, span
from bridge.wire.jsontext import loads

MERGE_S: Final = 0.8  # how long a record waits for older ones of other runs
TITLE_COLUMNS: Final = 60


class Seen(NamedTuple):
    """A record as printers need it, from a journal or a running bridge."""

    run_id: str  # upstream's id; feeds of two kinds or accounts may share it
    source: str  # unique per feed
    type: str
    body: bytes

    @classmethod
    def of(cls, record: Record) -> Seen:
        """Return the record of a journal in this form."""
        return cls(record.feed.id, record.feed.source, record.type, record.body)


class Printer(Protocol):
    """Turns records into the bytes for stdout; `now_s` is monotonic."""

    def take(self, records: Sequence[Seen], now_s: float) -> bytes:
        """Return what is due after these records; the rest comes from `tick` and `end`."""

    def tick(self, now_s: float) -> bytes:
        """What is due by time alone; call this a few times a second."""
        ...

    def end(self, now_s: float) -> bytes:
        """The remaining text and the summary."""
        ...


class Tales:
    """The presented runs; every format needs them for its last lines."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self.all: list[Tale] = []  # the expected ones first
        self._by_source: dict[str, Tale] = {}
        self._expected: dict[str, list[Tale]] = {}  # by id, without a record yet

    def expect(self, run_ids: Sequence[str]) -> None:
        """Present these runs before their first record: each id once per feed that has it."""
        for run_id in run_ids:
            self._expected.setdefault(run_id, []).append(self._new(run_id))

    def of(self, record: Seen) -> Tale:
        """Return the tale of the record's feed; it is created at the first use."""
        tale = self._by_source.get(record.source)
        if tale is None:
            expected = self._expected.get(record.run_id)
            tale = expected.pop(0) if expected else self._new(record.run_id)
            self._by_source[record.source] = tale
        return tale

    def _new(self, run_id: str) -> Tale:
        self.all.append(Tale(run_id, self._redact))
        return self.all[-1]

    def end_line(self, tale: Tale) -> str:
        """`run 6046c342 "Upgrade the HTTP client" failed after 3m12s: Out of memory`."""
        title = f' "{cut(harmless(tale.title), TITLE_COLUMNS)}"' if tale.title else ""
        ending = harmless(" ".join(tale.ending().split()))
        return without_commands(f"run {short(tale.run_id)}{title} {ending}")

    def counts(self) -> str:
        """`3 runs: 1 success, 1 failed, 1 not ended · 2 gaps`."""
        counts: dict[str, int] = {}
        for tale in self.all:
            word = "not ended"
            if tale.is_ended:
                word = harmless(str(tale.status))
            elif tale.failure:
                word = "unfollowed"
            counts[word] = counts.get(word, 0) + 1
        parts = ", ".join(f"{count} {word}" for word, count in counts.items())
        gaps = sum(tale.numbers.gaps for tale in self.all)
        return f"{many(len(self.all), 'run')}: {parts}" + (
            f" · {many(gaps, 'gap')}" if gaps else ""
        )


class _Merge:
    """Merges the records of several runs by time; each run keeps its order."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._heap: list[tuple[str, int, float, Seen, Mapping[str, Any]]] = []
        self._newest: dict[str, str] = {}
        self._count = 0

    def put(self, record: Seen, value: Mapping[str, Any], now_s: float) -> None:
        at = str(value.get("time") or "")
        key = self._newest[record.source] = max(at, self._newest.get(record.source, ""))
        self._count += 1
        heapq.heappush(self._heap, (key, self._count, now_s, record, value))

    def ready(self, now_s: float) -> list[tuple[Seen, Mapping[str, Any]]]:
        """The records up to the last one that has waited long enough."""
        due = [entry for entry in self._heap if now_s - entry[2] >= self._hold_s]
        if not due:
            return []
        last = max(due)[:2]
        out = []
        while self._heap and self._heap[0][:2] <= last:
            _, _, _, record, value = heapq.heappop(self._heap)
            out.append((record, value))
        return out


class StoryPrinter:
    """The printer for a terminal, and the core of the printers for CI."""

    def __init__(self, look: Look, tales: Tales, run_ids: Sequence[str] = ()) -> None:
        """`run_ids`: the expected runs. A single one needs no name and no merging."""
        self.layout = Layout(look)
        self.tales = tales
        tales.expect(run_ids)
        self._is_many = len(run_ids) != 1
        self._merge = _Merge(MERGE_S if self._is_many else 0.0)

    def take(self, records: Sequence[Seen], now_s: float) -> list[str]:
        """Return the lines that are due after these records; see `take_runs`."""
        return [line for _, line in self.take_runs(records, now_s)]

    def tick(self, now_s: float) -> list[str]:
        """Return the lines that are due by time alone; see `tick_runs`."""
        return [line for _, line in self.tick_runs(now_s)]

    def end(self, now_s: float) -> list[str]:
        """Return the remaining lines and the summary."""
        lines = [line for _, line in self.rest(now_s)]
        return [*lines, *self.summary()]

    # The same, with the run of each line

    def take_runs(self, records: Sequence[Seen], now_s: float) -> list[tuple[Tale, str]]:
        """Return the lines that are due after these records, each with its run."""
        for record in records:
            value = loads(record.body)
            self._merge.put(record, value if isinstance(value, dict) else {}, now_s)
        return self._told(now_s)

    def tick_runs(self, now_s: float) -> list[tuple[Tale, str]]:
        """Return the lines that are due by time alone, each with its run."""
        lines = self._told(now_s)
        for tale in self.tales.all:
            lines += self._lines(tale, tale.tick(now_s))
        return lines

    def rest(self, now_s: float) -> list[tuple[Tale, str]]:
        """Return the remaining lines, each with its run, because no record follows."""
        lines = self._told(now_s + 2 * MERGE_S)
        for tale in self.tales.all:
            lines += self._lines(tale, tale.close())
        return lines

    def _told(self, now_s: float) -> list[tuple[Tale, str]]:
        lines: list[tuple[Tale, str]] = []
        for record, value in self._merge.ready(now_s):
            tale = self.tales.of(record)
            lines += self._lines(tale, tale.take(record.type, value, now_s))
        return lines

    def _lines(self, tale: Tale, told: Sequence[Told]) -> list[tuple[Tale, str]]:
        name = self.layout.name_of(tale.run_id, 2 if self._is_many else 1, tale)
        return [(tale, line) for one in told for line in self.layout.lines(one, name)]

    def summary(self) -> list[str]:
        """A table of the runs, if there are several."""
        tales = self.tales.all
        if len(tales) < 2:
            return []
        look = self.layout.look
        lines = ["", self.tales.counts()]
        lines += [self._row(tale, look.columns) for tale in sorted(tales, key=_worst_first)]
        return lines

    def _row(self, tale: Tale, columns: int | None) -> str:
        lasted = "" if tale.lasted_s is None else span(tale.lasted_s)
        status = tale.status if tale.is_ended else "unfollowed" if tale.failure else "not ended"
        head = f"  {short(tale.run_id)}  {padded(harmless(str(status)), 10)} {lasted:>8}  "
        reason = tale.error if tale.tone == "bad" and tale.is_ended else tale.failure
        about = cut(harmless(" ".join((reason or tale.title).split())), TITLE_COLUMNS)
        tail = f"{about}  ({tale.numbers.words()})"
        line = head + (tail if columns is None else cut(tail, max(20, columns - len(head))))
        return without_commands(line)

    def status(self, now_s: float) -> str:
        """The current activity as one line; empty if there is none."""
        open_ = [tale for tale in self.tales.all if not tale.is_over]
        if not open_:
            return ""
        parts = []
        for tale in open_[:3]:
            running = tale.running()
            name = f"{short(tale.run_id)} " if self._is_many else ""
            if running is not None:
                parts.append(f"{name}{harmless(running[0])} {span(now_s - running[1])}")
        words = many(len(open_), "run") + " going on" if self._is_many else "going on"
        line = " · ".join([words, *parts])
        columns = self.layout.look.columns
        return without_commands(cut(line, columns - 1) if columns else line)


def _worst_first(tale: Tale) -> int:
    return {"bad": 0, "warn": 1, "plain": 2, "good": 3}[tale.tone]
