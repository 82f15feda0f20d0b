"""The truth: spaces and their events, in the order they became visible and in the order of pages.

Nothing here waits or speaks HTTP. Readers of a stream hold a position in `Space.commits` and are
woken through `Space.watchers`; they own no queue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.mistakes import FullError
from bridge.simulator.kit.times import format_time, to_us
from bridge.simulator.moot.ids import new_id

SPACES_MAX = 10_000
EVENTS_MAX = 1_000_000  # of one space; more is a mistake of the caller
STATUSES = ("active", "paused", "archived")


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody says, before it has an id and a time.

    `raw`: keys that replace or add to the event as it is sent; a value of `DROP` removes one.
    """

    text: str = ""
    speaker: str = "builder"
    message_type: str | None = None
    parent: str | None = None
    thread: str | None = None
    mentions: tuple[str, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)


DROP = "\0drop"


class StoredEvent:
    """One event, with its encoded form kept after the first read."""

    __slots__ = ("_style", "_value", "_wire", "created_us", "id", "visible_us")

    def __init__(self, event_id: str, value: dict[str, Any], created_us: int) -> None:
        self.id = event_id
        self.created_us = created_us
        self.visible_us = created_us
        self._value = value
        self._wire = b""
        self._style = ""

    def value(self, style: str) -> dict[str, Any]:
        """The object as a reader gets it."""
        value = dict(self._value)
        if value.get("timestamp") == "":
            value["timestamp"] = stamp(self.created_us, style)
        return value

    def wire(self, style: str) -> bytes:
        """Return the object as JSON; `style` is the form of its times."""
        if self._style != style:
            self._wire, self._style = jsonjs.dumps(self.value(style)), style
        return self._wire


def stamp(at_us: int, style: str) -> str:
    """A timestamp in one of the styles of the knob `time_format`."""
    if style == "unreadable":
        return "yesterday"
    if style == "seconds_z":
        return format_time(at_us - at_us % 1_000_000, "millis_z").replace(".000Z", "Z")
    return format_time(at_us, style)


@dataclass(slots=True, eq=False)
class Space:
    """One space, its people, and what they said."""

    id: str
    chance: Random  # every id and every made-up text of this space
    description: str
    started_us: int
    status: str = "active"
    ended_us: int | None = None
    is_deleted: bool = False
    participants: dict[str, dict[str, Any]] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    commits: list[StoredEvent] = field(default_factory=list)  # order of becoming visible
    reading: list[StoredEvent] = field(default_factory=list)  # order of pages and replays
    by_id: dict[str, StoredEvent] = field(default_factory=dict)  # of `reading`
    watchers: set[Callable[[], None]] = field(default_factory=set)  # open streams, to be woken
    history: list[str] = field(default_factory=list)  # statuses in order
    drafted: int = 0
    counts_asked: int = 0  # for an event_count that flaps
    last_us: int = 0

    def wake(self) -> None:
        """Call the watchers after a change: open streams look for news."""
        for watcher in tuple(self.watchers):
            watcher()

    def speaker(self, name: str) -> dict[str, Any]:
        """The participant of this name; one that is new joins."""
        known = self.participants.get(name)
        if known is None:
            is_agent = name not in {"ana", "ben"}
            known = self.participants[name] = {
                "participant_id": new_id("agt" if is_agent else "usr", self.chance),
                "display_name": name,
                "actor_type": "agent" if is_agent else "human",
            }
        return known


class Store:
    """All spaces. The same seed and the same calls give the same ids."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.spaces: dict[str, Space] = {}
        self._count = 0

    def create(self, now_s: float, space_id: str | None, description: str) -> Space:
        """Create an active space.

        Raises:
            FullError: The store holds as many spaces as it may.
        """
        if space_id is not None and space_id in self.spaces:
            raise FullError(f"space {space_id} exists already")
        if len(self.spaces) >= SPACES_MAX:
            raise FullError(f"{SPACES_MAX} spaces are there; delete some first")
        self._count += 1
        # A source of chance of its own: spaces that work at the same time cannot change each
        # other's ids.
        chance = Random(f"{self.seed}/{self._count}")  # noqa: S311 - repeatable, not secret
        own_id = new_id("spc", chance)
        space = Space(space_id or own_id, chance, description, to_us(now_s))
        space.history.append(space.status)
        self.spaces[space.id] = space
        return space

    def prepare(
        self,
        space: Space,
        draft: Draft,
        now_s: float,
        *,
        event_id: str | None = None,
        created_us: int | None = None,
    ) -> StoredEvent:
        """Give a draft its id and time; it is not visible before `commit`.

        Raises:
            FullError: The store holds as many events as it may.
        """
        if space.drafted >= EVENTS_MAX:
            raise FullError(f"space {space.id} has {EVENTS_MAX} events; that is the limit")
        if event_id is not None and event_id in space.by_id:
            raise FullError(f"event {event_id} exists already")
        space.drafted += 1
        if created_us is None:
            created_us = max(to_us(now_s), space.last_us + 1)
            space.last_us = created_us
        id_ = event_id or new_id("evt", space.chance)
        who = space.speaker(draft.speaker)
        metadata: dict[str, Any] | None = None
        if draft.message_type is not None or draft.mentions:
            metadata = {"message_type": draft.message_type, "mentions": list(draft.mentions)}
        value: dict[str, Any] = {
            "event_id": id_,
            "space_id": space.id,
            "speaker_id": who["participant_id"],
            "speaker_name": who["display_name"],
            "speaker_type": who["actor_type"],
            "text": draft.text,
            "timestamp": "",  # filled in as the knob time_format says
            "parent_event_id": draft.parent,
            "references": [],
            "thread_id": draft.thread,
            "metadata": metadata,
        }
        value.update(draft.raw)
        value = {key: each for key, each in value.items() if each != DROP}
        return StoredEvent(id_, value, created_us)

    def commit(self, space: Space, event: StoredEvent, now_s: float, *, at_end: bool) -> None:
        """Make it visible: at the end of the pages, or where its time puts it."""
        event.visible_us = to_us(now_s)
        space.commits.append(event)
        space.by_id[event.id] = event
        place = len(space.reading)
        while not at_end and place > 0 and space.reading[place - 1].created_us > event.created_us:
            place -= 1
        space.reading.insert(place, event)
        space.wake()

    def shrink(self, space: Space, count: int) -> None:
        """The oldest `count` events vanish from every read, as an operator's clean-up does."""
        for event in space.reading[:count]:
            del space.by_id[event.id]
        del space.reading[:count]

    def set_status(self, space: Space, status: str, now_s: float) -> None:
        """Change a space's status, and wake the streams; `archived` sets its end."""
        space.status = status
        space.history.append(status)
        space.ended_us = to_us(now_s) if status == "archived" else None
        space.wake()
