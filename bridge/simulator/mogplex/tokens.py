"""Personal access tokens: any `mog_…` text is valid until a test says otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.simulator.kit.tokens import TokenBook

SHAPE = re.compile(r"mog_[A-Za-z0-9]+\Z")
SCOPES = ("read", "write")


@dataclass(frozen=True, slots=True)
class Rights:
    """What one token may do."""

    valid: bool = True
    scopes: tuple[str, ...] = SCOPES
    metered: bool = True  # False: like an OAuth token, not subject to the limiter


ANY_TOKEN = Rights()


def new_token_book() -> TokenBook[Rights]:
    """Return a book in which every `mog_…` token has the ordinary rights."""
    return TokenBook(SHAPE, ANY_TOKEN)
