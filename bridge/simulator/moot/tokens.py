"""Keys: anything that looks like one is good until somebody says otherwise (moot.md 2.7)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.simulator.kit.tokens import TokenBook

# Agent keys, older keys, personal access tokens of people, and JSON web tokens.
SHAPE = re.compile(r"(?:convo_|mootup_pat_|eyJ)[A-Za-z0-9._-]+\Z")


@dataclass(frozen=True, slots=True)
class Rights:
    """What one key may do, and whose it is."""

    valid: bool = True
    metered: bool = True  # subject to the limiter
    forbidden: tuple[str, ...] = ()  # spaces answered with 403
    hidden: tuple[str, ...] = ()  # spaces answered with 404, and listed nowhere


ANY_KEY = Rights()


def new_token_book() -> TokenBook[Rights]:
    """Return a book in which every text of a key's shape has the ordinary rights."""
    return TokenBook(SHAPE, ANY_KEY)


def is_person(token: str) -> bool:
    """Return whether the key belongs to a person rather than an agent."""
    return token.startswith("mootup_pat_")
