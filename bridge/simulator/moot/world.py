"""Everything one simulated service knows, and one request on its way through it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from aiohttp import web

from bridge.simulator.kit.clock import SimClock
from bridge.simulator.kit.requestlog import RequestRecord
from bridge.simulator.kit.service import BaseWorld
from bridge.simulator.moot.faults import FAULT_KINDS
from bridge.simulator.moot.ids import new_id
from bridge.simulator.moot.knobs import Knobs
from bridge.simulator.moot.store import Draft, Space, Store, StoredEvent
from bridge.simulator.moot.tokens import Rights, is_person, new_token_book


class World(BaseWorld):
    """State shared by the routes, the control API and the Python API."""

    def __init__(self, clock: SimClock, knobs: Knobs, seed: int) -> None:
        self.tokens = new_token_book()
        super().__init__(clock, FAULT_KINDS, self.tokens)
        self.knobs = knobs
        self.start_over(seed)

    def start_over(self, seed: int) -> None:
        """See `BaseWorld.start_over`. Spaces are gone too."""
        super().start_over(seed)
        self.store = Store(seed)
        self.tenant_id = new_id("ten", Random(f"{seed}/tenant"))  # noqa: S311 - not secret

    def knobs_of(self, space: Space) -> Knobs:
        """Return the knobs as this space sees them."""
        return self.knobs.with_feed(space.overrides)

    def create_space(self, space_id: str | None = None, description: str = "") -> Space:
        """Create an active space, and report it to `on_feed`; None makes an id up."""
        space = self.store.create(self.clock.now(), space_id, description)
        if self.on_feed is not None:
            self.on_feed(space.id)
        return space

    def append(
        self,
        space: Space,
        drafts: Iterable[Draft],
        *,
        event_id: str | None = None,
        created_us: int | None = None,
        visible_after_s: float | None = None,
    ) -> list[StoredEvent]:
        """Add events now, visible `visible_after_s` later; None leaves that to the knobs."""
        knobs = self.knobs_of(space)
        at_end = knobs.late_place == "end"
        stored = []
        for draft in drafts:
            now_s = self.clock.now()
            event = self.store.prepare(
                space, draft, now_s, event_id=event_id, created_us=created_us
            )
            stored.append(event)
            wait_s = visible_after_s
            if wait_s is None:
                is_late = knobs.late_every > 0 and space.drafted % knobs.late_every == 0
                wait_s = knobs.late_s if is_late else 0.0
            if wait_s > 0:
                self.clock.call_later(
                    wait_s,
                    lambda event=event: self.store.commit(  # type: ignore[misc]
                        space, event, self.clock.now(), at_end=at_end
                    ),
                )
            else:
                self.store.commit(space, event, now_s, at_end=at_end)
        return stored

    def actor(self, token: str) -> dict[str, Any]:
        """Whose key it is; made up from the key, so it is the same at every look."""
        chance = Random(f"{self.seed}/{token}")  # noqa: S311 - repeatable, not secret
        person = is_person(token)
        return {
            "actor_id": new_id("usr" if person else "agt", chance),
            "display_name": "ana" if person else "bridge-reader",
            "actor_type": "human" if person else "agent",
            "sponsor_id": None if person else new_id("usr", chance),
            "tenant_id": self.tenant_id,
            "is_admin": False,
            "email": "ana@example.com" if person else None,
            "agent_profile": None,
            "api_key_prefix": token[:12],
            "default_space_id": None,
            "is_connected": False,
            "focus_space_id": None,
            "metadata": None,
            "last_seen_at": None,
        }


@dataclass(slots=True)
class Call:
    """One authorised request."""

    world: World
    request: web.Request
    record: RequestRecord
    token: str  # itself, not its hash: it says whose request this is
    rights: Rights
    ids: tuple[str, ...]  # what stands in the path for {…}, decoded

    @property
    def query(self) -> Any:
        """The decoded query parameters; of a repeated one the first counts."""
        return self.request.rel_url.query
