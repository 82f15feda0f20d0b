"""The values in which a source tells how things stand; part of its port."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.core.errors import Failure


@dataclass(slots=True)
class Progress:
    """How one follow is going, for people; its source keeps it current, nobody decides by it.

    Instants are of the monotonic clock.
    """

    followed_by: str | None = None  # "poll", "stream", "websocket"; None before the first reply
    failure: Failure | None = None  # of the latest request; None after a good one
    failures_in_row: int = 0
    read_at: float | None = None  # up to then everything that upstream shows is known
    retry_at: float | None = None  # before then nothing is asked


@dataclass(frozen=True, slots=True)
class Requests:
    """How an account stands with upstream's limit of requests. Instants are monotonic seconds."""

    used: int  # in the window of the limit, or under way
    budget: int  # that this bridge allows itself a window
    window_s: float = 60.0  # length of the window
    assumed: int = 0  # of the used ones: what a predecessor may have asked, believed without proof
    others: float = 0.0  # of other programs, believed to be in the window
    refusals: int = 0  # 429 answers since the start
    blocked_until: float | None = None  # the gate is closed until then
    waited_s: Mapping[str, float] = field(default_factory=dict)  # by reason, since the start


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands: for checks, gauges and `top`. Instants are monotonic seconds."""

    detail: str  # a sentence for people: "token accepted"
    failure: Failure | None = None  # what holds the whole account up: a refused token, say
    suspended_since: float | None = None  # nothing but a slow probe is asked since then
    refused_since: float | None = None  # the first of the refusals that led to that
    retry_at: float | None = None  # the next probe
    was_accepted: bool = False  # the credential was good for a request
    requests: Requests | None = None  # None: upstream knows no limit, or none that is kept here
    oldest_read_at: float | None = None  # of the feed that waits longest for news; None: no feed


class Level(enum.StrEnum):
    """What a finding means for somebody who wants to follow."""

    OK = "ok"
    NOTE = "note"  # it works, but an operator should know
    PROBLEM = "problem"  # nothing can be followed like this


@dataclass(frozen=True, slots=True)
class Finding:
    """What one question of an examination brought to light, in words."""

    about: str  # "server", "token", "clock", "scope", "stream", "sharing", ...
    level: Level
    text: str
    failure: Failure | None = None


class Depth(enum.IntEnum):
    """How much an examination may ask."""

    TOKEN = 1  # is the token good: one question, asked again when a refusal may be a mistake
    ALL = 2  # everything that a few reads tell
    FILL = 3  # also what uses up the account's budget


@dataclass(frozen=True, slots=True)
class Question:
    """A request of a client that upstream is to answer. Holds no credential."""

    method: str  # "GET", "POST"
    path: str  # behind the origin, encoded as on the wire
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)  # only those that upstream is to see
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """Upstream's reply to a question, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes  # not redacted yet
