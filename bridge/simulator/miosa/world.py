"""The state of one simulated service, and of one request inside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bridge.simulator.kit.clock import SimClock
from bridge.simulator.kit.faults import COMMON_KINDS
from bridge.simulator.kit.replies import Reply
from bridge.simulator.kit.requestlog import RequestRecord
from bridge.simulator.kit.service import BaseWorld
from bridge.simulator.kit.tokens import TokenBook
from bridge.simulator.miosa.knobs import Knobs
from bridge.simulator.miosa.refusals import refusal
from bridge.simulator.miosa.store import Store, Thing
from bridge.simulator.miosa.tickets import TicketBook

SHAPE = re.compile(r"msk_[A-Za-z0-9_]+\Z")
SCOPES = tuple(
    f"{name}:read"
    for name in ("runs", "sandboxes", "computers", "builds", "snapshots", "deployments", "events")
)
FAULT_KINDS: dict[str, str] = {
    **COMMON_KINDS,
    "unauthorized": "a spurious 401 invalid_token; not counted",
    "reply": "`status`, `code`, `message` and perhaps `retry_after` of your choice; counted",
}
AT_SIGN_IN = frozenset({"unauthorized"})
INSTEAD = frozenset({"reply", "not_json"})


@dataclass(frozen=True, slots=True)
class Rights:
    """What one key may do."""

    valid: bool = True
    scopes: tuple[str, ...] = SCOPES
    limit: int | None = None  # requests per window; None: the knob
    tenant: str = "tenant-1"


class World(BaseWorld):
    """State shared by the routes, the control API and the Python API."""

    def __init__(self, clock: SimClock, knobs: Knobs, seed: int) -> None:
        self.tokens: TokenBook[Rights] = TokenBook(SHAPE, Rights())
        super().__init__(clock, FAULT_KINDS, self.tokens)
        self.knobs = knobs
        self.start_over(seed)

    def start_over(self, seed: int) -> None:
        """See `BaseWorld.start_over`. Things and tickets are gone too."""
        super().start_over(seed)
        self.store = Store(seed, self.clock.now)
        self.tickets = TicketBook(seed, self.clock.now)

    def create(self, kind: str, id_: str | None = None, **columns: Any) -> Thing:
        """Create a thing, and report it to `on_feed`."""
        thing = self.store.create(kind, id_, **columns)
        if self.on_feed is not None:
            self.on_feed(thing.feed_id)
        return thing

    def knobs_of(self, thing: Thing) -> Knobs:
        """Return the knobs as this thing sees them."""
        return self.knobs.with_feed(thing.knobs)


@dataclass(slots=True)
class Call:
    """One authorised request."""

    world: World
    request: web.Request
    record: RequestRecord
    rights: Rights
    key: str  # hash
    ids: tuple[str, ...]

    @property
    def query(self) -> Mapping[str, str]:
        """The decoded query parameters; of a repeated one the first counts."""
        query: Mapping[str, str] = self.request.rel_url.query
        return query

    def refuse(self, status: int, code: str, message: str, **more: Any) -> Reply:
        """Return a refusal in the envelope that the knobs choose."""
        return refuse(self.world, self.record, status, code, message, **more)


def refuse(
    world: World,
    record: RequestRecord,
    status: int,
    code: str,
    message: str,
    *,
    headers: dict[str, str] | None = None,
    hints: dict[str, Any] | None = None,
) -> Reply:
    """Return a refusal in the envelope that the knobs choose.

    Args:
        world: The service, for its knobs.
        record: The request, whose number becomes the request id.
        status: The HTTP status.
        code: The code in capitals.
        message: The text for people.
        headers: More headers.
        hints: More members of the error.
    """
    knobs = world.knobs
    request_id = f"req_sim{record.number:08d}" if knobs.request_id else None
    return refusal(
        status,
        code.lower() if knobs.lower_codes else code,
        message,
        envelope=knobs.envelope,
        request_id=request_id,
        hints=hints,
        headers=headers,
    )
