"""Control requests about things and keys: JSON to calls, with every name checked."""

from __future__ import annotations

from typing import Any

from bridge.simulator.kit.control import ID, Control, Row
from bridge.simulator.kit.fields import FieldError, Fields
from bridge.simulator.kit.mistakes import NotFoundError
from bridge.simulator.miosa.knobs import KINDS
from bridge.simulator.miosa.service import Things
from bridge.simulator.miosa.store import Thing
from bridge.simulator.miosa.stories import Said
from bridge.simulator.miosa.world import SCOPES

EVENTS_PER_CALL_MAX = 100_000
LASTS_S_MAX = 30 * 86_400.0


class ThingControl(Control):
    """The routes of the things. An action takes the thing and the fields of the body."""

    def __init__(self, service: Things, *, allow_remote: bool) -> None:
        self._sim = service
        one = f"/feeds/{ID}"
        rows: list[Row] = [
            ("POST", "/keys", self.set_key),
            ("GET", "/tickets", self.tickets),
            ("GET", "/feeds", self.list),
            ("POST", "/feeds", self.create),
            ("GET", one, self.show),
            ("PATCH", one, self.change),
            ("POST", one + "/events", self.append),
            ("POST", one + "/play", self.play),
            ("POST", one + "/finish", self.finish),
            ("GET", one + "/truth", self.truth),
        ]
        super().__init__(service, rows, self._thing, allow_remote=allow_remote)

    def _thing(self, feed_id: str) -> Thing:
        thing = self._sim.world.store.things.get(feed_id)
        if thing is None:
            raise NotFoundError(f"no feed {feed_id!r}; one is named as run:UUID")
        return thing

    def list(self, fields: Fields) -> Any:
        """Show all things, oldest first, without their events."""
        fields.done()
        return {"feeds": [_shown(thing) for thing in self._sim.world.store.things.values()]}

    def create(self, fields: Fields) -> Any:
        """Create a thing of a kind, with made-up events, status and knobs of its own."""
        kind = fields.need_text("kind", KINDS)
        events = fields.integer("events", 0, EVENTS_PER_CALL_MAX) or 0
        id_ = fields.text("id")
        status = fields.text("status")
        knobs = fields.mapping("knobs") or {}
        fields.done()
        return _shown(self._sim.create(kind, id_, events=events, knobs=knobs, status=status))

    def show(self, thing: Thing, fields: Fields) -> Any:
        """Show one thing without its events."""
        fields.done()
        return _shown(thing)

    def change(self, thing: Thing, fields: Fields) -> Any:
        """Set the status of the row alone; no event follows."""
        status = fields.need_text("status")
        fields.done()
        self._sim.set_status(thing, status)
        return _shown(thing)

    def append(self, thing: Thing, fields: Fields) -> Any:
        """Append the given events, or `count` made-up ones; shows their ids."""
        count = fields.integer("count", 1, EVENTS_PER_CALL_MAX)
        given = fields.items("events")
        fields.done()
        if given is None:
            stored = self._sim.append(thing, count or 1)
        else:
            stored = self._sim.append(thing, [_said(value) for value in given])
        return {"ids": [event.id for event in stored]}

    def play(self, thing: Thing, fields: Fields) -> Any:
        """Let a thing live by itself, for `lasts_s` seconds."""
        lasts_s = fields.number("lasts_s", 0.0, LASTS_S_MAX)
        fields.done()
        self._sim.play(thing, lasts_s)
        return _shown(thing)

    def finish(self, thing: Thing, fields: Fields) -> Any:
        """End a thing: its last event and its row, in the order of the knob."""
        status = fields.text("status")
        row_first = fields.flag("row_first")
        fields.done()
        self._sim.finish(thing, status, row_first=row_first)
        return _shown(thing)

    def truth(self, thing: Thing, fields: Fields) -> Any:
        """Show every event and status that the thing ever had."""
        fields.done()
        return self._sim.truth(thing)

    def set_key(self, fields: Fields) -> Any:
        """Give a key its validity, scopes, limit and tenant."""
        key = fields.need_text("key")
        valid = fields.flag("valid")
        limit = fields.integer("limit", 0, 1_000_000)
        scopes = fields.items("scopes")
        tenant = fields.text("tenant") or "tenant-1"
        fields.done()
        for scope in scopes or ():
            if scope not in SCOPES:
                raise fields.error("scopes", f"must be out of {', '.join(SCOPES)}, got {scope!r}")
        self._sim.set_key(
            key,
            valid=valid is not False,
            limit=limit,
            scopes=SCOPES if scopes is None else scopes,
            tenant=tenant,
        )
        return {}

    def tickets(self, fields: Fields) -> Any:
        """What became of every ticket. The tickets themselves are not shown."""
        fields.done()
        book = self._sim.world.tickets
        return {
            "given": len(book.given),
            "unused": book.unused,
            "used_twice": book.used_twice,
            "refused_uses": book.refused_uses,
        }


def _shown(thing: Thing) -> dict[str, Any]:
    return {
        "feedId": thing.feed_id,
        "kind": thing.kind,
        "id": thing.id,
        "status": thing.status,
        "events": len(thing.events),
    }


def _said(value: object) -> Said:
    if not isinstance(value, dict) or not isinstance(value.get("data"), dict | str):
        raise FieldError("body: 'events' takes objects with a name and data")
    return str(value.get("name") or ""), value["data"]
