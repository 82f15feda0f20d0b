"""POST /runs: checks in the service's order, idempotency, the run-start limiter.

Facts: mogplex.md 1.6 and 1.11.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from aiohttp import web

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.ids import is_uuid
from bridge.simulator.kit.replies import Reply
from bridge.simulator.mogplex.replies import failure, ok, unavailable
from bridge.simulator.mogplex.store import Draft, Run
from bridge.simulator.mogplex.world import Call, World

KEY_UNITS_MAX = 200
PROMPT_UNITS_MAX = 100_000
KEYS_MAX = 100_000  # idempotency keys remembered; the oldest is forgotten first
HARNESSES = ("codex", "claude-code", "mogplex")
MODES = frozenset(
    {"SAFE", "AUTO", "YOLO", "single", "multi_agent", "council", "review", "test", "repair"}
)
_BRANCH = re.compile(
    r"(?!/)(?!.*(?:\.\.|//|@\{|\.lock$))[^\s~^:?*\[\\\x00-\x1f\x7f]{1,255}(?<![/.])\Z"
)
_OPTIONAL_TEXT = (
    "rootDirectory",
    "conversationId",
    "workspaceSessionId",
    "mode",
    "worktreeId",
    "agentId",
)


async def start_run(  # noqa: PLR0911 - the order of the checks is the contract
    call: Call,
) -> Reply | web.StreamResponse:
    """Start a run. The caller has checked token and scope; this checks the rest in order."""
    key = call.request.headers.get("Idempotency-Key", "").strip()
    if not key:
        return failure(400, "BAD_REQUEST", "Idempotency-Key is required")
    if jsonjs.units(key) > KEY_UNITS_MAX:
        return failure(400, "BAD_REQUEST", f"Idempotency-Key exceeds {KEY_UNITS_MAX} characters")
    try:
        body = jsonjs.loads(await call.request.read())
    except ValueError:
        return failure(400, "BAD_REQUEST", "Invalid JSON body")
    refusal = _over_limit(call)
    if refusal is not None:
        return refusal
    if body is None:
        return Reply(500)  # the service's code reads a property of null: an unhandled exception
    asked = body if isinstance(body, dict) else {}
    refusal = _check_repo(call.world, asked.get("repoId"))
    if refusal is not None:
        return refusal
    wrong = _wrong_field(asked)
    if wrong is not None:
        return failure(400, "BAD_REQUEST", wrong)
    return _start_once(call.world, key, _normalised(call.world, asked))


def _over_limit(call: Call) -> Reply | None:
    world = call.world
    sharing = world.knobs.run_start_limiter
    if sharing == "off":
        return None
    if sharing == "fault":
        return unavailable("Run limits are temporarily unavailable")
    owner = "user" if sharing == "user" else call.token
    refusal = world.run_starts.take(owner, world.clock.now())
    if refusal is None:
        return None
    return failure(
        429,
        "RATE_LIMITED",
        f"Run start limit of {refusal.limit} per {refusal.window_s:g}s exceeded.",
        Retry_After=str(refusal.retry_after_s),
    )


def _check_repo(world: World, repo_id: object) -> Reply | None:
    if not isinstance(repo_id, str) or not repo_id.strip():
        return failure(400, "BAD_REQUEST", "repoId is required")
    if not is_uuid(repo_id.strip()) and world.knobs.non_uuid == "fault":
        return unavailable("Repository lookup is temporarily unavailable")
    if world.account.repo(repo_id.strip()) is None:
        return failure(404, "NOT_FOUND", "Repo not found")
    return None


def _wrong_field(asked: dict[str, Any]) -> str | None:  # noqa: PLR0911 - one per field
    """What a validation says of the first bad field, or None."""
    prompt = asked.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        return "prompt is required"
    if jsonjs.units(prompt.strip()) > PROMPT_UNITS_MAX:
        return f"prompt exceeds {PROMPT_UNITS_MAX} characters"
    if asked.get("harness", "codex") not in HARNESSES:
        return f"harness must be one of {', '.join(HARNESSES)}"
    for name in ("baseBranch", "workingBranch"):
        branch = asked.get(name)
        if branch is not None and not (isinstance(branch, str) and _BRANCH.match(branch.strip())):
            return f"{name} is not a valid branch name"
    for name in _OPTIONAL_TEXT:
        if not isinstance(asked.get(name), str | None):
            return f"{name} must be a string"
    if asked.get("mode") is not None and asked["mode"] not in MODES:
        return "mode is not supported"
    return None


def _normalised(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    """The request with its defaults filled in; this, not the raw bytes, is what is compared."""
    repo = world.account.repo(asked["repoId"].strip()) or {}
    base = (asked.get("baseBranch") or repo.get("default_branch") or "main").strip()
    working = asked.get("workingBranch")
    return {
        "repo_id": repo.get("id"),
        "prompt": asked["prompt"].strip(),
        "harness": asked.get("harness", "codex"),
        "base_branch": base,
        "working_branch": working.strip() if working else None,
        "create_branch": asked.get("createBranch") is True,
        **{name: asked.get(name) for name in _OPTIONAL_TEXT},
    }


def _start_once(world: World, key: str, wanted: dict[str, Any]) -> Reply:
    digest = hashlib.sha256(jsonjs.dumps(wanted)).hexdigest()
    known = world.replays.get(key)
    if known is not None:
        if known[0] != digest:
            return failure(
                409, "IDEMPOTENCY_CONFLICT", "Idempotency-Key was used with a different request"
            )
        earlier = world.store.runs.get(known[1])
        if earlier is not None:
            return _accepted(world, earlier, replayed=True)
    run = _create(world, wanted)
    if len(world.replays) >= KEYS_MAX:
        world.replays.pop(next(iter(world.replays)))
    world.replays[key] = (digest, run.id)
    if world.knobs.queue_fault > 0:
        world.knobs.queue_fault -= 1
        world.lifecycle.set_status(run, "failed", "Failed to queue run")
        return failure(500, "INTERNAL_ERROR", "Failed to start run")
    reply = _accepted(world, run, replayed=False)
    if world.knobs.on_start == "script" and world.on_started is not None:
        world.on_started(run)
    return reply


def _create(world: World, wanted: dict[str, Any]) -> Run:
    run = world.create_run(
        repo_id=wanted["repo_id"],
        harness=wanted["harness"],
        base_branch=wanted["base_branch"],
        create_branch=wanted["create_branch"],
        root_directory=wanted["rootDirectory"],
        worktree_id=wanted["worktreeId"],
        agent_id=wanted["agentId"],
        mode=wanted["mode"],
    )
    generated = f"mogplex/external/{run.id[:8]}-{run.ai_call_id[:8]}"
    default = generated if wanted["create_branch"] else wanted["base_branch"]
    run.working_branch = wanted["working_branch"] or default
    accepted = Draft("started", "External Mogplex run accepted", {"harness": run.harness})
    world.lifecycle.append(run, [accepted], commit_after_s=0.0)
    return run


def _accepted(world: World, run: Run, *, replayed: bool) -> Reply:
    style = world.lifecycle.knobs_of(run).time_format
    return ok({**run.object(style), "replayed": replayed}, 202)
