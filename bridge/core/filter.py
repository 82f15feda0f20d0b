"""Selects the records for a reader: by feed, by type glob, by account. Equal filters are one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bridge.core.event import Feed


@dataclass(frozen=True, slots=True)
class Filter:
    """All given conditions must hold; an empty filter matches everything.

    `types` are globs (`*` any characters, `?` one); those that begin with `!` exclude. A type
    matches when no excluding glob matches and, if there is any including glob, one of them does.
    """

    ids: frozenset[str] = frozenset()  # of feeds, of whatever kind
    types: tuple[str, ...] = ()
    accounts: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    systems: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether the filter has no condition."""
        return not (self.ids or self.types or self.accounts or self.kinds or self.systems)

    def matches_feed(self, feed: Feed) -> bool:
        """Whether the conditions about feeds hold."""
        return (not self.ids or feed.id in self.ids) and self.matches_origin(feed)

    def matches_origin(self, feed: Feed) -> bool:
        """Whether feeds of this account, kind and system match."""
        return (
            (not self.accounts or feed.account in self.accounts)
            and (not self.kinds or feed.kind in self.kinds)
            and (not self.systems or feed.system in self.systems)
        )

    def matches_type(self, type_: str) -> bool:
        """Whether the condition about types holds."""
        return not self.types or _type_matches(self.types, type_)

    def matches(self, feed: Feed, type_: str) -> bool:
        """Whether a record of this type, about this feed, matches."""
        return self.matches_feed(feed) and self.matches_type(type_)


EVERYTHING = Filter()


# types are few, filters are shared; the bound protects against hostile clients
@lru_cache(maxsize=4096)
def _type_matches(globs: tuple[str, ...], type_: str) -> bool:
    includes = [g for g in globs if not g.startswith("!")]
    if any(matches_glob(g[1:], type_) for g in globs if g.startswith("!")):
        return False
    return not includes or any(matches_glob(g, type_) for g in includes)


def matches_glob(glob: str, text: str) -> bool:
    """Whether the whole text matches the glob.

    It uses no regular expression: compiling one takes a thousand times as long as finding a few
    literals, and each of many clients may bring many globs. It searches the literals between stars
    from left to right, each at its first occurrence, which finds a match if there is one.
    """
    first, *others = glob.split("*")
    if not others:
        return len(text) == len(first) and _stands_at(first, text, 0)
    *middle, last = others
    at, end = len(first), len(text) - len(last)
    if end < at or not _stands_at(first, text, 0) or not _stands_at(last, text, end):
        return False
    for literal in middle:
        at = _find(literal, text, at, end)
        if at < 0:
            return False
        at += len(literal)
    return True


def _stands_at(literal: str, text: str, at: int) -> bool:
    if "?" not in literal:
        return text.startswith(literal, at)
    piece = text[at : at + len(literal)]
    return len(piece) == len(literal) and all(map(_is_like, literal, piece))


def _is_like(wanted: str, found: str) -> bool:
    return wanted in ("?", found)


def _find(literal: str, text: str, start: int, end: int) -> int:
    """Return where a literal first occurs entirely between start and end, or -1."""
    if "?" not in literal:
        return text.find(literal, start, end)
    return next(
        (at for at in range(start, end - len(literal) + 1) if _stands_at(literal, text, at)), -1
    )
