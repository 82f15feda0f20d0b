"""Which records a reader wants: by run, by type glob, by account. Equal filters are one filter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from bridge.core.event import Feed


@dataclass(frozen=True, slots=True)
class Filter:
    """All given conditions must hold; an empty one holds always.

    `types` are globs (`*` any characters, `?` one); those that begin with `!` exclude. A type
    matches when no excluding glob matches and, if there is any including glob, one of them does.
    """

    runs: frozenset[str] = frozenset()
    types: tuple[str, ...] = ()
    accounts: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        return not (self.runs or self.types or self.accounts)

    def matches_feed(self, feed: Feed) -> bool:
        return (not self.runs or feed.id in self.runs) and (
            not self.accounts or feed.account in self.accounts
        )

    def matches_type(self, type_: str) -> bool:
        return not self.types or _type_matches(self.types, type_)

    def matches(self, feed: Feed, type_: str) -> bool:
        return self.matches_feed(feed) and self.matches_type(type_)


EVERYTHING = Filter()


@lru_cache(maxsize=4096)  # types are few, filters are shared; the bound is against hostile clients
def _type_matches(globs: tuple[str, ...], type_: str) -> bool:
    includes = [g for g in globs if not g.startswith("!")]
    excludes = [g[1:] for g in globs if g.startswith("!")]
    if any(_glob(g).fullmatch(type_) for g in excludes):
        return False
    return not includes or any(_glob(g).fullmatch(type_) for g in includes)


@lru_cache(maxsize=1024)
def _glob(glob: str) -> re.Pattern[str]:
    collapsed = re.sub(r"\*+", "*", glob)  # `**` means nothing more, and costs backtracking
    # Lazy gaps between literals cannot be told from greedy ones by the result; an atomic search
    # for each literal in turn would need 3.11's (?>...), which keeps matching linear per gap.
    parts = [re.escape(p).replace(r"\?", ".") for p in collapsed.split("*")]
    if len(parts) == 1:
        return re.compile(parts[0], re.DOTALL)
    middle = "".join(f"(?>.*?{p})" for p in parts[1:-1])
    return re.compile(f"{parts[0]}{middle}.*{parts[-1]}", re.DOTALL)
