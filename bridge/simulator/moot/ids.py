"""Ids as the service makes them: three letters and a random number, so not ordered by time."""

from __future__ import annotations

from random import Random

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32 in lower case
_BITS = 63


def new_id(prefix: str, chance: Random) -> str:
    """`evt_0p3k9v7d2mqx1`: 63 random bits in 13 digits (moot.md 2.1)."""
    number = chance.getrandbits(_BITS)
    digits = [_DIGITS[(number >> shift) & 31] for shift in range(60, -1, -5)]
    return f"{prefix}_{''.join(digits)}"
