"""What the general rooms need to know about one kind of feed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


def _nothing(_row: Mapping[str, Any]) -> Mapping[str, Any]:
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
    describe: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _nothing

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
