"""What the gateway needs: the dialect of a system, and the runs that the bridge knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from bridge.core.errors import Failure
from bridge.core.event import Record
from bridge.sources.port import Answer, Question


class Refusal(Protocol):
    """A refusal in the form that the system's clients know."""

    @property
    def status(self) -> int: ...
    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def retry_after_s(self) -> int | None: ...


class Forward(Protocol):
    """A read that the gateway forwards upstream."""

    @property
    def path(self) -> re.Pattern[str]: ...
    @property
    def query(self) -> frozenset[str]: ...
    @property
    def is_bare(self) -> bool: ...


class Dialect(Protocol):
    """How one system's API looks to its clients. Pure; the system's source provides it."""

    @property
    def system(self) -> str: ...
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
    def event_types(self) -> Sequence[str]: ...
    @property
    def ended_type(self) -> str: ...
    @property
    def forwards(self) -> Sequence[Forward]: ...

    def description(self) -> bytes:
        """The API's part of `/openapi.json`: `paths`, and the `components` that they use."""
        ...

    def normal_id(self, text: str) -> str | None: ...
    def limit(self, text: str | None) -> int: ...
    def success(self, data: bytes, aside: Mapping[str, Any] | None = None) -> bytes: ...
    def refusal(self, refusal: Any) -> bytes: ...
    def of_status(self, status: int, text: str) -> Refusal: ...
    def conflict(self, text: str) -> Refusal: ...
    def of_failure(self, failure: Failure) -> Refusal: ...
    def run(self, row: bytes, id_: str) -> bytes: ...
    def own_links(self, answer: Any) -> Any: ...
    def status_of(self, row: bytes) -> str | None: ...
    def event(self, record: Record) -> bytes: ...
    def run_frame(self, run: bytes) -> bytes: ...
    def event_frame(self, record: Record) -> bytes: ...
    def wrong_start(self, key: str, body: bytes) -> str | None: ...
    def started(self, body: bytes) -> tuple[str | None, bytes]: ...


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
