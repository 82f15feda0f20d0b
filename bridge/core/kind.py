"""The properties of one kind of feed that the general modules need. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Plain = Mapping[str, Any]  # a JSON object, redacted


def _nothing(_row: Plain) -> Plain:
    return {}


@dataclass(frozen=True, slots=True)
class Kind:
    """How the records of one kind of feed are named, and how to describe its row to people."""

    name: str  # "run": in URLs, labels and `bridge.<name>.ended`
    type_prefix: str  # "com.mogplex.run": the prefix of its records' types
    id_field: str | None = None  # "runId": another name for the id in the bridge's own records
    # Upstream may reopen an ended feed. When somebody asks to follow it again, or discovery finds
    # it alive, the bridge reads it once more.
    may_reopen: bool = False
    # Describes a row (redacted) for people, JSON-ready, with these members where they are known:
    # title, harness, branch, repoId, startedAt, endedAt (RFC 3339 in UTC with `Z`),
    # durationSeconds, error. Accepts any object and never raises.
    describe: Callable[[Plain], Plain] = _nothing
    # Updates the notes for people: takes the notes so far and the data of new events, in order, and
    # returns the new notes. They are stored with the feed's state: keep them small.
    note: Callable[[Plain, Sequence[Plain]], Plain] | None = None
    # Used with `note`, instead of `describe`: describes row and notes together; may also return
    # `currentTool` with `since`, `lastText`, and other members of the kind (`openapi.json`, Feed).
    recall: Callable[[Plain, Plain], Plain] | None = None

    def tell(self, row: Plain, notes: Plain) -> Plain:
        """Describe a feed for people."""
        return self.describe(row) if self.recall is None else self.recall(row, notes)

    @property
    def event_prefix(self) -> str:
        """The prefix of an event's type; upstream's own type follows."""
        return f"{self.type_prefix}.event."

    @property
    def status_type(self) -> str:
        """The type of a record about a changed status."""
        return f"{self.type_prefix}.status"

    @property
    def ended_type(self) -> str:
        """The type of the last record of a feed."""
        return f"bridge.{self.name}.ended"


def unknown_kind(name: str) -> Kind:
    """Return a kind for feeds in the journal whose system this program does not know."""
    return Kind(name, f"bridge.unknown.{name}")
