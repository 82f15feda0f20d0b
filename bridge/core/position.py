"""A position in a journal: `<epoch>-<sequence>`, as clients send it back (0016-design.md D6)."""

from __future__ import annotations

import re
from typing import NamedTuple

_POSITION = re.compile(r"(?:([0-9a-z]{1,32})-)?([0-9]{1,20})", re.ASCII)

SEQUENCE_MAX = 2**63 - 1  # what SQLite can hold


class Position(NamedTuple):
    """`epoch` is None when the client gave a bare sequence, which means the present journal."""

    epoch: str | None
    seq: int

    def __str__(self) -> str:
        return str(self.seq) if self.epoch is None else f"{self.epoch}-{self.seq}"


def maybe_position(text: str) -> Position | None:
    """Read `<epoch>-<sequence>` or `<sequence>`; None when it is neither."""
    match = _POSITION.fullmatch(text.strip())
    if match is None or (seq := int(match[2])) > SEQUENCE_MAX:
        return None
    return Position(match[1], seq)
