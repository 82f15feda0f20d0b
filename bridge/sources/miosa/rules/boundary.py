"""Decides whether events may be missing between two connects of one stream.

It decides frame by frame. A frame with an id of its own is deduplicated and resumed from; one
without is numbered, kept however often it repeats, and lost if it fell between two connects. So
after every boundary (a cut, a restart, a kill) the first frame has to prove continuity: the follow
resumes from the id *before* the last one, and a server that replays sends the last one first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_HEADER_SAFE = re.compile(r"[!-~]{1,256}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a frame: its id in the journal, and whether events may be missing before it."""

    event_id: str
    has_gap: bool


@dataclass(slots=True)
class Boundary:
    """The continuity of one feed's stream. `saved` must survive a restart."""

    lines: int = 0  # frames without an id so far; numbers the next one
    last: str | None = None  # id of the last frame that had one
    before_last: str | None = None
    after: str | None = None  # event id of the last frame of any kind; the next gap comes after it
    was_open: bool = False  # a stream was connected before
    is_anonymous: bool = True  # frames without an id came after the last id, or no frame ever did
    is_unproven: bool = False  # a boundary was crossed, and no frame has come since

    @property
    def resume_id(self) -> str | None:
        """The value of `Last-Event-ID`; None: nothing to resume from."""
        found = self.before_last if self.before_last is not None else self.last
        return found if found is not None and _HEADER_SAFE.fullmatch(found) else None

    def connected(self) -> None:
        """Note that a stream began."""
        self.is_unproven |= self.was_open
        self.was_open = True

    def completed(self) -> None:
        """Note that the server ended the stream: no gap follows. A gap before it stays."""
        self.was_open = False

    def took(self, own_id: str | None, is_known: Callable[[str], bool]) -> Place:
        """Place the next frame. `is_known`: the journal has this id already."""
        has_gap = self.is_unproven and not self._proves(own_id, is_known)
        self.is_unproven = False
        if own_id is None:
            self.lines += 1
            event_id = f"line-{self.lines}"
            self.is_anonymous = True
        else:
            event_id = own_id
            self.is_anonymous = False
            if own_id != self.last and not is_known(own_id):
                self.before_last, self.last = self.last, own_id
        return Place(event_id, has_gap)

    def moved_to(self, event_id: str) -> None:
        """Note that the frame is durable; a later gap comes after it."""
        self.after = event_id

    def _proves(self, own_id: str | None, is_known: Callable[[str], bool]) -> bool:
        """Whether the first frame after a boundary shows that no event is missing."""
        if own_id is None or self.is_anonymous:
            return False
        # A server that continues behind the only id so far cannot prove it: the bridge reports a
        # gap although no event may be missing.
        return own_id == self.last or is_known(own_id)

    def saved(self) -> dict[str, Any]:
        """Return what a restart needs, as JSON; `restored` reads it."""
        return {
            "lines": self.lines,
            "last": self.last,
            "before": self.before_last,
            "after": self.after,
            "open": self.was_open,
            "anonymous": self.is_anonymous,
            "unproven": self.is_unproven,
        }

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Boundary:
        """Load what `saved` returned.

        Raises:
            LookupError: A field is missing.
            TypeError: A field has another type; ValueError: another value.
        """
        texts = [saved["last"], saved["before"], saved["after"]]
        if any(text is not None and not isinstance(text, str) for text in texts):
            raise TypeError("an id that is no text")
        return cls(
            lines=int(saved["lines"]),
            last=texts[0],
            before_last=texts[1],
            after=texts[2],
            was_open=bool(saved["open"]),
            is_anonymous=bool(saved["anonymous"]),
            is_unproven=bool(saved["unproven"]),
        )
