"""Personal access tokens: any `mog_…` text is good until somebody says otherwise."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

TOKENS_MAX = 10_000  # tokens with special rights that are remembered
_SHAPE = re.compile(r"mog_[A-Za-z0-9]+\Z")
SCOPES = ("read", "write")


@dataclass(frozen=True, slots=True)
class Rights:
    """What one token may do."""

    valid: bool = True
    scopes: tuple[str, ...] = SCOPES
    metered: bool = True  # False: like an OAuth token, not subject to the limiter


ANY_TOKEN = Rights()


def token_hash(token: str) -> str:
    """Twelve hex digits that stand for the token wherever it is shown."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:12]


class TokenBook:
    """Exceptions to the rule that every well-formed token has all rights."""

    def __init__(self) -> None:
        self._special: dict[str, Rights] = {}

    def set(self, token: str, rights: Rights) -> None:
        if len(self._special) >= TOKENS_MAX and token not in self._special:
            raise ValueError(f"{TOKENS_MAX} tokens have special rights already; reset first")
        self._special[token] = rights

    def clear(self) -> None:
        self._special.clear()

    def look_up(self, token: str) -> Rights | None:
        """None for a token that is not good."""
        special = self._special.get(token)
        if special is not None:
            return special if special.valid else None
        return ANY_TOKEN if _SHAPE.match(token) else None
