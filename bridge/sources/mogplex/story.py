"""Describes a run for people, from its row and its events: title, tool, state, text. Pure.

All values are redacted; what upstream does not send stays None. A story is small, changes with each
event, and is stored with the state of its feed, so it survives a restart and retention.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from bridge.core.tool_input import TEXT_CHARS_MAX, input_of, line_of, text_of

TITLE_CHARS_MAX: Final = 120  # of the prompt's first line
ERROR_CHARS_MAX: Final = 2000
OPEN_TOOLS_MAX: Final = 16  # calls at a time; agents have a few
# Upstream's statuses and the normalized ones.
OVER: Final = frozenset({"success", "succeeded", "failed", "cancelled", "canceled", "error"})
_END_TYPES: Final = frozenset({"finished", "failed", "cancelled"})
_IS_UTC: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|\+00:00)", re.ASCII
).fullmatch


@dataclass(frozen=True, slots=True)
class OpenTool:
    """A tool call that has begun and not finished."""

    call: str | None  # upstream's toolCallId
    name: str
    title: str | None  # the command, path or query
    since: str  # RFC 3339, upstream's time


@dataclass(frozen=True, slots=True)
class Story:
    """The story so far. Times are RFC 3339 in UTC, upstream's."""

    title: str | None = None
    harness: str | None = None
    branch: str | None = None
    repo_id: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    error: str | None = None
    last_event_at: str | None = None
    last_text: str | None = None  # the end of the agent's latest text
    open_tools: tuple[OpenTool, ...] = ()
    is_over: bool = False
    is_speaking: bool = False  # the next fragment continues `last_text`


_NAMES: Final = tuple(Story.__dataclass_fields__)


def with_row(story: Story, row: Mapping[str, Any]) -> Story:
    """Return the story after a read of upstream's run object."""
    branch = row.get("branch")
    working = branch.get("working") or branch.get("base") if isinstance(branch, Mapping) else branch
    status = row.get("status")
    is_over = isinstance(status, str) and status.lower() in OVER
    ended_at = story.ended_at
    if not is_over:
        ended_at = None  # it was over and continues
    elif ended_at is None or not story.is_over:
        ended_at = ended_at or utc(row.get("updatedAt"))
    return replace(
        story,
        harness=line_of(row.get("harness"), TEXT_CHARS_MAX) or story.harness,
        branch=line_of(working, TEXT_CHARS_MAX) or story.branch,
        repo_id=line_of(row.get("repoId"), TEXT_CHARS_MAX) or story.repo_id,
        started_at=utc(row.get("createdAt")) or story.started_at,
        ended_at=ended_at,
        error=text_of(row.get("error"), ERROR_CHARS_MAX) or story.error,
        open_tools=() if is_over else story.open_tools,
        is_over=is_over,
    )


def with_events(story: Story, events: Sequence[Mapping[str, Any]]) -> Story:
    """Return the story after upstream's event objects, oldest first."""
    draft = _Draft(story, events)
    for at, event in enumerate(events):
        draft.take(at, event)
    return draft.story()


class _Draft:
    """A story under construction: a batch may have hundreds of events."""

    __slots__ = (
        *("_calls", "_ended_at", "_error", "_events", "_harness", "_is_speaking", "_said"),
        *("_started_at", "_title", "_tools", "_was"),
    )

    def __init__(self, story: Story, events: Sequence[Mapping[str, Any]]) -> None:
        self._was, self._events = story, events
        self._title, self._harness, self._error = story.title, story.harness, story.error
        self._started_at, self._ended_at = story.started_at, story.ended_at
        self._said = story.last_text
        self._is_speaking = story.is_speaking
        # The open calls. Most that begin in a batch finish in it too, so one of this batch is only
        # the number of the event that began it.
        self._tools: list[OpenTool | int] = list(story.open_tools)
        self._calls = [tool.call for tool in story.open_tools]  # the ids of `_tools`, in order

    def story(self) -> Story:
        return replace(
            self._was,
            title=self._title,
            harness=self._harness,
            error=self._error,
            started_at=self._started_at,
            ended_at=self._ended_at,
            last_event_at=self._newest(len(self._events)),
            last_text=self._said,
            is_speaking=self._is_speaking,
            open_tools=tuple(
                self._begun(tool) if isinstance(tool, int) else tool for tool in self._tools
            ),
        )

    def take(self, at: int, event: Mapping[str, Any]) -> None:
        """Add the batch's event of number `at`."""
        type_, payload = event.get("type"), event.get("payload")
        if type(payload) is not dict and not isinstance(payload, Mapping):
            payload = {}
        is_delta = False
        if type_ == "tool_started":
            call = payload.get("toolCallId")
            self._tools.append(at)
            self._calls.append(call if isinstance(call, str) else None)
            if len(self._tools) > OPEN_TOOLS_MAX:
                del self._tools[0], self._calls[0]
        elif type_ == "tool_finished":
            self._finish(event, payload)
        elif type_ == "log":
            kind = payload.get("kind")
            is_delta = kind == "assistant_delta"
            if is_delta or kind == "assistant_final":
                self._said = _said(self._said, event, goes_on=is_delta and self._is_speaking)
        elif type_ == "started":
            self._title = self._title or title_of(payload.get("prompt"))
            self._harness = self._harness or line_of(payload.get("harness"), TEXT_CHARS_MAX)
            self._started_at = self._started_at or utc(event.get("createdAt"))
        elif isinstance(type_, str) and type_ in _END_TYPES:  # other types may not be hashable
            self._ended_at = utc(event.get("createdAt")) or self._ended_at
            self._tools, self._calls = [], []
            if type_ == "failed":
                self._error = self._error or text_of(event.get("message"), ERROR_CHARS_MAX)
        self._is_speaking = is_delta

    def _finish(self, event: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
        """Remove the call that finished: by id, else the oldest of this name."""
        call = payload.get("toolCallId")
        if isinstance(call, str):
            at = self._calls.index(call) if call in self._calls else None
        else:
            name = event.get("toolName")
            at = next((n for n, tool in enumerate(self._tools) if self._name(tool) == name), None)
        if at is not None:
            del self._tools[at], self._calls[at]

    def _name(self, tool: OpenTool | int) -> str:
        if isinstance(tool, OpenTool):
            return tool.name
        return line_of(self._events[tool].get("toolName"), TEXT_CHARS_MAX) or "tool"

    def _begun(self, at: int) -> OpenTool:
        """The call that the event of number `at` began."""
        event = self._events[at]
        payload = event.get("payload")
        payload = payload if isinstance(payload, Mapping) else {}
        call = payload.get("toolCallId")
        title = input_of(payload) or line_of(event.get("message"), TEXT_CHARS_MAX)
        since = utc(event.get("createdAt")) or self._newest(at + 1) or ""
        return OpenTool(call if isinstance(call, str) else None, self._name(at), title, since)

    def _newest(self, count: int) -> str | None:
        """The latest time up to the first `count` events of the batch."""
        texts = [event.get("createdAt") for event in self._events[:count]]
        return _newest_of(self._was.last_event_at, texts)


def _newest_of(last: str | None, texts: Sequence[object]) -> str | None:
    """Return the latest of `last`, which is in UTC already, and upstream's times."""
    words: Iterable[str] = [text for text in texts if isinstance(text, str)]
    ends = {"Z" if text[-1:] == "Z" else text[-6:] for text in words}
    if ends in ({"Z"}, {"+00:00"}) and len(set(map(len, words))) == 1:
        # Of texts in one form, the last in order is the latest.
        latest = max(words)
        words = (latest,) if utc(latest) is not None else words
    for text in words:
        at = utc(text)
        if at is not None and (last is None or at[:-1] > last[:-1]):  # "33" < "33.1"
            last = at
    return last


def title_of(prompt: object) -> str | None:
    """Return the first line of a prompt with a text, cut to the length of a title."""
    if not isinstance(prompt, str):
        return None
    lines = (line.strip(" \t#*-") for line in prompt[:10_000].splitlines())
    return line_of(next((line for line in lines if line), None), TITLE_CHARS_MAX)


def view(story: Story) -> dict[str, Any]:
    """Return the members of a run's view (`GET /v1/runs/{id}`); unknown ones are absent."""
    tool = story.open_tools[-1] if story.open_tools and not story.is_over else None
    ended_at = story.ended_at if story.is_over else None
    told = {
        "title": story.title,
        "harness": story.harness,
        "branch": story.branch,
        "repoId": story.repo_id,
        "startedAt": story.started_at,
        "endedAt": ended_at,
        "durationSeconds": _between(story.started_at, ended_at),
        "error": story.error,
        "currentTool": None
        if tool is None
        else {"name": tool.name, "title": tool.title, "since": tool.since},
        "lastText": story.last_text,
    }
    return {name: value for name, value in told.items() if value is not None}


def to_plain(story: Story) -> dict[str, Any]:
    """Return a story as JSON values, without empty members."""
    plain = {name: value for name in _NAMES if (value := getattr(story, name))}
    if story.open_tools:
        plain["open_tools"] = [
            {"call": tool.call, "name": tool.name, "title": tool.title, "since": tool.since}
            for tool in story.open_tools
        ]
    return plain


def from_plain(value: object) -> Story:
    """Return the story that `to_plain` wrote; drops members of another shape."""
    if not isinstance(value, Mapping):
        return Story()
    known = {name: value.get(name) for name in Story.__dataclass_fields__ if name in value}
    tools = known.pop("open_tools", ())
    texts = {name: text for name, text in known.items() if isinstance(text, str)}
    open_tools = tuple(
        OpenTool(tool.get("call"), str(tool.get("name")), tool.get("title"), str(tool.get("since")))
        for tool in (tools if isinstance(tools, list | tuple) else ())
        if isinstance(tool, Mapping)
    )
    return Story(
        **texts,
        open_tools=open_tools,
        is_over=bool(known.get("is_over")),
        is_speaking=bool(known.get("is_speaking")),
    )


def utc(text: object) -> str | None:
    """Return upstream's time as RFC 3339 in UTC with `Z`, digits kept; None for other text."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    if _IS_UTC(text):
        return f"{text[:-6]}Z" if text.endswith("0") else text
    moment = _moment(text)
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _between(started: str | None, ended: str | None) -> float | None:
    begin = None if started is None else _moment(started)
    end = None if ended is None else _moment(ended)
    if begin is None or end is None:
        return None
    return round(max(0.0, (end - begin).total_seconds()), 3)


def _said(before: str | None, event: Mapping[str, Any], *, goes_on: bool) -> str | None:
    """Return the latest text after a whole text or a fragment (`goes_on`: of `before`)."""
    message = event.get("message")
    if not isinstance(message, str) or not message:
        return before
    return ((before or "") + message if goes_on else message)[-TEXT_CHARS_MAX:]
