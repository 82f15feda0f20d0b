"""The table of routes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from bridge.simulator.kit.replies import Reply
from bridge.simulator.mogplex import catalogue, runs, starts, stream
from bridge.simulator.mogplex.world import Call

ROOT = "/api/v1/mogplex"
MODELS_PATH = "/api/models"
Handler = Callable[[Call], Awaitable[Reply | web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Method:
    """One method of one path."""

    endpoint: str  # the name in the request log and in faults
    handler: Handler
    scope: str | None  # enforced; None: the service does not check it
    trouble: str  # message of INTERNAL_ERROR


@dataclass(frozen=True, slots=True)
class Route:
    """One path; `{}` stands for one segment."""

    pattern: re.Pattern[str]
    methods: dict[str, Method]


def _route(path: str, root: str = ROOT, **methods: Method) -> Route:
    pattern = re.compile(re.escape(root + path).replace(r"\{\}", "([^/]+)") + r"\Z")
    return Route(pattern, methods)


def _get(
    endpoint: str, handler: Handler, trouble: str = "Internal error", scope: str | None = None
) -> Method:
    return Method(endpoint, handler, scope, trouble)


# There is no route that lists runs: GET /runs is a 405 (mogplex.md 1.5).
ROUTES: tuple[Route, ...] = (
    _route(MODELS_PATH, "", GET=_get("models", catalogue.list_models)),
    _route("/repos", GET=_get("repos", catalogue.list_repos, "Failed to list repos")),
    _route("/runs", POST=Method("start", starts.start_run, "write", "Failed to start run")),
    _route("/runs/{}", GET=_get("run", runs.get_run, "Failed to load run")),
    _route("/runs/{}/events", GET=_get("events", runs.get_events, "Failed to list events")),
    _route("/runs/{}/events/stream", GET=_get("stream", stream.stream_events, stream.TROUBLE)),
    _route(
        "/runs/{}/cancel", POST=Method("cancel", runs.cancel_run, "write", "Failed to cancel run")
    ),
    _route(
        "/sandboxes", GET=_get("sandboxes", catalogue.list_sandboxes, "Failed to list sandboxes")
    ),
    _route(
        "/sandboxes/{}/logs",
        GET=_get("sandbox_logs", catalogue.sandbox_logs, "Failed to load sandbox logs", "read"),
    ),
    _route("/automations", GET=_get("automations", catalogue.list_automations, scope="read")),
    _route("/automations/{}", GET=_get("automation", catalogue.get_automation, scope="read")),
    _route(
        "/automations/{}/runs",
        GET=_get("automation_runs", catalogue.list_automation_runs, scope="read"),
    ),
    _route(
        "/automations/{}/runs/{}",
        GET=_get("automation_run", catalogue.get_automation_run, scope="read"),
    ),
)
USER_PATH = "/api/auth/user"
ENDPOINTS = ("user", *(method.endpoint for route in ROUTES for method in route.methods.values()))


def find_route(path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The route of a path and what stands for its `{}`."""
    for route in ROUTES:
        found = route.pattern.match(path)
        if found is not None:
            return route, found.groups()
    return None
