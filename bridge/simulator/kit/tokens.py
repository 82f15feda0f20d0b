"""Tokens: every well-formed text is valid until a test says otherwise."""

from __future__ import annotations

import hashlib
import re
from typing import Generic, Protocol, TypeVar

TOKENS_MAX = 10_000  # tokens with special rights that are remembered


class HasValidity(Protocol):
    """The part that the rights of all profiles share."""

    @property
    def valid(self) -> bool:
        """Whether the service knows the token; False answers 401."""


Rights_ = TypeVar("Rights_", bound=HasValidity)


def token_hash(token: str) -> str:
    """Twelve hex digits that stand for the token wherever it is shown."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:12]


class TokenBook(Generic[Rights_]):
    """Exceptions to the rule that every well-formed token has the ordinary rights."""

    def __init__(self, shape: re.Pattern[str], ordinary: Rights_) -> None:
        self._shape = shape
        self._ordinary = ordinary
        self._special: dict[str, Rights_] = {}

    def set(self, token: str, rights: Rights_) -> None:
        """Give a token other rights than the ordinary ones.

        Raises:
            ValueError: TOKENS_MAX tokens have special rights already.
        """
        if len(self._special) >= TOKENS_MAX and token not in self._special:
            raise ValueError(f"{TOKENS_MAX} tokens have special rights already; reset first")
        self._special[token] = rights

    def clear(self) -> None:
        """Give all tokens the ordinary rights again."""
        self._special.clear()

    def look_up(self, token: str) -> Rights_ | None:
        """None for a token that is not good."""
        special = self._special.get(token)
        if special is not None:
            return special if special.valid else None
        return self._ordinary if self._shape.match(token) else None
