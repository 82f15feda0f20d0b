"""Runs, events, cancel, starts and lists of the simulated service (mogplex.md 1.4 to 1.7)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.simulator.asking import ROOT, Asker, asking, still

ABSENT_ID = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"


async def test_a_run_has_the_fields_of_the_contract() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=1, harness="claude-code")
        shown = (await asker.get(f"{ROOT}/runs/{run.id}")).data["run"]
        assert shown == {
            "runId": run.id,
            "aiCallId": run.ai_call_id,
            "sandboxRecordId": run.sandbox_record_id,
            "sandboxId": None,
            "repoId": run.repo_id,
            "harness": "claude-code",
            "status": "streaming",
            "branch": {"base": "main", "working": "main", "createBranch": False},
            "rootDirectory": None,
            "eventsUrl": f"/api/v1/mogplex/runs/{run.id}/events",
            "cancelUrl": f"/api/v1/mogplex/runs/{run.id}/cancel",
            "createdAt": "2026-08-03T15:00:00+00:00",
            "updatedAt": shown["updatedAt"],
            "error": None,
            "runtime": {"provider": "trigger", "runId": run.runtime_run_id},
            "worktreeId": None,
            "agentId": None,
            "mode": None,
            "terminalCommitSha": None,
        }


async def test_events_come_with_the_run_and_have_six_fields() -> None:
    async with asking() as asker:
        run = asker.sim.create_run()
        still(asker).advance(33.25)
        (event,) = asker.sim.append(
            run,
            {
                "type": "tool_started",
                "toolName": "shell",
                "message": "Running tests",
                "payload": {"kind": "tool", "apiToken": "x"},
            },
        )
        data = (await asker.get(f"{ROOT}/runs/{run.id}/events")).data
        assert set(data) == {"run", "events"}
        assert data["events"] == [
            {
                "id": event.id,
                "type": "tool_started",
                "toolName": "shell",
                "message": "Running tests",
                "payload": {"kind": "tool", "apiToken": "[redacted]"},
                "createdAt": "2026-08-03T15:00:33.25+00:00",
            }
        ]


async def test_time_format_millis() -> None:
    async with asking(time_format="millis_z") as asker:
        run = asker.sim.create_run()
        still(asker).advance(33.25)
        asker.sim.append(run)
        data = (await asker.get(f"{ROOT}/runs/{run.id}/events")).data
        assert data["events"][0]["createdAt"] == "2026-08-03T15:00:33.250Z"
        assert data["run"]["createdAt"] == "2026-08-03T15:00:00.000Z"
        asker.sim.knobs.change({"time_format": "micros_offset"})
        data = (await asker.get(f"{ROOT}/runs/{run.id}/events")).data
        assert data["events"][0]["createdAt"] == "2026-08-03T15:00:33.25+00:00"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 100),
        ("?limit=", 100),
        ("?limit=x", 100),
        ("?limit=0", 1),
        ("?limit=-5", 1),
        ("?limit=10abc", 10),
        ("?limit=1e3", 1),
        ("?limit=5.9", 5),
        ("?limit=999", 200),
    ],
)
async def test_limit_on_events(query: str, count: int) -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=250)
        assert len(await asker.events(run.id, query)) == count


@pytest.mark.parametrize("window", ["tail", "head"])
async def test_the_window_of_a_long_run(window: str) -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=450, knobs={"window": window})
        ids = [event.id for event in run.commits]
        assert await asker.events(run.id) == (ids[-200:] if window == "tail" else ids[:200])


async def test_non_uuid_ids_fail_in_the_database_and_unknown_ones_are_404() -> None:
    async with asking() as asker:
        for path, message in (("", "Failed to load run"), ("/events", "Failed to list events")):
            answer = await asker.get(f"{ROOT}/runs/not-a-uuid{path}")
            assert answer.error == (500, "INTERNAL_ERROR", message)
            answer = await asker.get(f"{ROOT}/runs/{ABSENT_ID}{path}")
            assert answer.error == (404, "NOT_FOUND", "Run not found")
        asker.sim.knobs.change({"non_uuid": "not_found"})
        assert (await asker.get(f"{ROOT}/runs/not-a-uuid")).status == 404


async def test_a_late_commit_is_seen_in_the_middle_of_a_page() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=1)
        (late,) = asker.sim.append(run, 1, commit_after_s=2.0)
        asker.sim.append(run, 1)
        assert late.id not in await asker.events(run.id)
        still(asker).advance(2.0)
        assert (await asker.events(run.id)).index(late.id) == 1


async def test_the_lone_surrogate_is_legal_json_that_cannot_be_utf8() -> None:
    async with asking() as asker:
        run = asker.sim.create_run()
        asker.sim.append(run, {"type": "log", "payload": {"s": "x" * 1_999 + "😀"}})
        page = await asker.get(f"{ROOT}/runs/{run.id}/events")
        assert b"\\ud83d\\n...[truncated 1 chars]" in page.body
        text = page.data["events"][0]["payload"]["s"]
        with pytest.raises(UnicodeEncodeError):
            text.encode()


# -- cancel


async def test_cancel_as_in_the_code_is_done_when_it_answers() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=1)
        data = (await asker.post(f"{ROOT}/runs/{run.id}/cancel")).data
        assert (data["status"], data["alreadyTerminal"]) == ("cancelled", False)
        assert data["run"]["status"] == "cancelled"
        assert [event.draft.type for event in run.commits[1:]] == ["cancel_requested"]
        still(asker).advance(2.0)
        assert [event.draft.type for event in run.commits[1:]] == ["cancel_requested", "cancelled"]
        again = (await asker.post(f"{ROOT}/runs/{run.id}/cancel")).data
        assert (again["status"], again["alreadyTerminal"]) == ("cancelled", True)
        assert len(run.commits) == 3


async def test_cancel_as_in_the_documents_is_a_request() -> None:
    async with asking(cancel_shape="seed") as asker:
        run = asker.sim.create_run(events=1)
        data = (await asker.post(f"{ROOT}/runs/{run.id}/cancel")).data
        assert set(data) == {"run", "status"}
        assert (data["status"], data["run"]["status"]) == ("cancellation_requested", "streaming")
        still(asker).advance(2.0)
        data = (await asker.post(f"{ROOT}/runs/{run.id}/cancel")).data
        assert (data["status"], data["run"]["status"]) == ("already_terminal", "cancelled")


# -- start


def body_of(asker: Asker, **more: Any) -> dict[str, Any]:
    return {"repoId": asker.sim.world.account.repos[0]["id"], "prompt": " Fix it. ", **more}


async def start(asker: Asker, body: Any, key: str | None = "k1", **how: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await asker.post(f"{ROOT}/runs", headers=headers, body=body, **how)


async def test_a_start_is_accepted_and_replayed() -> None:
    async with asking() as asker:
        answer = await start(asker, body_of(asker, createBranch=True))
        assert answer.status == 202
        data = answer.data
        assert (data["status"], data["harness"], data["replayed"]) == ("pending", "codex", False)
        assert data["branch"]["working"].startswith("mogplex/external/")
        # Compared is the normalised request: defaults, blanks and unknown keys do not matter.
        again = body_of(asker, createBranch=True, harness="codex", prompt="Fix it.", extra=1)
        replay = await start(asker, again)
        assert (replay.status, replay.data) == (202, {**data, "replayed": True})
        other = await start(asker, body_of(asker, prompt="Something else"))
        assert other.error[:2] == (409, "IDEMPOTENCY_CONFLICT")
        assert (await start(asker, body_of(asker), key="k2")).data["runId"] != data["runId"]
        run = asker.sim.run(data["runId"])
        first = run.commits[0].draft
        assert (first.type, first.message) == ("started", "External Mogplex run accepted")


async def test_create_branch_takes_only_a_literal_true() -> None:
    async with asking() as asker:
        data = (await start(asker, body_of(asker, createBranch="yes"))).data
        assert data["branch"] == {"base": "main", "working": "main", "createBranch": False}


async def test_the_checks_of_a_start_come_in_the_order_of_the_contract() -> None:
    """Each request is wrong in everything that comes later, and is told the first thing."""
    async with asking(run_start_limiter="off", limiter="off") as asker:
        url = f"{ROOT}/runs"
        asker.sim.set_token("mog_reader", scopes=["read"])
        assert (await asker.post(url, token="bad")).status == 401
        assert (await asker.post(url, token="mog_reader")).error[:2] == (403, "FORBIDDEN")
        answer = await asker.post(url, raw=b"{")
        assert answer.error == (400, "BAD_REQUEST", "Idempotency-Key is required")
        answer = await asker.post(url, raw=b"{", headers={"Idempotency-Key": "   "})
        assert answer.error == (400, "BAD_REQUEST", "Idempotency-Key is required")
        answer = await asker.post(url, raw=b"{", headers={"Idempotency-Key": "k" * 201})
        assert "200" in answer.error[2]
        answer = await asker.post(url, raw=b"{", headers={"Idempotency-Key": f" {'k' * 200} "})
        assert answer.error == (400, "BAD_REQUEST", "Invalid JSON body")
        answer = await start(asker, {"prompt": ""})
        assert answer.error == (400, "BAD_REQUEST", "repoId is required")
        answer = await start(asker, {"repoId": "not-a-uuid", "prompt": ""})
        assert answer.error[:2] == (503, "SERVICE_UNAVAILABLE")
        assert answer.headers["Retry-After"] == "60"
        answer = await start(asker, {"repoId": ABSENT_ID, "prompt": ""})
        assert answer.error == (404, "NOT_FOUND", "Repo not found")
        answer = await start(asker, body_of(asker, prompt=" "))
        assert answer.error[:2] == (400, "BAD_REQUEST")
        assert not asker.sim.run_ids


async def test_the_run_start_limiter_stands_between_json_and_repo() -> None:
    async with asking(limiter="off") as asker:
        # Failed validations and replays consume starts; a body that does not parse does not.
        for _ in range(4):
            await start(asker, {"repoId": ABSENT_ID})
        for _ in range(6):
            assert (await start(asker, body_of(asker))).status == 202
        headers = {"Idempotency-Key": "k"}
        assert (await asker.post(f"{ROOT}/runs", raw=b"{", headers=headers)).status == 400
        refused = await start(asker, {})
        assert refused.error[:2] == (429, "RATE_LIMITED")
        assert refused.headers["Retry-After"] == "60"
        still(asker).advance(59.5)
        assert (await start(asker, {})).headers["Retry-After"] == "1"
        still(asker).advance(0.5)
        assert (await start(asker, {})).error[2] == "repoId is required"


async def test_who_shares_the_run_start_limit() -> None:
    async with asking(limiter="off") as asker:
        for _ in range(10):
            await start(asker, {})
        assert (await start(asker, {}, token="mog_other")).status == 400
        asker.sim.knobs.change({"run_start_limiter": "user"})
        for _ in range(10):
            await start(asker, {})
        assert (await start(asker, {}, token="mog_third")).status == 429
        asker.sim.knobs.change({"run_start_limiter": "fault"})
        down = await start(asker, {})
        assert (down.error[:2], down.headers["Retry-After"]) == ((503, "SERVICE_UNAVAILABLE"), "60")
        asker.sim.knobs.change({"run_start_limiter": "off"})
        assert (await start(asker, {})).status == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": None},
        {"prompt": "x" * 100_001},
        {"harness": "vim"},
        {"harness": None},
        {"baseBranch": "a..b"},
        {"workingBranch": "/x"},
        {"baseBranch": "a b"},
        {"rootDirectory": 5},
        {"mode": "FAST"},
    ],
)
async def test_wrong_fields_are_400(wrong: dict[str, Any]) -> None:
    async with asking() as asker:
        assert (await start(asker, body_of(asker, **wrong))).error[:2] == (400, "BAD_REQUEST")


async def test_a_body_of_null_crashes_the_handler() -> None:
    async with asking() as asker:
        headers = {"Idempotency-Key": "k"}
        answer = await asker.post(f"{ROOT}/runs", headers=headers, raw=b"null")
        assert (answer.status, answer.body) == (500, b"")


async def test_a_queue_fault_leaves_a_failed_run_with_one_event_that_the_key_replays() -> None:
    async with asking(queue_fault=1) as asker:
        answer = await start(asker, body_of(asker))
        assert answer.error == (500, "INTERNAL_ERROR", "Failed to start run")
        again = (await start(asker, body_of(asker))).data
        assert (again["status"], again["replayed"]) == ("failed", True)
        assert [event.draft.type for event in asker.sim.run(again["runId"]).commits] == ["started"]
        assert (await start(asker, body_of(asker), key="k2")).status == 202


async def test_a_started_run_works_when_on_start_says_so() -> None:
    async with asking(on_start="script") as asker:
        run = asker.sim.run((await start(asker, body_of(asker))).data["runId"])
        still(asker).advance(45 * 60.0)
        assert run.status == "success"
        accepted = [e for e in run.commits if e.draft.message == "External Mogplex run accepted"]
        assert len(accepted) == 1
        asker.sim.knobs.change({"on_start": "idle"})
        idle = asker.sim.run((await start(asker, body_of(asker), key="k2")).data["runId"])
        still(asker).advance(45 * 60.0)
        assert (idle.status, len(idle.commits)) == ("pending", 1)


# -- lists


async def test_repos_are_sorted_filtered_and_limited() -> None:
    async with asking() as asker:
        repos = (await asker.get(f"{ROOT}/repos")).data["repos"]
        names = [repo["full_name"] for repo in repos]
        assert names == sorted(names)
        assert set(repos[0]) == {
            "id",
            "full_name",
            "installation_id",
            "default_branch",
            "root_directory",
        }
        assert len((await asker.get(f"{ROOT}/repos?limit=0")).data["repos"]) == 1
        found = (await asker.get(f"{ROOT}/repos?q=WEB")).data["repos"]
        assert [repo["full_name"] for repo in found] == ["acme/web"]
        assert (await asker.get(f"{ROOT}/repos?id={repos[2]['id']}")).data["repos"] == [repos[2]]
        assert (await asker.get(f"{ROOT}/repos?id=nope")).data["repos"] == []


async def test_sandboxes_newest_first_with_filters_and_logs() -> None:
    async with asking() as asker:
        rows = (await asker.get(f"{ROOT}/sandboxes")).data["sandboxes"]
        active = [row["last_active_at"] for row in rows]
        assert active == sorted(active, reverse=True)
        only = (await asker.get(f"{ROOT}/sandboxes?status=paused")).data["sandboxes"]
        assert [row["status"] for row in only] == ["paused"]
        mine = (await asker.get(f"{ROOT}/sandboxes?repo_id={rows[0]['repo_id']}")).data["sandboxes"]
        assert mine == [rows[0]]
        logs = (await asker.get(f"{ROOT}/sandboxes/{rows[0]['id']}/logs")).data
        assert logs["sandbox"]["dev_log"]
        assert logs["lifecycle_events"] == []
        assert (await asker.get(f"{ROOT}/sandboxes/{ABSENT_ID}/logs")).status == 404


async def test_automations_page_and_their_runs_are_a_world_of_their_own() -> None:
    async with asking() as asker:
        first = (await asker.get(f"{ROOT}/automations?limit=2")).data
        second = (await asker.get(f"{ROOT}/automations?cursor={first['nextCursor']}")).data
        assert (len(first["automations"]), len(second["automations"])) == (2, 1)
        assert second["nextCursor"] is None
        assert (await asker.get(f"{ROOT}/automations?cursor=!!")).status == 400
        root = f"{ROOT}/automations/{first['automations'][0]['id']}"
        assert (await asker.get(root)).data["automation"] == first["automations"][0]
        runs = (await asker.get(f"{root}/runs")).data["runs"]
        assert {row["status"] for row in runs} == {"running", "success", "failed"}
        assert len((await asker.get(f"{root}/runs?limit=2")).data["runs"]) == 2
        detail = (await asker.get(f"{root}/runs/{runs[0]['id']}")).data["run"]
        assert {"dispatch_events", "ai_calls"} <= set(detail)
        assert (await asker.get(f"{ROOT}/runs/{runs[0]['id']}")).status == 404
        assert (await asker.get(f"{ROOT}/automations/{ABSENT_ID}")).status == 404


async def test_the_same_seed_gives_the_same_bytes() -> None:
    async def picture(seed: int) -> list[bytes]:
        async with asking(seed=seed) as asker:
            run = asker.sim.create_run(events=40)
            paths = ("/repos", "/sandboxes", "/automations", f"/runs/{run.id}/events?limit=200")
            return [(await asker.get(ROOT + path)).body for path in paths]

    first = await picture(3)
    assert first == await picture(3)
    assert first != await picture(4)
    assert json.loads(first[0])["ok"] is True
