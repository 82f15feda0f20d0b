"""Random UUIDs of version 4 that a seed can repeat."""

from __future__ import annotations

import re
from random import Random

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")


def new_uuid(chance: Random) -> str:
    """A version 4 UUID: not ordered by time, like every id of the service (mogplex.md 1.4)."""
    bits = chance.getrandbits(128)
    bits = bits & ~(0xF << 76) | (4 << 76)
    bits = bits & ~(0x3 << 62) | (0x2 << 62)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_uuid(text: str) -> bool:
    """What the database would take as a UUID in its usual form (any version)."""
    return _UUID.match(text) is not None
