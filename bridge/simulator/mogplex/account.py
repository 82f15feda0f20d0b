"""The account behind every token: made up from the seed, small, the same for all tokens."""

from __future__ import annotations

from random import Random
from typing import Any

from bridge.simulator.kit.ids import new_uuid
from bridge.simulator.kit.times import format_time

_REPOS = (
    ("acme/web", "main", "apps/web"),
    ("acme/billing", "main", None),
    ("acme/mobile", "develop", None),
    ("acme/infra", None, None),
)
_SANDBOX_STATUSES = ("running", "paused", "stopped", "error")
_AUTOMATIONS = ("Nightly dependency upgrades", "Triage new issues", "Fix flaky tests")


_MODELS = (
    ("large", "Large", "managed", True),
    ("small", "Small", "managed", True),
    ("own", "With a key of your own", "byok", False),
)


class Account:
    """Models, repos, sandboxes, automations and the user (shapes of mogplex.md 1.5, 1.6)."""

    def __init__(self, seed: int, now_us: int) -> None:
        chance = Random(f"{seed}/account")  # noqa: S311 - repeatable, not secret
        self.user = _user(chance)
        self.models: list[dict[str, Any]] = [
            {"id": id_, "name": name, "source": source, "enabled": is_enabled}
            for id_, name, source, is_enabled in _MODELS
        ]
        self.repos: list[dict[str, Any]] = sorted(
            (
                {
                    "id": new_uuid(chance),
                    "full_name": name,
                    "installation_id": 48_213_077,
                    "default_branch": branch,
                    "root_directory": root,
                }
                for name, branch, root in _REPOS
            ),
            key=lambda repo: str(repo["full_name"]),
        )
        self.sandboxes = [
            _sandbox(chance, repo, status, now_us - index * 3_600_000_000)
            for index, (repo, status) in enumerate(zip(self.repos, _SANDBOX_STATUSES, strict=True))
        ]
        self.automations = [
            _automation(chance, name, self.repos[index], now_us)
            for index, name in enumerate(_AUTOMATIONS)
        ]
        self.automation_runs = {
            str(each["id"]): [
                _automation_run(chance, self.repos[index], status, now_us - age * 86_400_000_000)
                for age, status in enumerate(("running", "success", "failed"))
            ]
            for index, each in enumerate(self.automations)
        }

    def repo(self, repo_id: str) -> dict[str, Any] | None:
        """Return the row of a repo; None if there is none with this id, in any case."""
        return next((repo for repo in self.repos if repo["id"] == repo_id.lower()), None)

    def sandbox(self, record_id: str) -> dict[str, Any] | None:
        """Return the row of a sandbox; None if there is none with this record id."""
        return next((row for row in self.sandboxes if row["id"] == record_id.lower()), None)

    def automation(self, automation_id: str) -> dict[str, Any] | None:
        """Return the row of an automation; None if there is none with this id."""
        return next((row for row in self.automations if row["id"] == automation_id.lower()), None)


def _user(chance: Random) -> dict[str, Any]:
    return {
        "id": new_uuid(chance),
        "email": "dev@example.com",
        "username": "dev",
        "name": "Example Developer",
        "avatar_url": None,
        "github_username": "example-dev",
        "platform_access": {"managed_models": True, "managed_sandboxes": True},
        "vercel": {"connected": False},
    }


def _hex8(chance: Random) -> str:
    return f"{chance.getrandbits(32):08x}"


def _stamp(at_us: int) -> str:
    return format_time(at_us, "micros_offset")


def _sandbox(chance: Random, repo: dict[str, Any], status: str, active_us: int) -> dict[str, Any]:
    return {
        "id": new_uuid(chance),
        "sandbox_id": f"vsb_{chance.getrandbits(48):012x}",
        "repo_id": repo["id"],
        "status": status,
        "base_branch": repo["default_branch"] or "main",
        "working_branch": f"mogplex/external/{_hex8(chance)}-{_hex8(chance)}",
        "root_directory": repo["root_directory"],
        "preview_url": None,
        "created_at": _stamp(active_us - 1_800_123_456),
        "last_active_at": _stamp(active_us),
        "error": "Sandbox stopped responding" if status == "error" else None,
    }


def _automation(chance: Random, name: str, repo: dict[str, Any], now_us: int) -> dict[str, Any]:
    return {
        "id": new_uuid(chance),
        "name": name,
        "status": "active",
        "repo": {"id": repo["id"], "full_name": repo["full_name"]},
        "created_at": _stamp(now_us - 30 * 86_400_000_000),
        "updated_at": _stamp(now_us - 86_400_000_000),
    }


def _automation_run(
    chance: Random, repo: dict[str, Any], status: str, at_us: int
) -> dict[str, Any]:
    done = status != "running"
    return {
        "id": new_uuid(chance),
        "status": status,
        "created_at": _stamp(at_us - 400_000_000),
        "started_at": _stamp(at_us - 395_250_000),
        "completed_at": _stamp(at_us) if done else None,
        "input_tokens": chance.randrange(20_000, 200_000),
        "output_tokens": chance.randrange(1_000, 20_000),
        "cost_usd": round(chance.uniform(0.05, 2.0), 4),
        "duration_ms": 395_250 if done else None,
        "error": "Tests failed" if status == "failed" else None,
        "source_kind": "trigger",
        "repo": {"id": repo["id"], "full_name": repo["full_name"]},
        "latest_ai_call": None,
        "latest_dispatch_event": {"event_kind": "start", "outcome": "started", "reason": None},
        "node_runs": [],
    }
