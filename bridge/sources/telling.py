"""The values in which a source reports its state; part of its port."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.core.errors import Failure


@dataclass(slots=True)
class Progress:
    """How one follow is going, for people. Its source keeps it current; no code decides by it.

    Instants are of the monotonic clock.
    """

    followed_by: str | None = None  # "poll", "stream", "websocket"; None before the first reply
    failure: Failure | None = None  # of the latest request; None after a good one
    failures_in_row: int = 0
    read_at: float | None = None  # the follow knows everything that upstream showed until then
    retry_at: float | None = None  # the follow sends no request before then


@dataclass(frozen=True, slots=True)
class Requests:
    """An account's use of upstream's request limit. Instants are monotonic seconds."""

    used: int  # requests in the window of the limit, or under way
    budget: int  # requests that this bridge allows itself per window
    window_s: float = 60.0  # length of the window
    assumed: int = 0  # part of `used`: requests that a predecessor may have sent
    others: float = 0.0  # requests of other programs, estimated, in the window
    refusals: int = 0  # 429 answers since the start
    blocked_until: float | None = None  # the gate is closed until then
    waited_s: Mapping[str, float] = field(default_factory=dict)  # by reason, since the start


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of an account: for checks, gauges and `top`. Instants are monotonic seconds."""

    detail: str  # a sentence for people: "token accepted"
    failure: Failure | None = None  # what stops the whole account: a refused token, say
    suspended_since: float | None = None  # since then the source sends only slow probes
    refused_since: float | None = None  # the first of the refusals that suspended the account
    retry_at: float | None = None  # the next probe
    was_accepted: bool = False  # upstream accepted the credential at least once
    requests: Requests | None = None  # None: upstream has no limit, or the source keeps none
    oldest_read_at: float | None = None  # the longest unread feed; None: no feed


class Level(enum.StrEnum):
    """What a finding means for somebody who wants to follow."""

    OK = "ok"
    NOTE = "note"  # it works, but an operator should know
    PROBLEM = "problem"  # nothing can be followed like this


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of an examination, in words."""

    about: str  # "server", "token", "clock", "scope", "stream", "sharing", ...
    level: Level
    text: str
    failure: Failure | None = None


class Depth(enum.IntEnum):
    """How many requests an examination may send."""

    TOKEN = 1  # one request shows whether the token is good; a doubtful refusal is tried again
    ALL = 2  # everything that a few reads show
    FILL = 3  # also use up the account's budget


@dataclass(frozen=True, slots=True)
class Question:
    """A request of a client, to be sent upstream. Holds no credential."""

    method: str  # "GET", "POST"
    path: str  # behind the origin, encoded as on the wire
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)  # only those for upstream
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """Upstream's reply to a `Question`, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes  # not redacted yet
