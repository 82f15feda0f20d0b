"""What a disk holds after a power cut: all that was synced, and of the rest whatever chance leaves.

The model is what POSIX promises and no more. Bytes of a file stay when a sync of that file came
after them; a name (made, renamed, removed) stays when a sync of its directory came after it. Of
what was not synced, each write and each change of a name stays or goes by itself, and a write that
stays may be torn. A file system that keeps more is one of the outcomes.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_ENTRY = struct.Struct("<IIIIQq")
_CREATE, _WRITE, _COMMIT, _SYNC, _TRUNCATE, _RENAME, _UNLINK = range(7)
_SYNC_REFUSED = 8


class _Change(NamedTuple):
    op: int
    inode: int
    offset: int
    first: bytes
    second: bytes


@dataclass
class _File:
    """What an inode held; its number may be given to another file when the name is gone."""

    durable: bytearray = field(default_factory=bytearray)
    memory: bytearray = field(default_factory=bytearray)  # what processes see
    pending: list[_Change] = field(default_factory=list)


class Disk:
    """One flat directory, as it was when the process started, and its changes since."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: dict[int, _File] = {}  # by inode, of now
        self._names: dict[str, _File] = {}  # durable
        self._pending_names: list[tuple[_Change, _File | None]] = []
        for path in directory.iterdir():
            if path.is_file():
                content = path.read_bytes()
                file = _File(bytearray(content), bytearray(content))
                self._names[path.name] = self._files[path.stat().st_ino] = file

    def replay(self, log: Path) -> int:
        """Take note of everything a process did that is dead now; returns the number of changes.

        For each of several processes one log, one after the other.
        """
        count = 0
        for count, change in enumerate(_changes(log.read_bytes()), 1):  # noqa: B007 - the last one
            self._note(change)
        self._reconcile()
        return count

    def _reconcile(self) -> None:
        """Take note of what the process did last and was killed before it could tell."""
        durable, self._names = self._names, dict(self._names)
        for change, made in self._pending_names:
            self._rename(change, made)
        names, self._names = self._names, durable
        there = {path.name: path for path in self._directory.iterdir() if path.is_file()}
        known = {id(file): name for name, file in names.items()}
        for name, path in there.items():
            inode = path.stat().st_ino
            file = self._files.get(inode)
            if file is None or id(file) not in known:
                file = self._files[inode] = _File()
                self._pending_names.append((_untold(_CREATE, name), file))
            elif names.get(name) is not file:
                self._pending_names.append((_untold(_RENAME, known[id(file)], name), None))
            content = path.read_bytes()
            if content != file.memory and not name.endswith("-shm"):
                file.memory = bytearray(content)
                file.pending.append(_Change(_TRUNCATE, inode, len(content), b"", b""))
                file.pending.append(_Change(_WRITE, inode, 0, content, b""))
        kept = {id(self._files[path.stat().st_ino]) for path in there.values()}
        for name, file in names.items():
            if name not in there and id(file) not in kept:
                self._pending_names.append((_untold(_UNLINK, name), None))

    def _note(self, change: _Change) -> None:
        if change.op in (_WRITE, _TRUNCATE):
            file = self._files.setdefault(change.inode, _File())
            file.pending.append(change)
            _apply(file.memory, change, len(change.first))
        elif change.op == _SYNC and change.offset:  # of a directory
            for name, made in self._pending_names:
                self._rename(name, made)
            self._pending_names.clear()
        elif change.op == _SYNC:
            file = self._files.get(change.inode)
            if file is not None:
                for write in file.pending:
                    _apply(file.durable, write, len(write.first))
                file.pending.clear()
        elif change.op == _SYNC_REFUSED:
            # The kernel may take the pages for written: no later sync tries them again.
            if (file := self._files.get(change.inode)) is not None and not change.offset:
                file.pending.clear()
        else:
            made = None
            if change.op == _CREATE:
                made = self._files[change.inode] = _File()
            self._pending_names.append((change, made))

    def _rename(self, change: _Change, made: _File | None) -> None:
        name = os.path.basename(os.fsdecode(change.first))
        if made is not None:
            self._names[name] = made
        elif change.op == _UNLINK:
            self._names.pop(name, None)
        elif (file := self._names.pop(name, None)) is not None:
            self._names[os.path.basename(os.fsdecode(change.second))] = file

    def cut(self, chance: random.Random) -> Mapping[str, int]:
        """Make the directory what the disk holds now. Returns what was lost, in numbers."""
        keep = chance.choice((0.0, 0.0, 0.5, 0.9, 1.0))  # none, some or all of what was not synced
        lost = {"writes": 0, "names": 0, "torn": 0}
        for change, made in self._pending_names:
            if chance.random() < keep:
                self._rename(change, made)
            else:
                lost["names"] += 1
        for file in {id(file): file for file in self._names.values()}.values():
            for write in file.pending:
                if chance.random() >= keep:
                    lost["writes"] += 1
                    continue
                length = len(write.first)
                if length > 1 and chance.random() < 0.3:
                    length = chance.randrange(1, length)
                    lost["torn"] += 1
                _apply(file.durable, write, length)
        for path in self._directory.iterdir():
            path.unlink()
        for name, file in self._names.items():
            if not name.endswith("-shm"):  # shared memory; made anew from the WAL
                (self._directory / name).write_bytes(file.durable)
        return lost


def _untold(op: int, name: str, new_name: str = "") -> _Change:
    return _Change(op, 0, 0, os.fsencode(name), os.fsencode(new_name))


def _apply(content: bytearray, write: _Change, length: int) -> None:
    if write.op == _TRUNCATE:
        del content[write.offset :]
        content.extend(bytes(write.offset - len(content)))
        return
    content.extend(bytes(max(0, write.offset - len(content))))
    content[write.offset : write.offset + length] = write.first[:length]


def _changes(log: bytes) -> Iterator[_Change]:
    at = 0
    while at + _ENTRY.size <= len(log):
        op, first, second, _, inode, offset = _ENTRY.unpack_from(log, at)
        at += _ENTRY.size
        if at + first + second > len(log):
            return  # the process died while it wrote this one
        yield _Change(
            op, inode, offset, log[at : at + first], log[at + first : at + first + second]
        )
        at += first + second
