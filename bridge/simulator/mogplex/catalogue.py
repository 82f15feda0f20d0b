"""GET auth/user, models, repos, sandboxes and automations (mogplex.md 1.5)."""

from __future__ import annotations

import base64
from typing import Any

from aiohttp import web

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.ids import is_uuid
from bridge.simulator.kit.replies import JSON, Reply
from bridge.simulator.mogplex.params import parse_limit
from bridge.simulator.mogplex.replies import failure, ok
from bridge.simulator.mogplex.world import Call, World


def user_reply(user: dict[str, Any] | None) -> Reply:
    """No envelope, and always 200: null stands for missing, bad and rate-limited tokens alike."""
    return Reply(200, jsonjs.dumps({"user": user}), JSON)


async def list_models(call: Call) -> Reply | web.StreamResponse:
    """No envelope, like the other route that is not below v1; the pages show no reply."""
    return Reply(200, jsonjs.dumps({"models": call.world.account.models}), JSON)


async def list_repos(call: Call) -> Reply | web.StreamResponse:
    """Answer GET /repos, filtered by `q` and `id`."""
    rows = call.world.account.repos
    wanted = call.query.get("q", "").lower()
    only = call.query.get("id")
    if only is not None:
        rows = [repo for repo in rows if repo["id"] == only.lower()]
    rows = [repo for repo in rows if wanted in repo["full_name"].lower()]
    return ok({"repos": rows[: parse_limit(call.query.get("limit"))]})


async def list_sandboxes(call: Call) -> Reply | web.StreamResponse:
    """Answer GET /sandboxes, filtered by `repo_id` and `status`."""
    repo_id, status = call.query.get("repo_id"), call.query.get("status")
    if repo_id is not None and not is_uuid(repo_id) and call.world.knobs.non_uuid == "fault":
        return failure(500, "INTERNAL_ERROR", call.trouble)
    rows = [
        row
        for row in call.world.account.sandboxes
        if repo_id in {None, row["repo_id"]} and status in {None, row["status"]}
    ]
    return ok({"sandboxes": rows[: parse_limit(call.query.get("limit"))]})


async def sandbox_logs(call: Call) -> Reply | web.StreamResponse:
    """Raw text: the service sanitises nothing here."""
    found = _by_id(call, call.world.account.sandbox(call.ids[0]), "Sandbox not found")
    if isinstance(found, Reply):
        return found
    logs = {
        "install_log": "added 1204 packages in 31s\n",
        "dev_log": "ready - started server on 0.0.0.0:3000\n",
    }
    return ok({"sandbox": {**found, **logs}, "lifecycle_events": []})


async def list_automations(call: Call) -> Reply | web.StreamResponse:
    """Pages by an opaque cursor; 50 by default, at most 100."""
    limit = parse_limit(call.query.get("limit"), 50, 100)
    start = 0
    cursor = call.query.get("cursor")
    if cursor:
        try:
            start = int(base64.urlsafe_b64decode(cursor))
        except ValueError:
            return failure(400, "BAD_REQUEST", "Invalid cursor")
    rows = call.world.account.automations
    page = rows[start : start + limit]
    more = start + limit < len(rows)
    following = base64.urlsafe_b64encode(str(start + limit).encode()).decode() if more else None
    return ok({"automations": page, "nextCursor": following})


async def get_automation(call: Call) -> Reply | web.StreamResponse:
    """Answer GET /automations/{id}."""
    found = _automation(call)
    return found if isinstance(found, Reply) else ok({"automation": found})


async def list_automation_runs(call: Call) -> Reply | web.StreamResponse:
    """Answer GET /automations/{id}/runs: at most `limit` rows, 20 by default."""
    found = _automation(call)
    if isinstance(found, Reply):
        return found
    limit = parse_limit(call.query.get("limit"), 20, 50)
    return ok({"runs": _runs_of(call.world, found)[:limit]})


async def get_automation_run(call: Call) -> Reply | web.StreamResponse:
    """Answer GET /automations/{id}/runs/{id}."""
    found = _automation(call)
    if isinstance(found, Reply):
        return found
    rows = _runs_of(call.world, found)
    row = next((each for each in rows if each["id"] == call.ids[1].lower()), None)
    run = _by_id(call, row, "Automation run not found", which=1)
    if isinstance(run, Reply):
        return run
    return ok({"run": {**run, "dispatch_events": [], "ai_calls": []}})


def _automation(call: Call) -> dict[str, Any] | Reply:
    row = call.world.account.automation(call.ids[0])
    return _by_id(call, row, "Automation not found")


def _runs_of(world: World, automation: dict[str, Any]) -> list[dict[str, Any]]:
    return world.account.automation_runs[str(automation["id"])]


def _by_id(
    call: Call, row: dict[str, Any] | None, missing: str, which: int = 0
) -> dict[str, Any] | Reply:
    if row is not None:
        return row
    if not is_uuid(call.ids[which]) and call.world.knobs.non_uuid == "fault":
        return failure(500, "INTERNAL_ERROR", call.trouble)
    return failure(404, "NOT_FOUND", missing)
