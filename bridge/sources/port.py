"""What the systems of upstream, their sources and the rest of the bridge promise each other.

A *system* is one kind of upstream (Mogplex, moot, MIOSA); a *source* is one account of it; a *feed*
is one ordered stream of events there (a run, a space, a sandbox). A wing, `sources/<system>/`,
implements `System` and `Source` and is listed in `bridge/systems.py`. Everybody else knows feeds
and the values of this file, and no word, number or id of any system.
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
    """A hole that is known and could not be filled."""

    reason: str  # one of `SystemWords.gap_reasons`: it is a metric label
    after: str | None  # id of the last event before the hole, if known
    before: str | None  # id of the first event after it, if known
    missing: int | None  # how many, if known


@dataclass(frozen=True, slots=True)
class Batch:
    """What one reply taught about one feed. Written in this order: gaps, events, status, end.

    What is None or empty leaves things as they were.
    """

    events: Sequence[Event] = ()
    gaps: Sequence[Gap] = ()
    status: str | None = None  # upstream's raw word
    state: State | None = None  # the same in the words of all systems; given with `status`
    # Upstream's object about the feed, as this reply showed it. Give it at every sighting, changed
    # or not: it is shown to people and answers clients of the gateway.
    row: Mapping[str, Any] | None = None
    ended: bool = False  # the feed is over and complete: write `bridge.<kind>.ended`
    failure: Failure | None = None  # the follow is given up: write `bridge.follow.failed`
    cursor: str | None = None  # the source's own resume state for this feed


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch: it is durable when this exists."""

    state: FeedState
    fresh: Sequence[Event]  # the events that had not been seen before, in order


class OpenFeed(Protocol):
    """A followed feed as its source sees it: what is known of it, and the way to the one writer."""

    @property
    def feed(self) -> Feed: ...

    @property
    def state(self) -> FeedState:
        """What is durable about it now. Its one owner is behind this port; keep no copy."""
        ...

    def is_known(self, event_id: str) -> bool:
        """Whether an event was taken already, as far as memory reaches."""
        ...

    async def take(self, batch: Batch) -> Receipt:
        """Return when the batch is durable. Waiting here is the back-pressure: ask upstream for no
        more of this feed before it returns. Events that were seen before are dropped.

        Batches of one feed may be handed in by several tasks; each is taken whole.
        """
        ...


class Discovered(Protocol):
    """Where a source tells what it finds upstream (`Means.discovered`)."""

    async def found(self, feed: Feed, *, again: bool = False) -> bool:
        """Have this feed followed from now on; cheap when it is already. Durable on return.

        `again`: also when it had ended or was given up: upstream has taken it up again. False when
        it is not followed for all that: an operator stopped it (which holds over restarts too), it
        had ended, or the limit of feeds is reached. While the journal is full this waits.
        """
        ...


# the source


class Source(Protocol):
    """One account of one system. Made by `System.source`, and whole from then on."""

    @property
    def name(self) -> str:
        """The account's name."""
        ...

    @property
    def system(self) -> System:
        """What it is an account of."""
        ...

    async def run(self) -> None:
        """Do what the follows need in common, for ever: grant turns, discover feeds, probe.

        `follow` goes on only while this runs; `examine` does not need it. S6 holds here too.
        """
        ...

    async def follow(self, feed: OpenFeed, progress: Progress) -> None:
        """Follow one feed from its stored state until it ended or was given up. Many run at once.

        S1 Returns after the batch with `ended` or `failure` is durable; never before. (A feed whose
           kind `may_reopen` is followed again although its state says `ended`: returns also when
           it finds it still over; a batch with another state takes the end back.)
        S2 Cancelling leaves nothing half done: what `take` returned for is kept, the rest is
           asked for again when the feed is followed anew, in this process or another.
        S3 Every request passes the account's gate.
        S4 A feed is named by `System.feed` alone: what upstream means by one text gives equal
           feeds, other feeds never have its `source`; what upstream cannot know raises ValueError
           with a sentence.
        S5 After `recall` of what a predecessor's `memory` returned, both together ask no more than
           one may. `recall` takes any bytes: what it cannot read, it assumes the worst of.
        S6 Nothing that upstream sends or fails to send ends `run`, or `follow` other than by S1.
           Out of both come only cancellation and what `take` and `found` raise.
        S7 `take_over` takes all of the settings or changes nothing.
        """
        ...

    def expect(self, states: Sequence[FeedState]) -> None:
        """These feeds are about to be followed, all at once: whom to hear first is decided among
        all of them.
        """
        ...

    def take_over(self, account: Account) -> bool:
        """Go on with changed settings; False when that takes a new source (S7)."""
        ...

    def token_replaced(self) -> None:
        """Another token is in its place: it is believed until it is refused."""
        ...

    def ask_again(self) -> None:
        """Somebody may have mended what is wrong with the account: find out now."""
        ...

    def memory(self) -> bytes:
        """What a successor has to know of this account's requests; stored about once a second, and
        at once by `Means.store`.
        """
        ...

    def recall(self, memory: bytes, age_s: float | None = None) -> None:
        """Take over what a predecessor knew (S5); call before `run`.

        `age_s`: how long ago it was stored, if that can be told; else the wall clock has to tell,
        which must be the predecessor's then. Without a call the worst is assumed: a predecessor
        that asked as often as it might.
        """
        ...

    def standing(self) -> Standing:
        """How the account stands now; called whenever somebody looks."""
        ...

    def explain(self, failure: Failure) -> str:
        """What a refused or failed read means and what to do about it: a sentence for people."""
        ...

    async def examine(self, depth: Depth) -> Sequence[Finding]:
        """Look at the account from outside; follow nothing, write nothing.

        It asks directly: where `run` runs, use a source of its own. The first finding of level
        PROBLEM ends it.
        """
        ...

    async def close(self) -> None:
        """Let go of connections. After `run` and all follows were cancelled. Idempotent."""
        ...


@runtime_checkable
class ReadThrough(Protocol):
    """A source that can ask upstream on behalf of a client; not every one can."""

    async def ask(self, question: Question) -> Answer | Failure:
        """One request for somebody who waits: before all follows, through the same gate (S3).

        A Failure when no reply came, or when the gate would refuse it now (`wait_s` says for how
        long): upstream was not asked then.
        """
        ...

    def look_soon(self, feed: Feed) -> None:
        """Somebody changed this feed upstream: what it is now is the next thing to ask for it, in
        any free place. Nothing happens when it is not followed here.
        """
        ...


# the system


class TokenProvider(Protocol):
    """The current token of an account."""

    def token(self) -> str:
        """The credential as it is now; ask again before every request."""
        ...

    @property
    def described(self) -> str:
        """Where it comes from, for people: "file /run/secrets/mogplex"."""
        ...


class Account(Protocol):
    """One configured account, checked and ready for use."""

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> UpstreamAccount:
        """An instance of the system's `section`."""
        ...

    @property
    def base_url(self) -> str:
        """As `UpstreamAccount.origin` made it."""
        ...

    @property
    def tokens(self) -> TokenProvider: ...


@dataclass(frozen=True, slots=True)
class Means:
    """What a source is given to work with."""

    clock: Clock
    metrics: Metrics
    redact: Callable[[str], str]  # for every text of upstream's that is not part of an event or row
    jitter: Callable[[], float]  # a number in [0, 1)
    discovered: Discovered
    # Stores the memory of an account; awaited before more is asked than a successor that does not
    # know of it could make up for.
    store: Callable[[str], Awaitable[None]]
    # What is learnt about servers, shared by the accounts of one bridge. A system keeps its values
    # under keys that begin with its name, such as ("mogplex", base URL).
    learnt: MutableMapping[tuple[str, str], Any]
    # Makes the way to the servers (an aiohttp connector); None: the network.
    connector: Callable[[], Any] | None = None
    # Another process may take over at any moment: nothing is asked before `store` knows of it.
    is_shared: bool = False


class System(Protocol):
    """One kind of upstream. Importing one is cheap: what speaks HTTP is imported by `source`."""

    @property
    def name(self) -> str:
        """`system` in the configuration; lower-case letters. The first part of every `source`."""
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
        """The kinds of feeds by name; the first is the one that is meant when none is named."""
        ...

    @property
    def words(self) -> SystemWords:
        """The closed sets of this system's words: labels of metrics, codes that can be mended."""
        ...

    def feed(self, account: str, kind: str, id_: str) -> Feed:
        """Name a feed, `id_` in any form that people write it in (S4). Pure.

        Raises ValueError: a sentence that says what an id of this kind is, or which kinds there
        are. It may repeat the first 100 characters of what was given.
        """
        ...

    def plain(self, record: Mapping[str, Any]) -> bytes | None:
        """The line that the vendor's own tools print for a record, without line end; None: none.

        `record` is the whole CloudEvents object, of a feed of this system. Pure.
        """
        ...

    def source(self, account: Account, means: Means) -> Source:
        """Make a source. Asks nothing yet."""
        ...


@runtime_checkable
class Explains(Protocol):
    """A system that knows what its refusals mean, code by code; not every one has codes."""

    @property
    def errors(self) -> Sequence[ErrorRow]: ...
