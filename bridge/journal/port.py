"""The promises of every journal. Tests and reviews cite their numbers.

All modules use `Reader` and `Journal`; only the daemon uses `Upkeep` and `Leases`.
Sequences only grow. Nobody outside of `journal/` may count records by them, or expect the next one
to be one more: an engine may give sequences to other things too. Use `records_between` to count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from bridge.core.errors import JournalError
from bridge.core.event import Draft, Feed, Record
from bridge.core.filter import EVERYTHING, Filter
from bridge.core.state import FeedState, Wish

# The most records that one `read` examines while it searches for matches: some 5 ms of one thread.
LOOKED_AT_MAX = 5000
# Bytes of one encoded record: far above any event seen, and small enough to hold a few in memory.
RECORD_BYTES_MAX = 4 * 1024 * 1024


class RecordTooLargeError(JournalError):
    """A record is over the limit; nothing of that `append` was stored. Shorten it and retry."""


class FencedError(JournalError):
    """Another process holds the lease of this append now; nothing was stored."""


class Fence(NamedTuple):
    """The proof of a lease, passed to `append`. Only the journal that made it can read it."""

    name: str  # the name of the lease
    number: int  # grows with every holder


class Page(NamedTuple):
    """Records after a position, oldest first; `next_after` moves even if none passed the filter."""

    records: Sequence[Record]
    next_after: int


class Reader(Protocol):
    """The reading half, for any number of readers."""

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
        """The sequence from which on nothing was dropped.

        It is 1 until records are dropped, then one above the newest dropped record; head + 1 at
        most. The oldest record kept may have a higher sequence.
        """
        ...

    def records_between(self, after: int, through: int) -> int | None:
        """Return how many records ever had after < sequence <= through; None: unknown."""
        ...

    async def catch_up(self) -> None:
        """Read what other processes wrote: afterward `head` is what was durable at the call.

        Raises:
            JournalUnavailableError: The engine does not answer now.
        """
        ...

    async def read(self, after: int, limit: int, only: Filter = EVERYTHING) -> Page:
        """Return records with a sequence above `after`.

        A call examines a bounded number of records, so a page may be short or empty although more
        match further on: continue from `next_after` until it equals `head`. Records below the floor
        are skipped without an error: compare `after` with `floor` after the page arrived. The floor
        moves before records are dropped, so a page is complete if `floor <= after + 1` then.

        Args:
            after: The sequence before the first record.
            limit: The most records to return.
            only: The condition of a record.

        Returns:
            A page with at most `limit` records, oldest first.
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
       for as long as the first one is retained. Ids of a feed that has not ended outlive dropped
       records, within a bound that the adapter states.
    J7 Wishes and feed states of one feed are apart: storing one leaves the other as it is.
    """

    @property
    def record_bytes_max(self) -> int:
        """The limit of one encoded record in bytes; at most RECORD_BYTES_MAX."""
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
        """Store drafts, states, wishes and checkpoints in one commit.

        Cancelling the caller does not undo a commit that has begun; J6 drops the repeat.

        Args:
            drafts: The records, in order.
            states: What was seen of feeds.
            wishes: Which feeds to follow.
            checkpoints: Values by name.
            fence: The fence of the lease that this append needs; None if it needs none.

        Returns:
            The sequence of each draft, None for one that the journal had already.

        Raises:
            JournalUnavailableError: Wait, then repeat the same call.
            JournalFullError: Nothing was stored; the operator has to free space.
            JournalCorruptError: The files are damaged; stop.
            FencedError: Nothing was stored; stop following what the lease was for.
            RecordTooLargeError: Nothing was stored; shorten the record.
            JournalError: The journal is closed.
        """
        ...

    async def wait_above(self, seq: int) -> None:
        """Return when `head` is above `seq`.

        Raises:
            JournalError: The journal is closed.
        """
        ...

    def add_listener(self, on_growth: Callable[[int], None]) -> Callable[[], None]:
        """Register a callback for growth.

        The event loop calls `on_growth(head)` after each commit that added records, when `read`
        already returns them. The callback must be short and not raise.

        Returns:
            A function that removes the callback.
        """
        ...

    async def states(self) -> Sequence[FeedState]:
        """Return the state of every feed, in the order of their first states."""
        ...

    async def wishes(self) -> Sequence[Wish]:
        """Return the wish about every feed, in the order in which they were first requested."""
        ...

    def watch(self, on_wish: Callable[[Wish], None], on_state: Callable[[FeedState], None]) -> None:
        """Call back when a wish or a state is stored, also by other processes.

        Where no other process writes, nothing calls back. The callbacks must be short and not
        raise.
        """
        ...

    async def event_ids(self, feed: Feed, limit: int) -> Sequence[str]:
        """Return the newest `limit` record ids of one feed, oldest first, for a dedupe cache."""
        ...

    async def checkpoint(self, name: str) -> bytes | None:
        """Return a value stored by `append`, or None."""
        ...

    def checkpoint_age_s(self, name: str) -> float | None:
        """Return how many seconds ago the value was stored: a few too few, never too many.

        The engine trusts no wall clock of another machine. None: only a wall clock could tell.
        """
        ...

    async def close(self) -> None:
        """Finish commits that have begun, then close the files. Idempotent."""
        ...


class Stats(NamedTuple):
    """Sizes for metrics and /healthz."""

    records: int | None  # kept records; None: the engine does not report it
    bytes: int  # on disk, or in the engine's store
    wal_bytes: int  # beside them: the log that is not merged yet
    recent_records: int  # in memory
    recent_bytes: int


class Retained(NamedTuple):
    """The result of one `retain`."""

    dropped: int  # records
    floor: int
    bytes: int  # bytes in use after it
    held_bytes: int = 0  # bytes that another program keeps, because it reads an old state


class Upkeep(Protocol):
    """The maintenance that the owner of a journal does."""

    @property
    def trouble(self) -> str | None:
        """Why the journal can store nothing at present, in words; None when it can."""
        ...

    @property
    def is_serving(self) -> bool:
        """Whether readers get correct data, for /readyz.

        An absent engine does not prevent reads from memory; an unwritable file does.
        """
        ...

    def stats(self) -> Stats:
        """Return the present sizes, without waiting."""
        ...

    async def retain(
        self, *, older_than_s: float | None, bytes_max: int | None, now_s: float
    ) -> Retained:
        """Drop records older than `older_than_s` seconds, then the oldest until `bytes_max` holds.

        None is no limit. Appends continue meanwhile; the call may be cancelled between its steps.

        Args:
            older_than_s: The greatest age, seconds.
            bytes_max: The greatest size, bytes.
            now_s: The wall clock, epoch seconds.

        Raises:
            JournalUnavailableError: Retry later.
            JournalCorruptError: The files are damaged.
        """
        ...


class Lease(Protocol):
    """The right to follow for one account, or to write one output, until it is lost or released.

    L1 Two holders of one name never have valid leases at the same time, as far as clocks run at the
       same speed; and whatever the clocks do, `append` under the older fence is refused.
    L2 The next holder gets what the holder remembered: all of it after a release; after a death,
       what the last renewal stored.
    """

    fence: Fence
    inherited: bytes  # what the previous holder last remembered; empty when there was none

    def is_valid(self) -> bool:
        """Whether a request under it may begin now. Once False it stays so."""
        ...

    def remember(self, memory: bytes) -> None:
        """Store a memory for the next holder, with the next renewal."""
        ...

    async def until_lost(self) -> None:
        """Return when another process may hold the lease: stop all that depends on it at once."""
        ...

    async def release(self) -> None:
        """Release it, so that the next holder need not wait. Idempotent, also after a loss."""
        ...


class Leases(Protocol):
    """The leases of a journal that several processes share."""

    async def acquire(self, name: str) -> Lease | None:
        """Return the lease of this name; None while another process holds it: retry later.

        Raises:
            JournalUnavailableError: The engine does not answer now.
        """
        ...


class OwnedJournal(Journal, Upkeep, Leases, Protocol):
    """A whole journal, as the daemon owns it."""
