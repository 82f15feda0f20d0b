"""What the gateway needs: a dialect of one system, and the runs that the bridge knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from bridge.core.errors import Failure
from bridge.core.event import Record
from bridge.sources.port import Answer, Question


class Refusal(Protocol):
    """A refusal as the system's clients know it."""

    @property
    def status(self) -> int: ...
    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def retry_after_s(self) -> int | None: ...


class Forward(Protocol):
    """A read that is passed on to upstream."""

    @property
    def path(self) -> re.Pattern[str]: ...
    @property
    def query(self) -> frozenset[str]: ...
    @property
    def is_bare(self) -> bool: ...


class Dialect(Protocol):
    """How one system's API looks to its clients. Pure; a wing brings it."""

    @property
    def system(self) -> str: ...
    @property
    def kind(self) -> str:
        """Of the feeds that this API calls runs."""
        ...

    @property
    def prefix(self) -> str:
        """Every path that begins with it is this API's."""
        ...

    @property
    def api(self) -> str:
        """What the paths of runs begin with."""
        ...

    @property
    def event_types(self) -> Sequence[str]: ...
    @property
    def ended_type(self) -> str: ...
    @property
    def forwards(self) -> Sequence[Forward]: ...

    def description(self) -> bytes:
        """Its part of `/openapi.json`: `paths`, and the `components` that they use."""
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
    row: bytes  # upstream's object as seen last, redacted JSON; empty: nothing was seen yet
    events: int  # journalled so far
    gaps: int
    is_followed: bool
    is_ended: bool
    version: object  # another object whenever something changed


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """`[gateway]`."""

    follow: bool = True  # runs that are asked for are followed from then on
    cache_s: float = 5.0  # for which equal questions share one answer of upstream


class Runs(Protocol):
    """The runs of all accounts of the dialect's system."""

    def accounts(self) -> Sequence[str]:
        """Names of the accounts that upstream can be asked with; the default one first."""
        ...

    def seen(self, id_: str) -> Sequence[Seen]:
        """What is known of a run, by account."""
        ...

    def all(self) -> Sequence[Seen]:
        """All that are known, newest first."""
        ...

    async def follow(self, account: str, id_: str) -> None:
        """Follow from now on, durably. Raises TooManyFeedsError, JournalError."""
        ...

    def sealing_key(self, account: str) -> bytes:
        """For what may hold secrets and must survive a kill (`seal.py`)."""
        ...

    async def ask(self, account: str, question: Question) -> Answer | Failure:
        """Ask upstream once, through the account's gate, before its follows."""
        ...

    def look_soon(self, account: str, id_: str) -> None:
        """A run was changed upstream: its next page is due now, if it is followed."""
        ...
