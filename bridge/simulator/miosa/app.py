"""The table of routes below /api/v1."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from bridge.simulator.kit.replies import Reply
from bridge.simulator.miosa import rows, socket, stream
from bridge.simulator.miosa.world import Call

ROOT = "/api/v1"
Handler = Callable[[Call], Awaitable[Reply | web.StreamResponse]]
OWNERS = "(?:computers|sandboxes)"


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path; `kind` is the kind of thing it is about."""

    pattern: re.Pattern[str]
    method: str
    endpoint: str
    kind: str
    scope: str
    handler: Handler
    is_stream: bool = False


def _route(path: str, endpoint: str, kind: str, handler: Handler, scope: str = "") -> Route:
    pattern = re.compile(ROOT + path.replace("{}", "([^/]+)") + r"\Z")
    is_stream = endpoint.endswith(".stream")
    method = "POST" if endpoint == "ticket" else "GET"
    return Route(pattern, method, endpoint, kind, scope, handler, is_stream)


_RUNS = "/(?:agent-)?runs"
ROUTES: tuple[Route, ...] = (
    _route("/(?:auth/sse-ticket|sse/ticket)", "ticket", "", rows.give_ticket),
    _route(_RUNS, "runs.list", "run", rows.list_things, "runs:read"),
    _route(_RUNS + "/{}", "runs.get", "run", rows.get_thing, "runs:read"),
    _route(_RUNS + "/{}/events", "runs.events", "run", stream.run_events, "runs:read"),
    _route("/sandboxes", "sandboxes.list", "sandbox", rows.list_things, "sandboxes:read"),
    _route("/sandboxes/{}", "sandboxes.get", "sandbox", rows.get_thing, "sandboxes:read"),
    _route(
        "/sandboxes/{}/events", "sandboxes.stream", "sandbox", stream.follow, "sandboxes:read"
    ),
    _route("/computers", "computers.list", "computer", rows.list_things, "computers:read"),
    _route("/computers/{}", "computers.get", "computer", rows.get_thing, "computers:read"),
    _route(
        "/computers/{}/events", "computers.socket", "computer", socket.follow, "computers:read"
    ),
    _route(
        f"/{OWNERS}/{{}}/snapshots", "snapshots.list", "snapshot", rows.list_things,
        "snapshots:read",
    ),
    _route(
        f"/{OWNERS}/{{}}/snapshots/{{}}", "snapshots.get", "snapshot", rows.get_thing,
        "snapshots:read",
    ),
    _route(
        f"/{OWNERS}/{{}}/snapshots/{{}}/events", "snapshots.stream", "snapshot", stream.follow,
        "snapshots:read",
    ),
    _route("/sandbox-template-builds", "builds.list", "build", rows.list_things, "builds:read"),
    _route("/sandbox-template-builds/{}", "builds.get", "build", rows.get_thing, "builds:read"),
    _route(
        "/sandbox-template-builds/{}/logs/stream", "builds.stream", "build", stream.follow,
        "builds:read",
    ),
    _route("/deployments", "deployments.list", "deployment", rows.list_things, "deployments:read"),
    _route("/deployments/{}", "deployments.get", "deployment", rows.get_thing, "deployments:read"),
    _route(
        "/deployments/{}/logs", "deployments.logs", "deployment", rows.get_logs, "deployments:read"
    ),
    _route("/events/stream", "tenant.stream", "tenant", stream.follow, "events:read"),
)  # fmt: skip
ENDPOINTS = tuple(route.endpoint for route in ROUTES)


def find_route(path: str, method: str) -> tuple[Route, tuple[str, ...]] | Reply:
    """The route and what stands for its `{}`; 404 or 405 as the framework says it."""
    is_known = False
    for route in ROUTES:
        match = route.pattern.match(path)
        if match is not None:
            if route.method == method:
                return route, match.groups()
            is_known = True
    return Reply(405) if is_known else rows.no_route()
