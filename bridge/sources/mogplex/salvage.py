"""Reads the rest of a page when some of its events are not JSON.

Such events hold bytes that are not UTF-8, a number of thousands of digits, or nesting without end.
This module splits the page without a parser, by quotes and brackets, then parses each event alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.wire.jsontext import JsonError, loads

# Possessive quantifiers: a text of megabytes is scanned once, without backtracking.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}:]', re.DOTALL)
_ID = re.compile(rb"[!-~]{1,256}")
_ID_KEY = b'"id"'
DEPTH = 3  # brackets around an event: the envelope, `data`, `events`


@dataclass(frozen=True, slots=True)
class Lost:
    """An unreadable event."""

    key: str  # its id, or a digest of its bytes: the same at every read


def salvage(body: bytes) -> Mapping[str, Any] | None:
    """Return the page with a `Lost` for each bad event; None when more than events is broken."""
    found = _events(body)
    if found is None:
        return None
    begin, end, slices = found
    try:
        envelope = loads(body[:begin] + b"[]" + body[end:])
    except JsonError:
        return None
    data = envelope.get("data") if isinstance(envelope, dict) else None
    if not isinstance(data, dict):
        return None
    data["events"] = [_read(body[a:b]) for a, b in slices]
    return envelope if isinstance(envelope, dict) else None


def lost(raw: bytes) -> Lost:
    """Name an unreadable event."""
    for depth, key, value in _strings(raw):
        if depth == 1 and key == _ID_KEY and _ID.fullmatch(value[1:-1]) is not None:
            return Lost(value[1:-1].decode("ascii"))
    return Lost("sha256-" + hashlib.sha256(raw).hexdigest())


def _read(raw: bytes) -> Any:
    try:
        return loads(raw)
    except JsonError:
        return lost(raw)


def _events(body: bytes) -> tuple[int, int, list[tuple[int, int]]] | None:
    """Find `data.events`: its begin, its end, and each event's; None when it is not there."""
    depth, begin, since = 0, -1, 0
    keys = [b""] * (DEPTH + 1)  # the open member at each level
    last = b""
    slices: list[tuple[int, int]] = []
    for match in _TOKEN.finditer(body):
        token = match[0]
        if token in (b"{", b"["):
            if begin < 0 and depth == DEPTH - 1 and keys[1:3] == [b'"data"', b'"events"']:
                begin = match.start()
            elif begin >= 0 and depth == DEPTH:
                since = match.start()
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
            if begin >= 0 and depth == DEPTH:
                slices.append((since, match.end()))
            elif begin >= 0 and depth == DEPTH - 1:
                return begin, match.end(), slices
        elif token == b":":
            if depth <= DEPTH:
                keys[depth] = last
        else:
            last = token
    return None


def _strings(raw: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the text members of objects: depth, name, value."""
    depth, key, last, is_value = 0, b"", b"", False
    for match in _TOKEN.finditer(raw):
        token = match[0]
        if token == b":":
            key, is_value = last, True
        elif token in (b"{", b"["):
            depth, is_value = depth + 1, False
        elif token in (b"}", b"]"):
            depth, is_value = depth - 1, False
        elif is_value:
            yield depth, key, token
            is_value = False
        else:
            last = token
