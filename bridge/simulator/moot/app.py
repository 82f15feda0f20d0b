"""The table of routes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import unquote

from aiohttp import web

from bridge.simulator.kit.replies import Reply
from bridge.simulator.moot import spaces, stream, websocket
from bridge.simulator.moot.world import Call

ROOT = "/api"
HEALTH_PATH = "/health"  # without prefix and key
Handler = Callable[[Call], Awaitable[Reply | web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Method:
    """One method of one path."""

    endpoint: str  # the name in the request log and in faults
    handler: Handler


@dataclass(frozen=True, slots=True)
class Route:
    """One path; `{}` stands for one segment, percent-encoded."""

    pattern: re.Pattern[str]
    methods: dict[str, Method]


def _route(path: str, **methods: Method) -> Route:
    pattern = re.compile(re.escape(ROOT + path).replace(r"\{\}", "([^/]+)") + r"\Z")
    return Route(pattern, methods)


ROUTES: tuple[Route, ...] = (
    _route("/actors/me", GET=Method("actor", spaces.get_actor)),
    _route("/actors/me/spaces", GET=Method("my_spaces", spaces.list_spaces)),
    _route("/actors/{}/rotate-key", POST=Method("rotate_key", spaces.rotate_key)),
    _route("/spaces", GET=Method("spaces", spaces.list_spaces)),
    _route(
        "/spaces/{}",
        GET=Method("space", spaces.get_space),
        PATCH=Method("change", spaces.change_space),
    ),
    _route("/spaces/{}/status", GET=Method("status", spaces.get_status)),
    _route(
        "/spaces/{}/events",
        GET=Method("events", spaces.list_events),
        POST=Method("write", spaces.add_event),
    ),
    # Before the route of one event: `stream` is no event id.
    _route("/spaces/{}/events/stream", GET=Method("stream", stream.stream_events)),
    _route("/spaces/{}/events/{}", GET=Method("event", spaces.get_event)),
    _route("/spaces/{}/ws", GET=Method("ws", websocket.serve_socket)),
    _route("/spaces/{}/transcript", GET=Method("transcript", spaces.get_transcript)),
    _route("/spaces/{}/participants", GET=Method("participants", spaces.list_participants)),
    _route("/spaces/{}/archive", POST=Method("archive", spaces.archive)),
    _route("/spaces/{}/join", POST=Method("join", spaces.join)),
)
ENDPOINTS = (
    "health",
    *(method.endpoint for route in ROUTES for method in route.methods.values()),
)
STREAMING = frozenset({"stream", "ws"})  # where `?token=` may stand instead of the header


def find_route(path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The route of a raw path, and what stands for its `{}`, decoded."""
    for route in ROUTES:
        found = route.pattern.match(path)
        if found is not None:
            return route, tuple(unquote(part) for part in found.groups())
    return None
