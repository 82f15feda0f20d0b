"""What the gateway needs: the dialect of a system, and the runs that the bridge knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from bridge.core.errors import Failure
from bridge.core.event import Record
from bridge.sources.port import Answer, Question


class Refusal(Protocol):
    """A refusal in the form that the system's clients know."""

    @property
    def status(self) -> int:
        """The HTTP status of the response."""

    @property
    def code(self) -> str:
        """The system's own code, in capitals, such as `RATE_LIMITED`."""

    @property
    def message(self) -> str:
        """The text for people, already redacted."""

    @property
    def retry_after_s(self) -> int | None:
        """Seconds for the Retry-After header; None sends no header."""


class Forward(Protocol):
    """A read that the gateway forwards upstream."""

    @property
    def path(self) -> re.Pattern[str]:
        """Matches the whole path of the requests that are forwarded."""

    @property
    def query(self) -> frozenset[str]:
        """Names of the query parameters that are forwarded; the others are dropped."""

    @property
    def is_bare(self) -> bool:
        """Whether upstream answers without the API's envelope."""


class Dialect(Protocol):
    """How one system's API looks to its clients. Pure; the system's source provides it."""

    @property
    def system(self) -> str:
        """The name of the system, as in `Feed.system`."""

    @property
    def kind(self) -> str:
        """The kind of feed that this API calls runs."""
        ...

    @property
    def prefix(self) -> str:
        """The prefix of all paths of this API."""
        ...

    @property
    def api(self) -> str:
        """The prefix of the paths of runs."""
        ...

    @property
    def event_types(self) -> Sequence[str]:
        """Globs of the types of records that clients see as events."""

    @property
    def ended_type(self) -> str:
        """The type of the record after which a run's stream ends."""

    @property
    def forwards(self) -> Sequence[Forward]:
        """All reads that may be forwarded; any other path is refused here."""

    def description(self) -> bytes:
        """The API's part of `/openapi.json`: `paths`, and the `components` that they use."""
        ...

    def normal_id(self, text: str) -> str | None:
        """Return a run's id in its one form; None if upstream cannot have such an id."""

    def limit(self, text: str | None) -> int:
        """Return the page size that upstream reads from `limit`; None gives its default."""

    def success(self, data: bytes, aside: Mapping[str, Any] | None = None) -> bytes:
        """Return the envelope around `data`, with `aside` as the bridge's own members."""

    def refusal(self, refusal: Any) -> bytes:
        """Return the body of a refusal, one of those that this dialect made."""

    def of_status(self, status: int, text: str) -> Refusal:
        """Return the refusal for an HTTP status of the bridge's own."""

    def conflict(self, text: str) -> Refusal:
        """Return the refusal of an idempotency key that was used for another request."""

    def of_failure(self, failure: Failure) -> Refusal:
        """Return the refusal for a request that failed upstream."""

    def run(self, row: bytes, id_: str) -> bytes:
        """Return the run object of a row; an unreadable row gives an object with the id alone."""

    def own_links(self, answer: Any) -> Any:
        """Point the links in an answer of upstream to the bridge; changes it in place."""

    def status_of(self, row: bytes) -> str | None:
        """Return upstream's word for the run's status; None if the row has none."""

    def event(self, record: Record) -> bytes:
        """Return the event object of a record, as JSON."""

    def run_frame(self, run: bytes) -> bytes:
        """Return the first frame of a stream, which holds the run object `run`."""

    def event_frame(self, record: Record) -> bytes:
        """Return one event as a frame of a stream."""

    def wrong_start(self, key: str, body: bytes) -> str | None:
        """Return what is wrong with a request for a start; None if it may be forwarded.

        Args:
            key: The idempotency key, trimmed; empty if there was none or several.
            body: The body as the client sent it.
        """

    def row_in(self, body: bytes) -> bytes:
        """Return the row in a good answer to a read of a run; b"" if unreadable."""

    def started(self, body: bytes) -> tuple[str | None, bytes]:
        """Return the run's id and row from a good answer; None and b"" if unreadable."""


@runtime_checkable
class HasDialect(Protocol):
    """A system whose own API the bridge can serve; not every system has one."""

    @property
    def dialect(self) -> Dialect:
        """How its API speaks."""
        ...


class Seen(NamedTuple):
    """What the bridge knows of one run of one account."""

    account: str
    id: str
    row: bytes  # upstream's latest object, redacted JSON; empty before the first
    events: int  # journalled so far
    gaps: int
    is_followed: bool
    is_ended: bool
    version: object  # a different object after each change


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The settings of `[gateway]`."""

    follow: bool = True  # whether a requested run is followed from then on
    cache_s: float = 5.0  # seconds for which equal requests share one answer of upstream


class Runs(Protocol):
    """The runs of all accounts of the dialect's system."""

    def accounts(self) -> Sequence[str]:
        """Names of the accounts that can be used upstream, the default one first."""
        ...

    def seen(self, id_: str) -> Sequence[Seen]:
        """What is known of a run, one entry per account."""
        ...

    def all(self) -> Sequence[Seen]:
        """All known runs, newest first."""
        ...

    async def follow(self, account: str, id_: str) -> None:
        """Follow a run from now on. The wish is durable on return.

        Raises:
            TooManyFeedsError: The limit of followed feeds is reached.
            JournalError: The journal cannot store the wish.
        """
        ...

    def sealing_key(self, account: str) -> bytes:
        """The key for data that may hold secrets and must survive a kill (`seal.py`)."""
        ...

    async def ask(self, account: str, question: Question) -> Answer | Failure:
        """Send one request upstream through the account's limiter, ahead of its polls."""
        ...

    def look_soon(self, account: str, id_: str) -> None:
        """Make a run's next poll due now, because it was changed upstream."""
        ...
