"""Reads the intact parts of a damaged journal, page by page, without SQLite.

Format: sqlite.org/fileformat2.html, sections 1.6 (b-tree pages), 2.1 (rows) and 4 (WAL). The shape
of its rows identifies a page of the table of records. A row counts when its body is a JSON object
with the row's own sequence and id, so a stray or torn row never passes for a record.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from bridge.core.event import Feed, Record
from bridge.journal.sqlite.file import PAGE_BYTES
from bridge.journal.sqlite.wal import wal_of

_TABLE_LEAF = 0x0D
_WAL_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_NULL, _TEXT, _BLOB = 0, 13, 12  # serial types: odd from 13 is text, even from 12 is a blob
_OVERFLOW_PAGES_MAX = 4096  # 32 MiB: far above the largest record; a damaged chain may be a ring


class _Place(NamedTuple):
    seq: int
    page: int
    offset: int


class _DamagedError(Exception):
    """These bytes are not a row of the table of records."""


def salvage(path: Path) -> Iterator[Record]:
    """Yield every intact record, by ascending sequence, each once.

    Sequences are dense, so a gap in them is a loss. Records that retention has dropped may appear
    until SQLite uses their page again. Reads the file and its `-wal`; changes nothing. Never call
    it in a process that has the same journal open: closing the file would drop SQLite's locks.

    Raises:
        OSError: The file cannot be read.
    """
    wal = wal_of(path)
    with _file_or_nothing(path, wal) as file:
        pages = _Pages(file, _wal_pages(wal))
        last = 0
        for place in sorted(_places(pages)):
            if place.seq == last:
                continue
            try:
                record = _record(pages, place)
            except (_DamagedError, IndexError):
                continue
            last = place.seq
            yield record


def _file_or_nothing(path: Path, wal: Path) -> BinaryIO:
    """Open the file; an empty one when it was removed and its log was not."""
    return path.open("rb") if path.exists() or not wal.exists() else BytesIO()


class _Pages:
    """The pages by number; the WAL's version goes first."""

    def __init__(self, file: Any, newer: Mapping[int, bytes]) -> None:
        self._file = file
        self._newer = newer
        self.count = max(file.seek(0, 2) // PAGE_BYTES, max(newer, default=0))

    def __getitem__(self, number: int) -> bytes:
        if (page := self._newer.get(number)) is not None:
            return page
        self._file.seek((number - 1) * PAGE_BYTES)
        return bytes(self._file.read(PAGE_BYTES))


def _wal_pages(wal: Path) -> Mapping[int, bytes]:
    """Return the pages of the WAL's committed frames; earlier rounds have other salts."""
    try:
        content = wal.read_bytes()
    except FileNotFoundError:
        return {}
    committed: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    salts = content[16:24]
    step = _FRAME_HEADER_BYTES + PAGE_BYTES
    for start in range(_WAL_HEADER_BYTES, len(content) - step + 1, step):
        if content[start + 8 : start + 16] != salts:
            break
        number, pages_after_commit = struct.unpack_from(">II", content, start)
        pending[number] = content[start + _FRAME_HEADER_BYTES : start + step]
        if pages_after_commit:
            committed |= pending
            pending = {}
    return committed


def _places(pages: _Pages) -> Iterator[_Place]:
    for number in range(2, pages.count + 1):  # page 1 holds the schema
        page = pages[number]
        if len(page) < PAGE_BYTES or page[0] != _TABLE_LEAF:
            continue
        for index in range(min(int.from_bytes(page[3:5]), PAGE_BYTES // 4)):
            offset = int.from_bytes(page[8 + 2 * index : 10 + 2 * index])
            try:
                _, seq, start = _cell_head(page, offset)
                _columns(page, start)
            except (_DamagedError, IndexError):
                continue
            yield _Place(seq, number, offset)


def _record(pages: _Pages, place: _Place) -> Record:
    page = pages[place.page]
    size, seq, start = _cell_head(page, place.offset)
    payload = _payload(pages, page, start, size)
    at, sizes = _columns(payload, 0)
    at += sum(sizes[:2])
    id_ = payload[at : at + sizes[2]]
    body = payload[at + sizes[2] : at + sizes[2] + sizes[3]]
    try:
        said = json.loads(body)
        if int(said["sequence"]) != seq or said["id"].encode() != id_:
            raise _DamagedError
        feed = _feed(str(said["account"]), str(said["subject"]), str(said["source"]))
        return Record(seq, feed, said["id"], str(said["type"]), body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _DamagedError from error


def _feed(account: str, id_: str, source: str) -> Feed:
    """Read system and kind from the source: "/<system>/<account>/<kind>s/<id>"."""
    _, system, *rest = source.split("/")
    collection = rest[1] if len(rest) > 1 else ""
    return Feed(system, account, collection.removesuffix("s"), id_, source)


def _cell_head(page: bytes, offset: int) -> tuple[int, int, int]:
    """Return the size of the row, its sequence, and where its bytes begin."""
    size, at = _varint(page, offset)
    seq, at = _varint(page, at)
    return size, seq, at


def _columns(payload: bytes, start: int) -> tuple[int, tuple[int, int, int, int]]:
    """Return where the values begin, and the sizes of feed, type, id and body."""
    header_bytes, at = _varint(payload, start)
    end = start + header_bytes
    kinds: list[int] = []
    while at < end and len(kinds) < 6:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    if len(kinds) != 5 or at != end:
        raise _DamagedError
    key, feed, type_, id_, body = kinds
    is_number = 1 <= feed <= 9
    is_type = 1 <= type_ <= 9 or _is_text(type_)
    if key != _NULL or not is_number or not is_type or not _is_text(id_) or not _is_blob(body):
        raise _DamagedError
    return end, (_value_bytes(feed), _value_bytes(type_), _value_bytes(id_), _value_bytes(body))


def _is_text(kind: int) -> bool:
    return kind >= _TEXT and kind % 2 == 1


def _is_blob(kind: int) -> bool:
    return kind >= _BLOB and kind % 2 == 0


def _value_bytes(kind: int) -> int:
    if kind >= _BLOB:
        return (kind - _BLOB) // 2
    return (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[kind]


def _payload(pages: _Pages, page: bytes, start: int, size: int) -> bytes:
    """Return the bytes of a row: in its page, and beyond a limit in a chain of overflow pages."""
    most, least = PAGE_BYTES - 35, (PAGE_BYTES - 12) * 32 // 255 - 23
    local = size
    if size > most:
        local = least + (size - least) % (PAGE_BYTES - 4)
        local = local if local <= most else least
    parts = [page[start : start + local]]
    left = size - local
    following = int.from_bytes(page[start + local : start + local + 4]) if left else 0
    for _ in range(_OVERFLOW_PAGES_MAX):
        if left <= 0:
            return b"".join(parts)
        if not 2 <= following <= pages.count:
            break
        overflow = pages[following]
        parts.append(overflow[4 : 4 + min(left, PAGE_BYTES - 4)])
        left -= PAGE_BYTES - 4
        following = int.from_bytes(overflow[:4])
    raise _DamagedError


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of one to nine bytes (the high bit: more follow), and its end."""
    value = 0
    for index in range(9):
        byte = data[at + index]
        if index == 8:
            return (value << 8) | byte, at + 9
        value = (value << 7) | (byte & 0x7F)
        if byte < 0x80:
            return value, at + index + 1
    raise AssertionError("a varint ends after nine bytes")
