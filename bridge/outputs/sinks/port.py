"""What an output must provide. Tests and reviews cite the numbers.

A target takes lines; `Delivery` does the rest for all targets: position, checkpoint, waits, lag,
draining, health. A new kind of output is one class with these methods, a section of
settings beside it that makes it (`settings.py`), and a line in `bridge/output_kinds.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from bridge.core.errors import BridgeError
from bridge.wire.ndjson import Line

Mark = Mapping[str, Any]  # a target's part of the checkpoint: JSON, a few short members


class Known(NamedTuple):
    """The last checkpoint's knowledge of a target."""

    mark: Mark
    is_repeatable: bool  # the journal still has the records after it, to write them again


class Found(NamedTuple):
    """What `open` found at the target."""

    last: Line | None = None  # the last whole line; None when there is none, or it cannot be read
    has_lines: bool = False  # this output may have written lines before


class Intervals(NamedTuple):
    """Intervals of the loop's costly tasks, in seconds."""

    sync_s: float | None  # None: only for a checkpoint
    checkpoint_s: float  # a journal commit; limits the repeats after a kill
    idle_s: float  # between empty writes to an idle target


class TargetError(BridgeError):
    """A target failed; the text is for people.

    `reason` is one of the target's `reasons`, the label of the metric. `complaint` is set if
    waiting does not help: one line with the place and what to do. `is_undone`: the lines since the
    last `sync` were taken back. `is_gone`: the reader has gone for good, which is no error.
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
    """The destination of lines. One call at a time; after a failure `open` comes first.

    T1 `open` changes nothing and reports how the existing lines end. It may be called again.
    T2 `write` takes whole lines in order, and tears, repeats or skips none. `taken(n)` reports that
       the first n are written. If `write` fails or is cancelled, the report is right no later than
       when the next call returns.
    T3 Lines that are taken when `sync` begins are durable, as far as the target promises, when it
       returns; its mark covers them.
    T4 `close` ends a running write in bounded time, syncs, and closes. It returns the last mark and
       may be called twice.
    """

    @property
    def place(self) -> str:
        """The destination for people; never a secret."""
        ...

    @property
    def intervals(self) -> Intervals:
        """How often the delivery loop syncs, stores its checkpoint and looks again."""
        ...

    @property
    def reasons(self) -> Sequence[str]:
        """The closed set of failure reasons; it always contains `other`."""
        ...

    @property
    def facts(self) -> Mapping[str, Any]:
        """More facts for `/healthz` and the log."""
        ...

    @property
    def has_memory(self) -> bool:
        """Whether its lines outlive the process, so that `open` finds the last one.

        The journal then gets a checkpoint before the first line, so that lines without a checkpoint
        belong to another journal.
        """
        ...

    async def open(self, known: Known | None) -> Found:
        """Open the target; `known` is None for an output without a checkpoint.

        Raises:
            TargetError: The target cannot be opened.
        """
        ...

    async def write(self, lines: Sequence[bytes], taken: Callable[[int], None]) -> None:
        """Take lines, each with its newline.

        An empty list means that no line comes soon: the target then completes or cuts a partial
        line, and checks for changes by the clock or by other programs.

        Raises:
            TargetError: Not all lines were taken.
        """
        ...

    async def sync(self) -> Mark:
        """Make the taken lines durable; returns the mark for the checkpoint.

        Raises:
            TargetError: The lines could not be made durable.
        """
        ...

    async def close(self) -> Mark:
        """Sync and close; returns the last mark.

        Raises:
            TargetError: The last lines could not be made durable.
        """
        ...


@runtime_checkable
class Reopening(Protocol):
    """A target that can check its path again (SIGHUP, SIGUSR1)."""

    async def reopen(self) -> None:
        """Check the path, and open it again if it names another file.

        Raises:
            TargetError: The target cannot be opened.
        """
        ...


@runtime_checkable
class Upkeep(Protocol):
    """A target that compresses or deletes what it finished, beside the writing."""

    @property
    def upkeep_s(self) -> float | None:
        """Seconds between calls of `upkeep`; None for never."""
        ...

    def wants_checkpoint(self, saved: Mark) -> bool:
        """Whether the next upkeep needs a newer checkpoint than this one."""
        ...

    async def upkeep(self, saved: Mark) -> None:
        """Process what the last checkpoint covers. Errors stay inside the target."""
        ...
