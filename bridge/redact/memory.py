"""What of a feed's earlier events its next ones need to be read rightly. In memory only, bounded.

Two things are told in several events: a command and, under the same call, what it printed; and a
text in fragments, in which a secret may be cut in two. After a restart both are forgotten.
"""

from __future__ import annotations

from typing import Final

CALLS_MAX: Final = 256  # calls at once whose output is not there yet; the oldest is forgotten
CALL_ID_MAX: Final = 128  # characters
TAIL_CHARS: Final = 512  # of a text in fragments that are read again with the next fragment
OPEN_CHARS_MAX: Final = 20_000  # of a secret that has begun and not ended; a key block has 16,384


class Memory:
    """One per feed. `calls`: what the command of a call prints; `tail`: the end of a text."""

    __slots__ = ("calls", "tail")

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}
        self.tail = ""

    def copy(self) -> Memory:
        """The same for what may have to be read again."""
        other = Memory()
        other.calls, other.tail = dict(self.calls), self.tail
        return other

    def remember(self, call: str, what: int) -> None:
        """What comes under this call is a secret, or a setting that may be one."""
        if len(call) > CALL_ID_MAX:
            return
        self.calls[call] = what
        if len(self.calls) > CALLS_MAX:
            del self.calls[next(iter(self.calls))]

    def forget(self, call: str) -> None:
        """Forget a call, because its output has been read."""
        self.calls.pop(call, None)

    def went_on(self, text: str, open_from: int | None) -> None:
        """A text in fragments is `text` so far; a secret is open from `open_from` on, if one is."""
        keep = min(TAIL_CHARS, len(text))
        if open_from is not None:
            keep = max(keep, min(len(text) - open_from + TAIL_CHARS // 2, OPEN_CHARS_MAX))
        self.tail = text[-keep:] if keep else ""
