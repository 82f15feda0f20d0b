"""Control requests about spaces and keys: JSON to calls, with every key checked."""

from __future__ import annotations

from typing import Any

from bridge.simulator.kit.control import ID, Control, Row
from bridge.simulator.kit.fields import FieldError, Fields
from bridge.simulator.kit.mistakes import NotFoundError
from bridge.simulator.kit.tokens import token_hash
from bridge.simulator.moot.knobs import Knobs
from bridge.simulator.moot.service import Spaces
from bridge.simulator.moot.spaces import TEXT_CHARS_MAX
from bridge.simulator.moot.store import STATUSES, Draft, Space
from bridge.simulator.moot.variants import VARIANTS

SPACES_PER_CALL_MAX = 1_000
EVENTS_PER_CALL_MAX = 100_000
AGE_S_MAX = 30 * 86_400.0


class SpaceControl(Control):
    """The routes of the spaces. An action takes the space and the fields of the body."""

    def __init__(self, service: Spaces, *, allow_remote: bool) -> None:
        self._sim = service
        one = f"/spaces/{ID}"
        rows: list[Row] = [
            ("POST", "/tokens", self.set_token),
            ("GET", "/spaces", self.list),
            ("POST", "/spaces", self.create),
            ("GET", one, self.show),
            ("PATCH", one, self.change),
            ("DELETE", one, self.delete),
            ("POST", one + "/events", self.append),
            ("POST", one + "/play", self.play),
            ("POST", one + "/shrink", self.shrink),
            ("GET", one + "/truth", self.truth),
        ]
        super().__init__(service, rows, self._space, allow_remote=allow_remote, code="")

    def _space(self, space_id: str) -> Space:
        space = self._sim.world.store.spaces.get(space_id)
        if space is None:
            raise NotFoundError(f"no space {space_id!r}")
        return space

    def list(self, fields: Fields) -> Any:
        """Show all spaces, oldest first, without their events."""
        fields.done()
        return {"spaces": [self._object(each) for each in self._sim.world.store.spaces.values()]}

    def create(self, fields: Fields) -> Any:
        """Create `count` spaces, each with made-up events, a status and its own knobs."""
        count = fields.integer("count", 1, SPACES_PER_CALL_MAX) or 1
        events = fields.integer("events", 0, EVENTS_PER_CALL_MAX) or 0
        space_id = fields.text("spaceId")
        description = fields.text("description") or ""
        status = fields.text("status", STATUSES) or "active"
        knobs = Knobs.checked_for_feed(fields.mapping("knobs") or {})
        fields.done()
        if space_id is not None and count > 1:
            raise fields.error("count", "must be 1 where spaceId is given")
        spaces = [
            self._sim.create_space(
                space_id, description=description, events=events, status=status, knobs=knobs
            )
            for _ in range(count)
        ]
        return {"spaces": [self._object(space) for space in spaces]}

    def show(self, space: Space, fields: Fields) -> Any:
        """Show one space without its events, and its own knobs."""
        fields.done()
        return {"space": self._object(space), "knobs": space.overrides}

    def change(self, space: Space, fields: Fields) -> Any:
        """Status, description, and the space's own knobs."""
        status = fields.text("status", STATUSES)
        description = fields.text("description")
        knobs = Knobs.checked_for_feed(fields.mapping("knobs") or {})
        fields.done()
        space.overrides.update(knobs)
        if description is not None:
            space.description = description
        if status is not None:
            self._sim.set_status(space, status)
        return {"space": self._object(space)}

    def delete(self, space: Space, fields: Fields) -> Any:
        """Delete a space, as if it had never been; its streams end."""
        fields.done()
        self._sim.delete(space)
        return {}

    def append(self, space: Space, fields: Fields) -> Any:
        """Given events, made-up ones, or one of the traps."""
        given = fields.items("events")
        count = fields.integer("generate", 1, EVENTS_PER_CALL_MAX)
        variant = fields.text("variant", tuple(VARIANTS))
        visible_after_s = fields.number("visible_after_s", 0.0, AGE_S_MAX)
        fields.done()
        if sum(each is not None for each in (given, count, variant)) != 1:
            raise FieldError("body: give exactly one of 'events', 'generate' and 'variant'")
        drafts: int | list[Draft]
        if given is not None:
            drafts = [_draft(item, f"events[{index}]") for index, item in enumerate(given)]
        elif count is not None:
            drafts = count
        else:
            drafts = [VARIANTS[variant or ""]()]
        stored = self._sim.append(space, drafts, visible_after_s=visible_after_s)
        return {"ids": [event.id for event in stored]}

    def play(self, space: Space, fields: Fields) -> Any:
        """Let people talk in a space, an event about every `every_s` seconds."""
        every_s = fields.number("every_s", 0.001, 86_400.0) or 5.0
        events = fields.integer("events", 1, EVENTS_PER_CALL_MAX)
        fields.done()
        self._sim.play(space, every_s=every_s, events=events)
        return {"space": self._object(space)}

    def shrink(self, space: Space, fields: Fields) -> Any:
        """Drop the oldest `count` events from every read."""
        count = fields.integer("count", 1, EVENTS_PER_CALL_MAX)
        if count is None:
            raise fields.error("count", "is required")
        fields.done()
        self._sim.shrink(space, count)
        return {"space": self._object(space)}

    def truth(self, space: Space, fields: Fields) -> Any:
        """Show every event that was ever visible; see truth.py."""
        fields.done()
        return self._sim.truth(space)

    def set_token(self, fields: Fields) -> Any:
        """Give a key its rights, and the spaces it must not read or see."""
        token = fields.need_text("token")
        valid = fields.flag("valid")
        metered = fields.flag("metered")
        forbidden = _ids(fields, "forbidden")
        hidden = _ids(fields, "hidden")
        fields.done()
        self._sim.set_token(
            token,
            valid=valid is not False,
            metered=metered is not False,
            forbidden=forbidden,
            hidden=hidden,
        )
        return {"token": token_hash(token)}

    @staticmethod
    def _object(space: Space) -> dict[str, Any]:
        return {
            "spaceId": space.id,
            "status": space.status,
            "description": space.description,
            "events": len(space.reading),
        }


def _ids(fields: Fields, name: str) -> tuple[str, ...]:
    items = fields.items(name) or []
    if any(not isinstance(item, str) for item in items):
        raise fields.error(name, f"takes a list of space ids, got {items!r}")
    return tuple(items)


def _draft(value: object, where: str) -> Draft:
    fields = Fields(value, where)
    text = fields.text("text") or ""
    draft = Draft(
        text,
        speaker=fields.text("speaker") or "builder",
        message_type=fields.text("messageType"),
        parent=fields.text("parent"),
        thread=fields.text("thread"),
        raw=fields.mapping("raw") or {},
    )
    fields.done()
    if len(text) > TEXT_CHARS_MAX:
        raise FieldError(f"{where}: 'text' holds at most {TEXT_CHARS_MAX} characters")
    return draft
