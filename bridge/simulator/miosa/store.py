"""What there is: things with a row and events, in the order in which they were committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bridge.simulator.kit.ids import new_uuid
from bridge.simulator.kit.mistakes import FullError
from bridge.simulator.kit.times import format_time, to_us

THINGS_MAX = 20_000
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

# The word each kind begins with, and those after which nothing more happens to it.
FIRST = {
    "run": "running", "sandbox": "running", "computer": "running", "build": "building",
    "snapshot": "creating", "deployment": "building", "tenant": "active",
}  # fmt: skip
OVER = {
    "run": ("succeeded", "failed", "canceled", "cancelled", "completed"),
    "sandbox": ("destroyed", "error"),
    "computer": ("destroyed", "deleted"),
    "build": ("ready", "failed", "cancelled"),
    "snapshot": ("ready", "failed", "deleted"),
    "deployment": ("live", "failed", "deleted"),
    "tenant": (),
}
GOOD_END = {
    "run": "succeeded", "sandbox": "destroyed", "computer": "deleted", "build": "ready",
    "snapshot": "ready", "deployment": "live",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event. `id` is a ULID that grows; whether a frame shows it is a knob."""

    number: int  # from 1, within its thing
    id: str
    name: str  # "sandbox.exec.stdout"; "" for a frame without a name
    data: Mapping[str, Any] | str
    at: str


@dataclass(slots=True)
class Thing:
    """One run, sandbox, …: what can be followed."""

    kind: str
    id: str  # of a snapshot OWNER/SID
    status: str
    created_at: str
    updated_at: str
    tenant: str = "tenant-1"
    owner_root: str = "computers"  # where a snapshot's owner is found
    events: list[StoredEvent] = field(default_factory=list)
    knobs: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    watchers: set[Callable[[], None]] = field(default_factory=set)
    history: list[str] = field(default_factory=list)  # every status it had

    @property
    def feed_id(self) -> str:
        """The id in the control API: `kind:id`, or `tenant`."""
        return self.kind if self.kind == "tenant" else f"{self.kind}:{self.id}"

    @property
    def is_over(self) -> bool:
        """Whether the status is one that ends a thing of this kind."""
        return self.status in OVER[self.kind]

    def wake(self) -> None:
        """Call the watchers after a change: open streams look for news."""
        for call in tuple(self.watchers):
            call()

    def index_after(self, event_id: str | None) -> int | None:
        """Where to go on after an id; None when it is not one of these."""
        if event_id is None:
            return 0
        for index in range(len(self.events) - 1, -1, -1):
            if self.events[index].id == event_id:
                return index + 1
        return None


class Store:
    """All things of all tenants."""

    def __init__(self, seed: int, now: Callable[[], float]) -> None:
        self.chance = Random(f"{seed}/store")  # noqa: S311 - repeatable, not secret
        self.things: dict[str, Thing] = {}
        self._now = now
        self._ulid = 0

    def time(self) -> str:
        """Return the simulated time as the service writes it, in milliseconds with a Z."""
        return format_time(to_us(self._now()), "millis_z")

    def create(self, kind: str, id_: str | None = None, **columns: Any) -> Thing:
        """Create an active thing.

        Raises:
            FullError: The store holds as many things as it may.
        """
        if len(self.things) >= THINGS_MAX:
            raise FullError(f"{THINGS_MAX} things are here already")
        if kind == "tenant":
            id_ = "tenant"
        elif id_ is None:
            id_ = new_uuid(self.chance)
            if kind == "snapshot":
                id_ = f"{id_}/{new_uuid(self.chance)}"
        status = columns.pop("status", None) or FIRST[kind]
        thing = Thing(kind, id_, status, self.time(), self.time(), **_own(columns))
        thing.columns = columns
        thing.history.append(status)
        self.things[thing.feed_id] = thing
        return thing

    def append(
        self, thing: Thing, name: str, data: Mapping[str, Any] | str, event_id: str | None = None
    ) -> StoredEvent:
        """Commit one event: whoever is connected gets it."""
        event = StoredEvent(
            len(thing.events) + 1, event_id or self.new_ulid(), name, data, self.time()
        )
        thing.events.append(event)
        thing.updated_at = event.at
        thing.wake()
        return event

    def set_status(self, thing: Thing, status: str) -> None:
        """Change the row's status and time, and wake the streams."""
        thing.status = status
        thing.updated_at = self.time()
        thing.history.append(status)
        thing.wake()

    def new_ulid(self) -> str:
        """Monotonic: time first, then a counter."""
        self._ulid += 1
        value = (int(self._now() * 1000) << 80) | self._ulid
        digits = [_CROCKFORD[(value >> shift) & 31] for shift in range(125, -5, -5)]
        return "".join(digits)


def _own(columns: dict[str, Any]) -> dict[str, Any]:
    """Take out what is an attribute of `Thing`; the rest are columns of its row."""
    return {
        name: columns.pop(name) for name in ("tenant", "owner_root", "knobs") if name in columns
    }
