"""What the general rooms need to know about one kind of feed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Plain = Mapping[str, Any]  # a JSON object, redacted


def _nothing(_row: Plain) -> Plain:
    return {}


@dataclass(frozen=True, slots=True)
class Kind:
    """How records about one kind of feed are named, and how its row is read for people."""

    name: str  # "run": in URLs, labels and `bridge.<name>.ended`
    type_prefix: str  # "com.mogplex.run": what the types of its records begin with
    id_field: str | None = None  # "runId": a further name of the id in the bridge's own records
    # Upstream may take it up again after its end: who asks for it anew, or finds it alive, has it
    # looked at once more.
    may_reopen: bool = False
    # What a row (redacted) says to people, JSON-ready; each member is left out where it says
    # nothing: title, harness, branch, repoId, startedAt, endedAt (RFC 3339 in UTC with `Z`),
    # durationSeconds, error. It takes any object and never raises.
    describe: Callable[[Plain], Plain] = _nothing
    # What is to be kept of events for people: the notes so far and the data of the events that
    # came, in order, give the notes from now on. They are stored with the state: keep them small.
    note: Callable[[Plain, Sequence[Plain]], Plain] | None = None
    # With `note`: what row and notes together say, in the place of `describe`; may also have
    # `currentTool` with `since`, `lastText`, and what else the kind knows (`openapi.json`, Feed).
    recall: Callable[[Plain, Plain], Plain] | None = None

    def tell(self, row: Plain, notes: Plain) -> Plain:
        """What is known of a feed, for people."""
        return self.describe(row) if self.recall is None else self.recall(row, notes)

    @property
    def event_prefix(self) -> str:
        """What the type of an event begins with; upstream's own type follows."""
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
    """For feeds in the journal whose system this program does not know."""
    return Kind(name, f"bridge.unknown.{name}")
