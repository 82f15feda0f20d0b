"""What every journal promises. Tests and reviews cite the numbers.

`Reader` and `Journal` are what everybody uses; `Upkeep` and `Leases` are for the daemon alone.
Sequences only grow. Nobody outside of `journal/` may count records by them, or expect the next one
to be one more: an engine may give sequences to other things too. `records_between` tells what can
be told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from bridge.core.errors import JournalError
from bridge.core.event import Draft, Feed, Record
from bridge.core.filter import EVERYTHING, Filter
from bridge.core.state import FeedState, Wish

# Records that one `read` looks at, at most, while it searches for matches: some 5 ms of one thread.
LOOKED_AT_MAX = 5000
# Bytes of one encoded record: far above any event seen, and small enough to hold a few in memory.
RECORD_BYTES_MAX = 4 * 1024 * 1024


class RecordTooLargeError(JournalError):
    """A record is over the limit; nothing of that `append` was stored. Shorten it, then repeat."""


class FencedError(JournalError):
    """The lease under which this was to be stored is another's by now; nothing was stored."""


class Fence(NamedTuple):
    """Proof of a lease, handed to `append`. Only the journal that made it knows what it means."""

    name: str  # of the lease
    number: int  # grows with every holder


class Page(NamedTuple):
    """Records after a position, oldest first; `next_after` moves even if none passed the filter."""

    records: Sequence[Record]
    next_after: int


class Reader(Protocol):
    """The reading half; any number of readers."""

    @property
    def epoch(self) -> str:
        """Lower-case letters and digits; see J5."""
        ...

    @property
    def head(self) -> int:
        """Newest sequence that is durable; 0 when empty."""
        ...

    @property
    def floor(self) -> int:
        """From here on nothing was dropped: 1 as long as nothing ever was, else behind the newest
        record that was; head + 1 at most. The oldest record kept may have a higher sequence.
        """
        ...

    def records_between(self, after: int, through: int) -> int | None:
        """How many records there ever were with after < sequence <= through; None: cannot tell."""
        ...

    async def catch_up(self) -> None:
        """See what others wrote: afterwards `head` is what was durable when this was called.

        Raises JournalUnavailableError.
        """
        ...

    async def read(self, after: int, limit: int, only: Filter = EVERYTHING) -> Page:
        """Return up to `limit` records with a sequence above `after`.

        A call looks at a bounded number of records, so a page may be short or empty although more
        match further on: go on from `next_after` until it equals `head`.
        Records below the floor are skipped silently: compare `after` with `floor` when the page has
        come. The floor moves before records go, so a page is whole if `floor <= after + 1` then.
        """
        ...

    async def read_last(self, count: int, only: Filter = EVERYTHING) -> Sequence[Record]:
        """Return the last `count` records that match, oldest first."""
        ...


class Journal(Reader, Protocol):
    """Durable, ordered, append-only. One writer, any number of readers.

    J1 `append` returns only when a power cut can no longer lose the records (an in-memory journal
       says that it cannot promise this).
    J2 Sequences increase in the order of appends, also over restarts; none is given twice within
       an epoch. (In the embedded journal they are dense: 1, 2, 3, ...)
    J3 Feed states, wishes and checkpoints given to `append` are stored in the same commit as its
       records: all or nothing.
    J4 After a reopen the head, the floor, the states, the wishes and the checkpoints are read from
       disk: resuming works before the first append.
    J5 `epoch` changes if, and only if, old sequences may mean other records.
    J6 (source, id) is kept once: a second draft of the same pair is dropped, also within one call,
       for as long as the first one is retained. Ids of a feed with a state that did not end outlive
       dropped records, within a bound that the adapter states.
    J7 Wishes and feed states of one feed are apart: storing one leaves the other as it is.
    """

    @property
    def record_bytes_max(self) -> int:
        """Bytes of one encoded record; RECORD_BYTES_MAX at most."""
        ...

    async def append(
        self,
        drafts: Sequence[Draft],
        *,
        states: Sequence[FeedState] = (),
        wishes: Sequence[Wish] = (),
        checkpoints: Sequence[tuple[str, bytes]] = (),
        fence: Fence | None = None,
    ) -> Sequence[int | None]:
        """Store in order; return the sequence of each draft, None for one that was there already.

        `fence` is of the lease that is needed for this, None where none is.
        Cancelling the caller does not undo a commit already begun; J6 absorbs the repeat.
        Raises JournalUnavailableError (wait, repeat the same; JournalFullError: nothing was stored
        and the operator has to make room), JournalCorruptError (stop),
        FencedError (nothing stored; stop following what the lease was for),
        RecordTooLargeError (nothing stored; shorten), JournalError (closed).
        """
        ...

    async def wait_above(self, seq: int) -> None:
        """Return when `head` is above `seq`. Raises JournalError when the journal is closed."""
        ...

    def add_listener(self, on_growth: Callable[[int], None]) -> Callable[[], None]:
        """Call `on_growth(head)` on the event loop after each commit that added records, when
        `read` already shows them; it must be short and not raise. Returns what undoes it.
        """
        ...

    async def states(self) -> Sequence[FeedState]:
        """What was seen of every feed, in the order of their first states."""
        ...

    async def wishes(self) -> Sequence[Wish]:
        """What is wanted of every feed, in the order they were first asked for."""
        ...

    def watch(self, on_wish: Callable[[Wish], None], on_state: Callable[[FeedState], None]) -> None:
        """Tell wishes and states when they are stored, also by other processes; never where no
        other process writes. The two must be short and not raise.
        """
        ...

    async def event_ids(self, feed: Feed, limit: int) -> Sequence[str]:
        """The newest `limit` record ids of one feed, oldest first; a dedupe cache starts so."""
        ...

    async def checkpoint(self, name: str) -> bytes | None:
        """A value stored by `append`, or None."""
        ...

    def checkpoint_age_s(self, name: str) -> float | None:
        """How long ago that value was stored, at most a few seconds too little and never too much;
        no wall clock of another machine is trusted. None: nothing but a wall clock could tell.
        """
        ...

    async def close(self) -> None:
        """Finish commits already begun, then let go of the files. Idempotent."""
        ...


class Stats(NamedTuple):
    """Sizes for metrics and /healthz."""

    records: int | None  # kept; None: the engine does not say
    bytes: int  # on disk, or of the engine's store
    wal_bytes: int  # beside them, what is not yet folded in
    recent_records: int  # in memory
    recent_bytes: int


class Retained(NamedTuple):
    """What one `retain` did."""

    dropped: int  # records
    floor: int
    bytes: int  # that hold something now
    held_bytes: int = 0  # that another program keeps from going: it reads an old state


class Upkeep(Protocol):
    """What whoever owns a journal does for it."""

    @property
    def trouble(self) -> str | None:
        """Why nothing can be stored at present, in words; None when it can."""
        ...

    @property
    def is_serving(self) -> bool:
        """Whether readers get what is true: /readyz. An engine that is away does not keep them from
        what is in memory; a file that cannot be written does.
        """
        ...

    def stats(self) -> Stats:
        """Sizes of this moment, without waiting."""
        ...

    async def retain(
        self, *, older_than_s: float | None, bytes_max: int | None, now_s: float
    ) -> Retained:
        """Drop records older than `older_than_s`, then the oldest until `bytes_max` holds.

        None is no limit. Appends go on meanwhile; may be cancelled between its steps.
        Raises JournalUnavailableError, JournalCorruptError.
        """
        ...


class Lease(Protocol):
    """The right to follow for one account, or to write one output, until it is lost or released.

    L1 Two holders of one name never have valid leases at the same time, as far as clocks run at the
       same speed; and whatever the clocks do, `append` under the older fence is refused.
    L2 What the holder remembered is handed to the next one: all of it after a release, what was
       remembered at the last renewal after a death.
    """

    fence: Fence
    inherited: bytes  # what the holder before remembered last; empty when there was none

    def is_valid(self) -> bool:
        """Whether a request under it may begin now. Once False it stays so."""
        ...

    def remember(self, memory: bytes) -> None:
        """Keep for the next holder; stored with the next renewal."""
        ...

    async def until_lost(self) -> None:
        """Return when it is another's, or may be: stop at once what rests on it."""
        ...

    async def release(self) -> None:
        """Let the next one have it without waiting. Idempotent; a lost one is left alone."""
        ...


class Leases(Protocol):
    """Who follows what, when several may."""

    async def acquire(self, name: str) -> Lease | None:
        """The lease of this name, or None while another holds it (ask again now and then)."""
        ...


class OwnedJournal(Journal, Upkeep, Leases, Protocol):
    """All of a journal, as the daemon holds it."""
