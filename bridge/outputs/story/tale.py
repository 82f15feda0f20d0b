"""Presents one run: records go in, what a person reads comes out. Pure.

Consecutive fragments of speech form one block, shown in whole lines. A tool call is shown once,
when it has finished. The end says why, how long and how much. Text here is upstream's; the layout
makes it harmless.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from bridge.core import marks
from bridge.core.kind import Kind
from bridge.core.status import State
from bridge.core.tool_input import input_of
from bridge.outputs.story.elsewhere import words_of
from bridge.outputs.story.gaps import gap_words
from bridge.outputs.story.text import joined, many, remainder, seconds_of, span, whole_sentences
from bridge.systems import maybe_kind_of_type
from bridge.wire import times

OUTPUT_LINES: Final = 20  # last lines shown of a failed call
OUTPUT_CHARS_MAX: Final = 64 * 1024  # characters read from its end
SAID_CHARS_MAX: Final = 64 * 1024  # of shown text, to detect a repetition
BLOCK_CHARS: Final = 400  # of an unfinished block; then its whole sentences are shown
PATIENCE_S: Final = 1.0  # wait for the rest of a sentence
LONG_CALL_S: Final = 10.0  # a longer call is shown while it runs
_EXIT: Final = re.compile(r"exit(?:ed)?(?: with)?(?: code| status)? (-?\d{1,6})")
_LINES_CHANGED: Final = re.compile(r"\(\+(\d{1,7}) [-−](\d{1,7})\)")
_UPSTREAM_CUT: Final = re.compile(r"\.\.\.\[truncated (\d{1,18}) chars\]$")


class Told(NamedTuple):
    """One event: a mark, some text, and the lines of an output."""

    at: str | None  # RFC 3339
    mark: str  # begin, say, tool, out, note, gap, wait, end, lost
    tone: str  # plain, quiet, good, warn, bad
    text: str  # lines are separated by \n
    verdict: str = ""  # the result of a tool call; never cut
    output: tuple[str, ...] = ()  # raw lines with their program's colors
    left_out: int = 0  # number of lines before them


@dataclass(slots=True)
class _Call:
    name: str
    title: str
    at: str | None
    since_s: float  # monotonic, when it was read
    is_told: bool = False


@dataclass(slots=True)
class Numbers:
    """The counts of a run."""

    events: int = 0
    tools: int = 0
    failed_tools: int = 0
    gaps: int = 0
    missing: int = 0
    is_missing_known: bool = True

    def words(self) -> str:
        """Such as `34 tools, 2 failed · 451 events · 1 gap`."""
        tools = many(self.tools, "tool call")
        if self.failed_tools:
            tools += f", {self.failed_tools} failed"
        parts = [tools, many(self.events, "event")]
        if self.gaps:
            parts.append(many(self.gaps, "gap"))
        return " · ".join(parts)


class Tale:
    """One run. `redact` is applied to joined blocks, as a secret may span two fragments."""

    def __init__(self, run_id: str, redact: Callable[[str], str] = lambda text: text) -> None:
        self.run_id = run_id
        self.numbers = Numbers()
        self.status: str | None = None
        self._state: State | None = None
        self.is_ended = False
        self.failure = ""  # why the bridge stopped following
        self._redact = redact
        self._block = ""
        self._block_at: str | None = None
        self._block_s = 0.0
        self._said = ""
        self._calls: dict[str, _Call] = {}
        self._is_begun = False
        # What the run's system says of its row and events (`Kind.tell`).
        self._kind: Kind | None = None
        self._row: Mapping[str, Any] = {}
        self._notes: Mapping[str, Any] = {}

    @property
    def is_over(self) -> bool:
        """Whether no event follows: the run ended, or the bridge stopped following it."""
        return self.is_ended or bool(self.failure)

    @property
    def title(self) -> str:
        """The run's title; empty until upstream has one."""
        return self._said_of("title") or ""

    @property
    def error(self) -> str | None:
        """Why the run failed, in upstream's words."""
        return self._said_of("error")

    def _said_of(self, member: str) -> str | None:
        told = {} if self._kind is None else self._kind.tell(self._row, self._notes)
        text = told.get(member)
        return text if isinstance(text, str) else None

    def running(self) -> tuple[str, float] | None:
        """The newest open call and its start (monotonic), for a status line."""
        if not self._calls:
            return None
        call = next(reversed(self._calls.values()))
        return f"{call.name} {call.title}".strip(), call.since_s

    def take(self, type_: str, record: Mapping[str, Any], now_s: float) -> list[Told]:
        """The text of a record. `record` is the CloudEvents object, `now_s` monotonic."""
        data = record.get("data")
        data = data if isinstance(data, Mapping) else {}
        at = record.get("time")
        at = at if isinstance(at, str) else None
        if type_.startswith("com.mogplex.run."):
            self._kind = self._kind or maybe_kind_of_type(type_)
            if type_ == "com.mogplex.run.status":
                return self._status(data, at)
            return self._event(data, at, now_s)
        told = self._close_block()
        match type_:
            case "bridge.gap":
                told.append(self._gap(data, at))
            case "bridge.follow.failed":
                self.failure = f"{data.get('code')}: {data.get('message')}"
                told.append(Told(at, "lost", "bad", f"no longer followed: {self.failure}"))
            case _ if type_.startswith("bridge.") and type_.endswith(".ended"):
                told += self._ended(data, at)
            case _:
                told += self._elsewhere(type_, data, at)
        return told

    def tick(self, now_s: float) -> list[Told]:
        """What is due by time alone: an unfinished sentence, a call that takes long."""
        told = self._close_block() if self._block and now_s - self._block_s >= PATIENCE_S else []
        for call in self._calls.values():
            if not call.is_told and now_s - call.since_s >= LONG_CALL_S:
                call.is_told = True
                told.append(Told(call.at, "tool", "quiet", _named(call), "… running"))
        return told

    def close(self) -> list[Told]:
        """The remaining text when no record follows."""
        return self._close_block()

    # Events

    def _event(self, data: Mapping[str, Any], at: str | None, now_s: float) -> list[Told]:
        self.numbers.events += 1
        if self._kind is not None and self._kind.note is not None:
            self._notes = self._kind.note(self._notes, (data,))
        type_, payload = data.get("type"), data.get("payload")
        payload = payload if isinstance(payload, Mapping) else {}
        message = data.get("message")
        message = message if isinstance(message, str) else ""
        if type_ == "log" and payload.get("kind") == "assistant_delta":
            return self._delta(message, at, now_s)
        told = self._close_block()
        match type_:
            case "tool_started":
                self._began(data, payload, at, now_s)
            case "tool_finished":
                told.append(self._finished(data, payload, at))
            case "log":
                told += self._log(message, payload, at)
            case "started":
                told += self._started(message, at)
            case "status_changed" | "finished":
                pass  # the status record and the end show it
            case "failed" | "cancelled":
                self._calls_left(told, at)
            case "cancel_requested":
                told.append(Told(at, "note", "warn", message or "cancellation requested"))
            case _:
                told.append(Told(at, "note", "plain", f"{type_}: {message}".rstrip(": ")))
        return told

    def _delta(self, message: str, at: str | None, now_s: float) -> list[Told]:
        if not self._block:
            self._block_at = at
        self._block = joined(self._block, message)
        self._block_s = now_s
        ready = self._block.rfind("\n") + 1
        if len(self._block) - ready > BLOCK_CHARS:
            ready += whole_sentences(self._block[ready:])
        if not ready:
            return []
        text, self._block = self._block[:ready], self._block[ready:].lstrip(" ")
        return self._say(text, self._block_at)

    def _close_block(self) -> list[Told]:
        text, self._block = self._block, ""
        return self._say(text, self._block_at) if text else []

    def _say(self, text: str, at: str | None) -> list[Told]:
        self._said = (self._said + text)[-SAID_CHARS_MAX:]
        text = self._redact(text).strip("\n")
        return [Told(at, "say", "plain", text.rstrip())] if text.strip() else []

    def _log(self, message: str, payload: Mapping[str, Any], at: str | None) -> list[Told]:
        if payload.get("heartbeat"):
            return []
        if payload.get("kind") == "assistant_final":
            rest = remainder(message, self._said)
            return self._say(rest, at) if rest else []
        return [Told(at, "note", "quiet", message)] if message else []

    def _started(self, message: str, at: str | None) -> list[Told]:
        title = self.title
        if self._is_begun or not title:
            return [] if title else [Told(at, "note", "quiet", message)]
        self._is_begun = True
        more = [part for part in map(self._said_of, ("harness", "branch")) if part]
        text = title + (f" ({', '.join(more)})" if more else "")
        return [Told(at, "begin", "plain", text)]

    # Tools

    def _began(
        self, data: Mapping[str, Any], payload: Mapping[str, Any], at: str | None, now_s: float
    ) -> None:
        name = str(data.get("toolName") or "tool")
        title = input_of(payload) or str(data.get("message") or "")
        key = payload.get("toolCallId")
        key = key if isinstance(key, str) else f" {self.numbers.events}"
        self._calls[key] = _Call(name, title, at, now_s)
        if len(self._calls) > 200:  # upstream lost the ends of these calls
            del self._calls[next(iter(self._calls))]

    def _finished(
        self, data: Mapping[str, Any], payload: Mapping[str, Any], at: str | None
    ) -> Told:
        call = self._calls.pop(self._key_of(data, payload), None)
        self.numbers.tools += 1
        message = str(data.get("message") or "")
        named = f"{data.get('toolName') or 'tool'} {message}" if call is None else _named(call)
        state, exit_code = payload.get("state"), _exit_code(payload, message)
        is_denied = state == "denied"
        is_failed = is_denied or state in ("error", "failed") or bool(exit_code)
        self.numbers.failed_tools += is_failed
        word = "denied" if is_denied else f"exit {exit_code}" if exit_code else "failed"
        parts = [f"✗ {word}" if is_failed else "✓"]
        if changed := _LINES_CHANGED.search(message):
            parts.append(f"+{changed[1]} −{changed[2]}")
        if (lasted := _lasted_s(payload, call, at)) is not None:
            parts.append(f"({span(lasted)})")
        tone = "bad" if is_failed else "plain"
        output, left_out = _tail(payload) if is_failed else ((), 0)
        return Told(at, "tool", tone, named, " ".join(parts), output, left_out)

    def _key_of(self, data: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
        key = payload.get("toolCallId")
        if isinstance(key, str):
            return key
        name = str(data.get("toolName") or "tool")
        return next((key for key, call in self._calls.items() if call.name == name), "")

    def _calls_left(self, told: list[Told], at: str | None) -> None:
        """Report the calls that were open when the run ended."""
        told.extend(
            Told(at, "tool", "warn", _named(call), "did not finish")
            for call in self._calls.values()
        )
        self._calls.clear()

    def _elsewhere(self, type_: str, data: Mapping[str, Any], at: str | None) -> list[Told]:
        """Present an event of another system."""
        if type_.endswith(".status"):
            self.status = str(data.get("status"))
            return [Told(at, "note", "quiet", f"status: {self.status}")]
        self.numbers.events += 1
        mark, tone, text, verdict = words_of(type_, data)
        if mark == "tool" and verdict:
            self.numbers.tools += 1
            self.numbers.failed_tools += tone == "bad"
        if mark == "out":
            return [Told(at, mark, tone, "", output=(text,))]
        return [Told(at, mark, tone, text, verdict)]

    # The bridge's own records

    def _status(self, data: Mapping[str, Any], at: str | None) -> list[Told]:
        row = data.get("run")
        if isinstance(row, Mapping):
            self._row = row
        self.status = str(data.get("status"))
        before, self._state = self._state, marks.state_in(data)
        if self._state is State.WAITING:
            return [*self._close_block(), Told(at, "wait", "warn", "waits for input")]
        if before is State.WAITING and self._state is State.RUNNING:
            return [*self._close_block(), Told(at, "wait", "plain", "goes on")]
        return []

    def _gap(self, data: Mapping[str, Any], at: str | None) -> Told:
        self.numbers.gaps += 1
        missing = data.get("missing")
        if isinstance(missing, int):
            self.numbers.missing += missing
        else:
            self.numbers.is_missing_known = False
        return Told(at, "gap", "warn", gap_words(data))

    def _ended(self, data: Mapping[str, Any], at: str | None) -> list[Told]:
        told: list[Told] = []
        self._calls_left(told, at)
        self.is_ended = True
        self.status = str(data.get("status") or "ended")
        self._state = marks.state_in(data)
        told.append(Told(at, "end", self.tone, f"{self.ending()}\n{self.numbers.words()}"))
        return told

    @property
    def tone(self) -> str:
        """The tone of the run's end."""
        if self.failure:
            return "bad"
        match self._state:
            case State.SUCCEEDED:
                return "good"
            case State.FAILED:
                return "bad"
            case _:
                return "warn"

    @property
    def lasted_s(self) -> float | None:
        """Seconds from start to end by upstream's times; None while one is unknown."""
        begin = times.seconds(self._said_of("startedAt"))
        end = times.seconds(self._said_of("endedAt"))
        return None if begin is None or end is None else max(0.0, end - begin)

    def ending(self) -> str:
        """How the run ended: `failed after 3m12s: Sandbox ran out of memory (exit 137)`."""
        if self.failure:
            return f"no longer followed: {self.failure}"
        words = self.status or "ended"
        if self.lasted_s is not None:
            words += f" after {span(self.lasted_s)}"
        if self.error and self.tone != "good":
            words += f": {self.error}"
        return words


def _named(call: _Call) -> str:
    return f"{call.name} {call.title}".strip()


def _exit_code(payload: Mapping[str, Any], message: str) -> int | None:
    for name in ("exitCode", "exit_code"):
        code = payload.get(name)
        if isinstance(code, int) and not isinstance(code, bool):
            return code
    match = _EXIT.search(message)
    return int(match[1]) if match else None


def _lasted_s(payload: Mapping[str, Any], call: _Call | None, at: str | None) -> float | None:
    if (lasted_s := seconds_of(payload.get("durationMs"))) is not None:
        return lasted_s
    begin = times.seconds(call.at) if call is not None else None
    end = times.seconds(at)
    return None if begin is None or end is None else max(0.0, end - begin)


def _tail(payload: Mapping[str, Any]) -> tuple[tuple[str, ...], int]:
    """The last lines of a call's output, and the number of lines before them."""
    output = next(
        (payload[n] for n in ("output", "stderr", "error", "result") if payload.get(n)), None
    )
    if not isinstance(output, str):
        return (), 0
    cut = _UPSTREAM_CUT.search(output)
    if cut is not None:
        output = output[: cut.start()]
    skipped = output[:-OUTPUT_CHARS_MAX].count("\n")
    lines = output[-OUTPUT_CHARS_MAX:].rstrip("\n").split("\n")
    left_out = skipped + max(0, len(lines) - OUTPUT_LINES)
    lines = lines[-OUTPUT_LINES:]
    if cut is not None:
        lines.append(f"(upstream cut {int(cut[1]):,} characters)")
    return tuple(lines), left_out
