"""A JSON text whose untouched parts keep their characters.

Read and written by a library, `1.10` becomes `1.1`, `1e400` null or infinity, an integer beyond 64
bits another number, and of two members of one name the first is gone. Here every value knows where
it stands, so that only what was replaced is written anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.redact.expressions import lazy
from bridge.redact.spans import Span

DEPTH_MAX: Final = 200  # levels of nesting; a deeper text is no document
SAME_NAMES_MAX: Final = 32  # members of one name in one object

_TOKEN = lazy(
    r"[ \t\r\n]*+(?:(?P<mark>[{}\[\],:])|(?P<text>\"(?:[^\"\\\x00-\x1f]++|\\.)*+\")"
    r"|(?P<number>-?(?:0|[1-9]\d*+)(?P<float>(?:\.\d++)?(?:[eE][+-]?\d++)?))|(?P<word>true|false|null))"
)
_WORDS = {"true": True, "false": False, "null": None}


class NotADocumentError(ValueError):
    """No JSON, or deeper than `DEPTH_MAX`. Holds no piece of the text: it may be secret."""


@dataclass(slots=True)
class _Node:
    """A value from `start` to `end`; an object has `members`, a list `items`."""

    start: int
    end: int
    value: Any = None
    members: list[tuple[_Node, _Node]] | None = None
    items: list[_Node] | None = None


@dataclass(slots=True)
class Document:
    """A text that is one JSON value.

    Raises:
        NotADocumentError: The text is not one JSON value.
    """

    text: str
    _root: _Node = field(init=False)
    _same: int = field(init=False, default=1)  # most members of one name in one object

    def __post_init__(self) -> None:
        self._root, at = self._value(0, 0)
        if self.text[at:].strip(" \t\r\n"):
            raise NotADocumentError

    def changed(self, redact: Callable[[Any], Any]) -> str:
        """The text with what `redact` replaced of its value; the same text if that is nothing.

        `redact` keeps shapes: containers, their order and sizes. Members of one name are shown to
        it one after the other.
        """
        edits: dict[int, tuple[int, str]] = {}
        for turn in range(self._same):
            value = _built(self._root, turn)
            for start, end, new in _edits(self._root, value, redact(value), turn):
                edits.setdefault(start, (end, new))
        parts: list[str] = []
        done = 0
        for start, (end, new) in sorted(edits.items()):
            if start >= done:
                parts += (self.text[done:start], new)
                done = end
        return "".join((*parts, self.text[done:])) if parts else self.text

    def value(self) -> Any:
        """The value as Python has it; of members of one name the last."""
        return _built(self._root, self._same - 1)

    def _next(self, at: int) -> re.Match[str]:
        found = _TOKEN().match(self.text, at)
        if found is None:
            raise NotADocumentError
        return found

    def _value(self, at: int, depth: int) -> tuple[_Node, int]:
        if depth > DEPTH_MAX:
            raise NotADocumentError
        found = self._next(at)
        kind = found.lastgroup
        if kind == "mark":
            mark = found.group("mark")
            if mark == "{":
                return self._object(found, depth)
            if mark == "[":
                return self._list(found, depth)
            raise NotADocumentError
        start, end = found.span("number" if kind == "float" else kind or "word")
        return _Node(start, end, _scalar(found, self.text[start:end])), end

    def _object(self, opened: re.Match[str], depth: int) -> tuple[_Node, int]:
        members: list[tuple[_Node, _Node]] = []
        at = opened.end()
        token = self._next(at)
        if token.group("mark") == "}":
            return _Node(opened.start("mark"), token.end(), members=members), token.end()
        counts: dict[str, int] = {}
        while True:
            name, at = self._value(at, depth + 1)
            token = self._next(at)
            if type(name.value) is not str or token.group("mark") != ":":
                raise NotADocumentError
            item, at = self._value(token.end(), depth + 1)
            members.append((name, item))
            counts[name.value] = counts.get(name.value, 0) + 1
            token = self._next(at)
            at = token.end()
            if token.group("mark") == "}":
                break
            if token.group("mark") != ",":
                raise NotADocumentError
        self._same = max(self._same, *counts.values())
        if self._same > SAME_NAMES_MAX:
            raise NotADocumentError
        return _Node(opened.start("mark"), at, members=members), at

    def _list(self, opened: re.Match[str], depth: int) -> tuple[_Node, int]:
        items: list[_Node] = []
        at = opened.end()
        token = self._next(at)
        if token.group("mark") == "]":
            return _Node(opened.start("mark"), token.end(), items=items), token.end()
        while True:
            item, at = self._value(at, depth + 1)
            items.append(item)
            token = self._next(at)
            at = token.end()
            if token.group("mark") == "]":
                return _Node(opened.start("mark"), at, items=items), at
            if token.group("mark") != ",":
                raise NotADocumentError


def _scalar(found: re.Match[str], text: str) -> Any:
    if text[0] == '"':
        if "\\" not in text:
            return text[1:-1]
        try:
            return json.loads(text)
        except ValueError:
            raise NotADocumentError from None
    if text in _WORDS:
        return _WORDS[text]
    # Nobody reads more of a number than how long it is; Python makes none of 4,300 digits.
    return float(text) if found.group("float") else int(text[:1_000])


def _chosen(node: _Node, turn: int) -> Iterator[tuple[_Node, _Node]]:
    """One member of each name: in turn, or the last of them."""
    assert node.members is not None
    by_name: dict[str, list[tuple[_Node, _Node]]] = {}
    for member in node.members:
        by_name.setdefault(member[0].value, []).append(member)
    for same in by_name.values():
        yield same[min(turn, len(same) - 1)]


def _built(node: _Node, turn: int) -> Any:
    if node.members is not None:
        return {name.value: _built(item, turn) for name, item in _chosen(node, turn)}
    if node.items is not None:
        return [_built(item, turn) for item in node.items]
    return node.value


def _edits(node: _Node, old: Any, new: Any, turn: int) -> Iterator[tuple[int, int, str]]:
    """What to write where: start, end, text."""
    if new is old:
        return
    if node.members is not None and type(new) is dict and len(new) == len(old):
        chosen = _chosen(node, turn)
        for (name, item), (key, value) in zip(chosen, new.items(), strict=True):
            if key != name.value:
                yield name.start, name.end, written(key)
            yield from _edits(item, old[name.value], value, turn)
    elif node.items is not None and type(new) is list and len(new) == len(old):
        for item, before, value in zip(node.items, old, new, strict=True):
            yield from _edits(item, before, value, turn)
    elif new != old:
        yield node.start, node.end, written(new)


def written(value: Any) -> str:
    """A value as JSON; lone halves of surrogate pairs stay escapes, UTF-8 has none."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


# What goes on to the end inside a string, and what of it cannot stand outside of one.
_WITHIN = re.compile(r"[^\"\\\x00-\x1f]*+\Z")
_OF_STRINGS = re.compile(r"[^\s{}\[\],:0-9.+\-eEtrufalsn]")


def keep_structure(text: str, spans: Iterable[Span]) -> bool:
    """Does a JSON text stay one, whatever word stands in place of the spans?

    True if each is certainly inside a string. It costs a tenth of reading the text.
    """
    return all(
        _WITHIN.match(text, span.start, span.end) is not None
        and _OF_STRINGS.search(text, span.start, span.end) is not None
        for span in spans
    )


def parses(text: str) -> bool:
    """Is this a JSON text?"""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
