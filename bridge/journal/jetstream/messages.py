"""The messages of the stream: subjects and payloads.

    STREAM.ev.<feed>      a record: lengths, id, type, and the two halves of its body
    STREAM.feed.<feed>    the feed of the token
    STREAM.st.<feed>      the feed's state
    STREAM.wi.<feed>      the wish about the feed
    STREAM.cp.<name>      a checkpoint
    STREAM.cur.<lease>    the last append under a lease: its sequence is the fence
    STREAM.lease.<name>   the holder of a lease
    STREAM.meta           epoch and floor

All but records replace the message before them on their subject (a rollup). Only the engine knows a
record's sequence when it stores it, so the reader puts the body together.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from bridge.core.errors import JournalVersionError
from bridge.core.event import Draft, Feed, Record, record_of
from bridge.core.state import By, FeedState, Wish
from bridge.core.status import State

ROLLUP = {"Nats-Rollup": "sub"}
_LENGTHS = struct.Struct(">BHHI")  # format 1, bytes of id, of type, of the first half
_FORMAT = 1


class Outgoing(NamedTuple):
    """A message to be stored."""

    subject: str
    payload: bytes
    headers: Mapping[str, str] = {}


class Subjects:
    """The subjects of one stream."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self.all = f"{stream}.>"
        self.records = f"{stream}.ev.>"
        self.meta = f"{stream}.meta"
        self.tables = [f"{stream}.{kind}.>" for kind in ("feed", "st", "wi", "cp", "lease")]
        self.tables.append(self.meta)

    def of(self, kind: str, token: str) -> str:
        """Return the subject of a kind of message, such as `ev`, for a token."""
        return f"{self._stream}.{kind}.{token}"

    def split(self, subject: str) -> tuple[str, str]:
        """Return kind and token of a subject of this stream."""
        kind, _, token = subject[len(self._stream) + 1 :].partition(".")
        return kind, token


@lru_cache(maxsize=16_384)  # every record needs it; at most 10,000 feeds are followed at a time
def token_of(source: str) -> str:
    """Return a feed's name in subjects, where "." and "*" are special: 120 bits of its source."""
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).digest()
    return base64.b32encode(digest[:15]).decode()


def name_token(name: str) -> str:
    """Return the name of a lease or a checkpoint in subjects; a hash for long ones."""
    data = name.encode("utf-8", "surrogatepass")
    if len(data) > 60:
        data = hashlib.sha256(data).digest()
    return base64.b32encode(data).decode().rstrip("=") or "0"


def record_payload(draft: Draft) -> bytes:
    """Encode a draft.

    Raises:
        UnicodeEncodeError: No JSON can hold the id.
    """
    id_, type_ = draft.id.encode(), draft.type.encode()
    lengths = _LENGTHS.pack(_FORMAT, len(id_), len(type_), len(draft.head))
    return b"".join((lengths, id_, type_, draft.head, draft.tail))


def to_record(seq: int, feed: Feed, payload: bytes) -> Record:
    """Decode a record.

    Raises:
        ValueError: The payload is no record of ours.
    """
    format_, id_bytes, type_bytes, head_bytes = _lengths(payload)
    if format_ != _FORMAT:
        raise ValueError(f"record {seq} has format {format_}")
    at = _LENGTHS.size
    id_ = payload[at : at + id_bytes].decode()
    at += id_bytes
    type_ = payload[at : at + type_bytes].decode()
    at += type_bytes
    if at + head_bytes > len(payload):
        raise ValueError(f"record {seq} is too short")
    body = b"%b%020d%b" % (payload[at : at + head_bytes], seq, payload[at + head_bytes :])
    return record_of((seq, feed, id_, type_, body))


def id_of(payload: bytes) -> str:
    """Return only the id.

    Raises:
        ValueError: The payload is no record of ours.
    """
    _, id_bytes, _, _ = _lengths(payload)
    return payload[_LENGTHS.size : _LENGTHS.size + id_bytes].decode()


def _lengths(payload: bytes) -> tuple[int, int, int, int]:
    try:
        return _LENGTHS.unpack_from(payload)
    except struct.error:
        raise ValueError("too short for a record") from None


def feed_payload(feed: Feed) -> bytes:
    """Encode a feed, so that every replica can name it by its token."""
    return _dumps([feed.system, feed.account, feed.kind, feed.id, feed.source])


def to_feed(payload: bytes) -> Feed:
    """Decode a feed."""
    return Feed(*json.loads(payload))


def state_payload(state: FeedState, place: int) -> bytes:
    """`place` orders feeds by their first state."""
    return _dumps(
        {
            "place": place,
            "status": state.status,
            "state": state.state,
            "ended": state.ended,
            "failed": state.failed,
            "asked": state.asked,
            "events": state.events,
            "gaps": state.gaps,
            "marks": state.marks,
            "cursor": state.cursor,
            "last": state.last_event_at_s,
            "row": base64.b64encode(state.row).decode(),
            "notes": base64.b64encode(state.notes).decode(),
        }
    )


def to_state(feed: Feed, payload: bytes) -> tuple[int, FeedState]:
    """Decode a feed's state; returns its place in the order of feeds too."""
    said = json.loads(payload)
    return said["place"], FeedState(
        feed,
        status=said["status"],
        state=State(said["state"]),
        ended=said["ended"],
        failed=said["failed"],
        asked=said["asked"],
        events=said["events"],
        gaps=said["gaps"],
        marks=said["marks"],
        cursor=said["cursor"],
        last_event_at_s=said["last"],
        row=base64.b64decode(said["row"]),
        notes=base64.b64decode(said.get("notes", "")),
    )


def wish_payload(wish: Wish, place: int) -> bytes:
    """Encode a wish, with its place in the order of wishes."""
    return _dumps(
        {
            "place": place,
            "followed": wish.followed,
            "by": wish.by,
            "added": wish.added_at_s,
            "asked": wish.asked,
        }
    )


def to_wish(feed: Feed, payload: bytes) -> tuple[int, Wish]:
    """Decode a wish; returns its place in the order of wishes too."""
    said = json.loads(payload)
    wish = Wish(feed, said["followed"], By(said["by"]), said["added"], said["asked"])
    return said["place"], wish


def checkpoint_payload(name: str, value: bytes) -> bytes:
    """Encode a checkpoint: the length of its name in 4 bytes, name, value."""
    data = name.encode("utf-8", "surrogatepass")
    return len(data).to_bytes(4, "big") + data + value


def to_checkpoint(payload: bytes) -> tuple[str, bytes]:
    """Decode a checkpoint into its name and value."""
    end = 4 + int.from_bytes(payload[:4], "big")
    return payload[4:end].decode("utf-8", "surrogatepass"), payload[end:]


class Holder(NamedTuple):
    """The contents of a lease's message."""

    owner: str | None  # None: released
    memory: bytes

    def payload(self) -> bytes:
        """Encode the holder of a lease."""
        return _dumps({"owner": self.owner, "memory": base64.b64encode(self.memory).decode()})


def to_holder(payload: bytes) -> Holder:
    """Decode the holder of a lease."""
    said = json.loads(payload)
    return Holder(said["owner"], base64.b64decode(said["memory"]))


class Meta(NamedTuple):
    """The properties of the stream as a journal."""

    epoch: str
    floor: int

    def payload(self) -> bytes:
        """Encode the properties, with the format of the stream's messages."""
        return _dumps({"format": _FORMAT, "epoch": self.epoch, "floor": self.floor})


def to_meta(payload: bytes) -> Meta:
    """Decode the properties.

    Raises:
        JournalVersionError: A newer version of the program wrote the stream.
    """
    said = json.loads(payload)
    if said["format"] > _FORMAT:
        raise JournalVersionError(
            f"journal: a newer version wrote the stream (format {said['format']}, this program"
            f" knows {_FORMAT}); upgrade this replica"
        )
    return Meta(said["epoch"], said["floor"])


def _dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
