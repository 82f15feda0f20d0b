"""The contract between the systems of upstream, their sources and the rest of the bridge.

A *system* is one kind of upstream (Mogplex, moot, MIOSA); a *source* is one account of it; a *feed*
is one ordered stream of events there (a run, a space, a sandbox). Each package
`sources/<system>/` implements `System` and `Source` and is listed in `bridge/systems.py`. All other
code knows feeds and the values of this file, but no word, number or id of any system.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from bridge.clock import Clock
from bridge.core.error_table import ErrorRow
from bridge.core.errors import Failure
from bridge.core.event import Event, Feed
from bridge.core.kind import Kind
from bridge.core.state import FeedState
from bridge.core.status import State
from bridge.core.words import SystemWords
from bridge.metrics import Metrics
from bridge.schema.upstream import UpstreamAccount
from bridge.sources.telling import (
    Answer,
    Depth,
    Finding,
    Level,
    Progress,
    Question,
    Requests,
    Standing,
)

__all__ = [
    "Account",
    "Answer",
    "Batch",
    "Depth",
    "Discovered",
    "Finding",
    "Gap",
    "Level",
    "Means",
    "OpenFeed",
    "Progress",
    "Question",
    "ReadThrough",
    "Receipt",
    "Requests",
    "Source",
    "Standing",
    "System",
    "TokenProvider",
]

# what a source hands in


@dataclass(frozen=True, slots=True)
class Gap:
    """Events that upstream had and that the source could not read."""

    reason: str  # one of `SystemWords.gap_reasons`: it is a metric label
    after: str | None  # id of the last event before the hole, if known
    before: str | None  # id of the first event after it, if known
    missing: int | None  # how many, if known


@dataclass(frozen=True, slots=True)
class Batch:
    """What one reply says about one feed. Written in this order: gaps, events, status, end.

    A field that is None or empty changes nothing.
    """

    events: Sequence[Event] = ()
    gaps: Sequence[Gap] = ()
    status: str | None = None  # upstream's raw word
    state: State | None = None  # the same in the words of all systems; given with `status`
    # Upstream's object about the feed, as this reply shows it. Set the field at every sighting,
    # changed or not: pages show the object to people, and the gateway answers clients with it.
    row: Mapping[str, Any] | None = None
    ended: bool = False  # the feed is over and complete: write `bridge.<kind>.ended`
    failure: Failure | None = None  # the source stops following: write `bridge.follow.failed`
    cursor: str | None = None  # the source's own resume state for this feed


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of `take`; the batch is durable when a receipt exists."""

    state: FeedState
    fresh: Sequence[Event]  # the events that had not been seen before, in order


class OpenFeed(Protocol):
    """A followed feed as its source sees it: the stored state, and the way to the single writer."""

    @property
    def feed(self) -> Feed:
        """The feed that is followed."""

    @property
    def state(self) -> FeedState:
        """The durable state of the feed. Read it here each time; a copy would go stale."""
        ...

    def is_known(self, event_id: str) -> bool:
        """Whether the journal has this event already, as far as its memory of ids reaches."""
        ...

    async def take(self, batch: Batch) -> Receipt:
        """Store a batch and return when it is durable; known events are dropped.

        The wait is the back-pressure: a source requests no more of this feed before `take` returns.
        Several tasks may call `take` for one feed; each batch is written as a whole.

        Returns:
            The events of the batch that were new, in order.
        """
        ...


class Discovered(Protocol):
    """Receives the feeds that a source discovers upstream (`Means.discovered`)."""

    async def found(self, feed: Feed, *, again: bool = False) -> bool:
        """Have the bridge follow this feed; waits while the journal is full.

        Cheap when the bridge follows the feed already.

        Args:
            feed: The discovered feed.
            again: Upstream works on the feed again: follow it even if it ended or had failed.

        Returns:
            True when the feed is durably followed. False when an operator stopped it (also before a
            restart), when it has ended, or when the limit of feeds is reached.
        """
        ...


# the source


class Source(Protocol):
    """One account of one system. `System.source` returns it complete."""

    @property
    def name(self) -> str:
        """The account's name."""
        ...

    @property
    def system(self) -> System:
        """The system that the account belongs to."""
        ...

    async def run(self) -> None:
        """Run the tasks that all follows share, for ever: grant turns, discover feeds, probe.

        `follow` makes progress only while this runs; `examine` does not need it. S6 holds here too.
        """
        ...

    async def follow(self, feed: OpenFeed, progress: Progress) -> None:
        """Follow one feed from its stored state until it ends or fails for good. Many run at once.

        S1 Returns after the batch with `ended` or `failure` is durable; never before. (A feed whose
           kind `may_reopen` is followed again although its state says `ended`: `follow`
           also returns when the feed is still over; another state revokes the end.)
        S2 Cancelling leaves nothing half done: what `take` returned for is kept, and the next
           follow, in this process or another, requests the rest.
        S3 Every request passes the account's gate.
        S4 Only `System.feed` names feeds: texts that upstream reads as the same id give equal
           feeds, and no two feeds share a `source`.
        S5 After `recall` of a predecessor's `memory`, both together send no more requests than one
           may. `recall` accepts any bytes and assumes the worst of bytes that it cannot read.
        S6 Nothing that upstream sends or fails to send ends `run`, or ends `follow` other than by
           S1. Both raise only cancellation and what `take` and `found` raise.
        S7 `take_over` applies all of the settings or changes nothing.
        """
        ...

    def expect(self, states: Sequence[FeedState]) -> None:
        """Announce feeds that are about to be followed, all at once.

        The source decides among all of them which one it reads first.
        """
        ...

    def take_over(self, account: Account) -> bool:
        """Apply changed settings; False when the change needs a new source (S7)."""
        ...

    def token_replaced(self) -> None:
        """Use the new token, which counts as good until upstream refuses it."""
        ...

    def ask_again(self) -> None:
        """Check the account again now: somebody may have fixed what was wrong with it."""
        ...

    def memory(self) -> bytes:
        """Return what a successor must know about this account's recent requests.

        The bridge stores it about once a second, and at once when the source awaits `Means.store`.
        """
        ...

    def recall(self, memory: bytes, age_s: float | None = None) -> None:
        """Load a predecessor's `memory` (S5); call before `run`.

        Without it a source assumes a predecessor that sent as many requests as it was allowed.

        Args:
            memory: What `memory` returned.
            age_s: How many seconds ago it was stored; None: compare the wall clocks, which must
                then agree.
        """
        ...

    def standing(self) -> Standing:
        """Return how the account stands now; called whenever somebody looks."""
        ...

    def explain(self, failure: Failure) -> str:
        """Return a sentence that says what a failed request means and what to do about it."""
        ...

    async def examine(self, depth: Depth) -> Sequence[Finding]:
        """Examine the account from outside; follow nothing, write nothing.

        The requests bypass the gate: where `run` runs, examine with a second source. The first
        finding of level PROBLEM ends the examination.
        """
        ...

    async def close(self) -> None:
        """Close the connections, after `run` and all follows were cancelled. Idempotent."""
        ...


@runtime_checkable
class ReadThrough(Protocol):
    """A source that can send a client's request upstream; not every source can."""

    async def ask(self, question: Question) -> Answer | Failure:
        """Send one request for a waiting client: ahead of all follows, through the same gate (S3).

        Returns:
            The reply, or a Failure when no reply came. When the gate has no free place, nothing is
            sent, and the failure's `wait_s` (seconds) says when to try again.
        """
        ...

    def look_soon(self, feed: Feed) -> None:
        """Read this feed next, in any free place: somebody changed it upstream.

        Does nothing when this source does not follow the feed.
        """
        ...


# the system


class TokenProvider(Protocol):
    """Provides the current token of an account."""

    def token(self) -> str:
        """The credential as it is now; call this before every request."""
        ...

    @property
    def described(self) -> str:
        """Where the token comes from, for people: "file /run/secrets/mogplex"."""
        ...


class Account(Protocol):
    """One configured account, checked and ready for use."""

    @property
    def name(self) -> str:
        """The name that the configuration gives the account."""

    @property
    def settings(self) -> UpstreamAccount:
        """An instance of the system's `section`."""
        ...

    @property
    def base_url(self) -> str:
        """The origin, as returned by `UpstreamAccount.origin`."""
        ...

    @property
    def tokens(self) -> TokenProvider:
        """Where the account's token comes from."""


@dataclass(frozen=True, slots=True)
class Means:
    """The services that the bridge gives to a source."""

    clock: Clock
    metrics: Metrics
    redact: Callable[[str], str]  # for every text of upstream's outside events and rows
    jitter: Callable[[], float]  # a number in [0, 1)
    discovered: Discovered
    # Stores the memory of an account. A source awaits it before it sends more requests than a
    # successor that does not know of them could make up for.
    store: Callable[[str], Awaitable[None]]
    # Facts about servers, shared by the accounts of one bridge. A system keeps its values under
    # keys that begin with its name, such as ("mogplex", base URL).
    learnt: MutableMapping[tuple[str, str], Any]
    # Returns the aiohttp connector to the servers; None: the network.
    connector: Callable[[], Any] | None = None
    # Another process may take over at any moment: store each request before sending it.
    is_shared: bool = False


class System(Protocol):
    """One kind of upstream. Importing one is cheap: only `source` imports code that speaks HTTP."""

    @property
    def name(self) -> str:
        """`system` in the configuration, in lower-case letters; every `source` begins with it."""
        ...

    @property
    def title(self) -> str:
        """For people: "Mogplex"."""
        ...

    @property
    def section(self) -> type[UpstreamAccount]:
        """The settings of an account of this system: its own keys beside the common ones."""
        ...

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The kinds of feeds by name; the first one is the default."""
        ...

    @property
    def words(self) -> SystemWords:
        """The closed sets of this system's words: metric labels, and codes that people can fix."""
        ...

    def feed(self, account: str, kind: str, id_: str) -> Feed:
        """Name a feed (S4). Pure.

        Args:
            account: The account's name.
            kind: One of `kinds`.
            id_: The id in any form that people write it in.

        Raises:
            ValueError: The kind is unknown, or upstream cannot have such an id. The message says
                which kinds or ids there are; it may repeat the first 100 characters of the input.
        """
        ...

    def plain(self, record: Mapping[str, Any]) -> bytes | None:
        """Return the line that the vendor's own tools print for a record. Pure.

        Args:
            record: The whole CloudEvents object, of a feed of this system.

        Returns:
            The line without its line end, or None when the tools print nothing for this record.
        """
        ...

    def source(self, account: Account, means: Means) -> Source:
        """Create the source of an account; sends no request yet."""
        ...


@runtime_checkable
class Explains(Protocol):
    """A system that documents what its error codes mean; not every system has codes."""

    @property
    def errors(self) -> Sequence[ErrorRow]:
        """The rows of its error codes, as `docs/` prints them."""
        ...
