"""What an output has to be able to do. Tests and reviews cite the numbers.

A target takes lines; `Delivery` does everything else for all of them: position, checkpoint,
waiting, lag, draining, health. A new kind of output is one class with these verbs, a section in
`config/outputs.py` and a line in `daemon/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from bridge.core.errors import BridgeError
from bridge.wire.ndjson import Line

Mark = Mapping[str, Any]  # a target's own words in the checkpoint: JSON, a few short members


class Known(NamedTuple):
    """What the last checkpoint says about a target."""

    mark: Mark
    is_repeatable: bool  # the journal still has what came after it, so it can be written again


class Found(NamedTuple):
    """What was there when a target was opened."""

    last: Line | None = None  # the last whole line; None when there is none, or it cannot be read
    has_lines: bool = False  # lines of this output may have been written before


class Pace(NamedTuple):
    """How often the one loop does what costs something, seconds."""

    sync_s: float | None  # None: only for a checkpoint
    checkpoint_s: float  # a commit of the journal; bounds what is repeated after a kill
    idle_s: float  # between looks at a target that has nothing to take


class TargetError(BridgeError):
    """A target cannot do what it was asked for; the text is for people.

    `reason` is one of the target's `reasons`, the word of the metric. `complaint` is set where
    waiting does not help: one line with place and cure. `is_undone`: what was taken since the last
    `sync` is taken back. `is_gone`: whoever took the lines left for good; that is no fault.
    """

    def __init__(
        self,
        reason: str,
        text: str,
        *,
        complaint: str | None = None,
        is_undone: bool = False,
        is_gone: bool = False,
    ) -> None:
        super().__init__(text)
        self.reason = reason
        self.complaint = complaint
        self.is_undone = is_undone
        self.is_gone = is_gone


class Target(Protocol):
    """Where lines go. One verb at a time; after a failure `open` comes first.

    T1 `open` leaves what is there as it is, and tells how it ends. It may be called again.
    T2 `write` takes whole lines, in order; none is torn, doubled or left out by it. `taken(n)` says
       that the first n are out, and it is right whatever becomes of the caller: when `write` fails
       or is cancelled, no later than when the next verb returns.
    T3 What is taken when `sync` begins survives what the target promises to survive, once it
       returned; its mark belongs to it.
    T4 `close` ends a write under way in bounded time, does what `sync` does, and lets go. It
       returns the last mark, and may be called twice.
    """

    @property
    def place(self) -> str:
        """Where it is, for people; never a secret."""
        ...

    @property
    def pace(self) -> Pace: ...

    @property
    def reasons(self) -> Sequence[str]:
        """The closed set of words for its failures; `other` is always one."""
        ...

    @property
    def facts(self) -> Mapping[str, Any]:
        """More about it for `/healthz` and the log."""
        ...

    @property
    def has_memory(self) -> bool:
        """Its lines outlive the process, and `open` finds the last one. The journal is then told
        of the output before its first line, so that lines without a checkpoint are another
        journal's.
        """
        ...

    async def open(self, known: Known | None) -> Found:
        """Get ready; `known` is None for an output without a checkpoint. Raises TargetError."""
        ...

    async def write(self, lines: Sequence[bytes], taken: Callable[[int], None]) -> None:
        """Take lines, each with its newline. No lines: nothing comes for now, so nothing may stay
        half done, and whatever time or others changed is looked at. Raises TargetError.
        """
        ...

    async def sync(self) -> Mark:
        """Make sure of what was taken. Raises TargetError."""
        ...

    async def close(self) -> Mark:
        """Let go. Raises TargetError when the last lines could not be made sure of."""
        ...


@runtime_checkable
class Reopening(Protocol):
    """A target that can be asked to look at its place anew (SIGHUP, SIGUSR1)."""

    async def reopen(self) -> None:
        """Raises TargetError."""
        ...


@runtime_checkable
class Upkeep(Protocol):
    """A target that looks after what it finished, beside the writing."""

    @property
    def upkeep_s(self) -> float | None:
        """How often; None for never."""
        ...

    def wants_checkpoint(self, saved: Mark) -> bool:
        """Whether the next upkeep waits for a checkpoint newer than this one."""
        ...

    async def upkeep(self, saved: Mark) -> None:
        """Look after what the last checkpoint covers. Its failures are its own."""
        ...
