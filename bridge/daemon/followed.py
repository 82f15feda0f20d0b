"""One feed that is or was followed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bridge.core.state import Wish
from bridge.intake import OpenFeed
from bridge.sources.port import Progress


@dataclass(slots=True, eq=False)
class Followed:
    """What is wanted, what was seen (in `feed`, which owns it), and how the follow is going."""

    wish: Wish
    feed: OpenFeed
    progress: Progress = field(default_factory=Progress)
    task: asyncio.Task[None] | None = None
    added_at: float | None = None  # monotonic; None when it was taken over from the journal

    @property
    def word(self) -> str:
        """`following`, `ended`, `stopped` (somebody asked for it) or `failed` (given up)."""
        if self.feed.state.ended:
            return "ended"
        if not self.wish.followed:
            return "stopped"
        return "following" if self.feed.state.failed is None else "failed"

    @property
    def is_followed(self) -> bool:
        return self.word == "following"
