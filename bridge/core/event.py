"""The values that flow through the bridge: feed, event, draft, record; all are immutable.

Each step makes one: bytes -> `Event` (sources) -> `Draft` (intake) -> `Record` (journal) -> bytes
(outputs).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple, cast


@dataclass(frozen=True, slots=True)
class Feed:
    """One ordered stream of events upstream: a run, a space, a sandbox.

    `feed_of` makes one. Ids are opaque: the bridge never changes case or characters.
    """

    system: str  # "mogplex": the system that defines the words and ids
    account: str  # name of the [[accounts]] entry
    kind: str  # "run"
    id: str  # upstream's id; `subject` of every record
    source: str  # CloudEvents source, "/mogplex/<account>/runs/<id>"; unique per feed


def feed_of(system: str, account: str, kind: str, id_: str) -> Feed:
    """Make a feed with the usual source, "/<system>/<account>/<kind>s/<id>", percent-encoded."""
    return Feed(system, account, kind, id_, f"/{system}/{account}/{kind}s/{percent_encoded(id_)}")


# RFC 3986, 2.3: the characters that are never encoded.
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def percent_encoded(text: str) -> str:
    """Encode one path segment (RFC 3986): UTF-8, everything but the unreserved characters.

    JSON may hold a lone surrogate, which has no UTF-8. It is encoded as the three bytes that it
    would have, so different ids never get the same segment.
    """
    return "".join(
        chr(byte) if byte in _UNRESERVED else f"%{byte:02X}"
        for byte in text.encode("utf-8", "surrogatepass")
    )


class Event(NamedTuple):
    """One event of upstream, normalized, not yet redacted."""

    id: str  # upstream's event id, opaque
    type: str  # CloudEvents type, "com.mogplex.run.event.<upstream type>"
    time: str | None  # RFC 3339 in UTC with `Z`; None without a readable time
    created_at_s: float | None  # the same instant, seconds since the epoch
    data: Mapping[str, Any]  # upstream's object, unchanged
    json: bytes | None = None  # `data` as JSON, if that is short and the source has it


class Draft(NamedTuple):
    """A record before it has a sequence: redacted, stamped, encoded.

    The encoded record is `head + <20-digit sequence> + tail`. Only the journal knows the sequence,
    but the record must be encoded only once, so the bytes come in two halves.
    """

    feed: Feed
    id: str
    type: str
    head: bytes
    tail: bytes


class Record(NamedTuple):
    """A record of the journal. `body` is one CloudEvents object in JSON, without a newline."""

    seq: int
    feed: Feed
    id: str
    type: str
    body: bytes


# Draft and record out of a tuple of their members, for who makes one for each event: the
# constructors that named tuples come with take twice as long.
draft_of: Final = cast(
    "Callable[[tuple[Feed, str, str, bytes, bytes]], Draft]", partial(tuple.__new__, Draft)
)
record_of: Final = cast(
    "Callable[[tuple[int, Feed, str, str, bytes]], Record]", partial(tuple.__new__, Record)
)
