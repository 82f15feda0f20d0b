"""The daemon as its users see it: real processes, real sockets, kill -9."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, environment, ids, journal, quick_config, serve

pytestmark = pytest.mark.e2e

EVENTS = 60
RUNS = 5


async def _grow(sim: Simulator, run: Any, chance: random.Random) -> None:
    """Sixty events in bursts, then the end."""
    left = EVENTS - 1
    while left:
        count = min(left, chance.choice([1, 3, 8]))
        sim.append(run, count)
        left -= count
        await asyncio.sleep(chance.choice([0.05, 0.2, 0.5]))
    sim.finish(run, order="event_first", gap_s=0.2)


async def _sse(session: aiohttp.ClientSession, url: str) -> AsyncIterator[dict[str, Any]]:
    headers = {"Accept": "text/event-stream"}
    async with session.get(url, params={"after": "0"}, headers=headers) as response:
        async for line in response.content:
            if line.startswith(b"data: "):
                yield orjson.loads(line[6:])


async def _ndjson(session: aiohttp.ClientSession, url: str) -> AsyncIterator[dict[str, Any]]:
    headers = {"Accept": "application/x-ndjson"}
    async with session.get(url, params={"after": "0"}, headers=headers) as response:
        async for line in response.content:
            if line.strip():
                yield orjson.loads(line)


async def _until_all_ended(stream: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    async for record in stream:
        records.append(record)
        if sum(r["type"] == "bridge.run.ended" for r in records) == RUNS:
            break
    await stream.aclose()  # type: ignore[attr-defined]
    return records


async def test_five_runs_are_the_same_in_page_sse_ndjson_and_file(tmp_path: Path) -> None:
    """At upstream's real limits: 60 requests in 60 s, refusals counted."""
    async with Simulator() as sim:
        runs = [sim.create_run() for _ in range(RUNS)]
        for run in runs:
            sim.set_status(run, "streaming")
        options = [*journal(tmp_path), "--ndjson", str(tmp_path / "events.ndjson")]
        for run in runs:
            options += ["--run", run.id]
        async with serve(*options, env=environment(sim.url)) as daemon:
            async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
                url = daemon.url + "/v1/events"
                by_sse = group.create_task(_until_all_ended(_sse(session, url)))
                by_ndjson = group.create_task(_until_all_ended(_ndjson(session, url)))
                for seed, run in enumerate(runs):
                    group.create_task(_grow(sim, run, random.Random(seed)))
                await daemon.ended(RUNS)
            pages = await daemon.records()
            assert await daemon.stop() == 0
        assert by_sse.result() == pages
        assert by_ndjson.result() == pages
        lines = (tmp_path / "events.ndjson").read_bytes().splitlines()
        assert [orjson.loads(line) for line in lines] == pages
        assert [int(record["sequence"]) for record in pages] == list(range(1, len(pages) + 1))
        for run in runs:
            truth = [event["id"] for event in sim.truth(run)["committed"]]
            assert len(truth) == EVENTS
            assert ids(pages, run.id) == truth
            assert [r["type"] for r in pages if r["subject"] == run.id][-1] == "bridge.run.ended"
        assert sim.refused(TOKEN) == 0
        assert sim.peak(TOKEN) <= 54


async def test_kill_9_at_random_instants_loses_and_repeats_nothing(tmp_path: Path) -> None:
    chance = random.Random(7)
    async with Simulator(knobs={"limiter": "off"}) as sim:
        runs = [sim.create_run() for _ in range(RUNS)]
        for run in runs:
            sim.set_status(run, "streaming")
        (tmp_path / "runs.txt").write_text("\n".join(run.id for run in runs) + "\n")
        options = [
            "--config", str(quick_config(tmp_path, sim.url)),
            "--runs-from", str(tmp_path / "runs.txt"),
            "--ndjson", str(tmp_path / "events.ndjson"),
        ]  # fmt: skip
        env = environment(None, MOGPLEX_TOKEN=TOKEN)
        async with asyncio.TaskGroup() as group:
            growing = [
                group.create_task(_grow(sim, run, random.Random(seed)))
                for seed, run in enumerate(runs)
            ]
            seen: list[dict[str, Any]] = []
            for _ in range(4):
                async with serve(*options, env=env) as daemon:
                    await asyncio.sleep(chance.uniform(0.1, 1.5))
                    # What was shown once is what is there for ever.
                    now = await daemon.records()
                    assert now[: len(seen)] == seen
                    seen = now
                    assert await daemon.stop(signal.SIGKILL) == -signal.SIGKILL
            await asyncio.gather(*growing)
        async with serve(*options, env=env) as daemon:
            await daemon.ended(RUNS)
            pages = await daemon.records()
            assert await daemon.stop() == 0
    assert pages[: len(seen)] == seen
    assert [int(record["sequence"]) for record in pages] == list(range(1, len(pages) + 1))
    for run in runs:
        assert ids(pages, run.id) == [event["id"] for event in sim.truth(run)["committed"]]
        assert [r["type"] for r in pages if r["subject"] == run.id].count("bridge.run.ended") == 1
    lines = (tmp_path / "events.ndjson").read_bytes().splitlines()
    assert [orjson.loads(line) for line in lines] == pages


async def test_a_restart_within_the_minute_is_not_refused(tmp_path: Path) -> None:
    """The request window survives kill -9: three starts in a row, all at full pace."""
    async with Simulator(knobs={"stream": "absent"}) as sim:
        runs = [sim.create_run(events=5) for _ in range(4)]
        options = journal(tmp_path)
        for run in runs:
            options += ["--run", run.id]
        for _ in range(3):
            async with serve(*options, env=environment(sim.url)) as daemon:
                await asyncio.sleep(5)
                await daemon.stop(signal.SIGKILL)
        assert len(sim.requests) >= 12
        assert sim.refused(TOKEN) == 0


async def test_runs_are_added_and_removed_over_http_and_from_a_watched_file(tmp_path: Path) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        first, second, third = (sim.create_run(events=3) for _ in range(3))
        listed = tmp_path / "runs.txt"
        listed.write_text(f'# ids\n{first.id}\n{{"runId": "{second.id}", "status": "pending"}}\n')
        options = ["--config", str(quick_config(tmp_path, sim.url)), "--runs-from", str(listed)]
        env = environment(None, MOGPLEX_TOKEN=TOKEN)
        async with serve(*options, env=env) as daemon:
            path = f"/v1/runs/{third.id}"
            assert await daemon.status("PUT", path) == 201
            assert await daemon.status("PUT", path) == 200
            assert await daemon.status("PUT", "/v1/runs/not-a-uuid") == 400
            assert await daemon.status("DELETE", path) == 204
            assert await daemon.status("DELETE", path) == 204
            fourth = sim.create_run(events=3)
            with listed.open("a") as file:
                file.write(f"not-a-run\n{fourth.id}\n")
            async with asyncio.timeout(30):
                while True:
                    runs = {r["runId"]: r for r in (await daemon.json("/v1/runs"))["runs"]}
                    if fourth.id in runs and runs[fourth.id]["events"] == 3:
                        break
                    await asyncio.sleep(0.1)
            assert runs[third.id]["state"] == "stopped"
            assert {runs[run.id]["state"] for run in (first, second)} == {"following"}
            assert any("runs_from.line_refused" in line for line in daemon.stderr)
            assert await daemon.stop() == 0
        async with serve(*options[:2], env=env) as daemon:  # without the list: it is remembered
            runs = {r["runId"]: r for r in (await daemon.json("/v1/runs"))["runs"]}
            assert {run_id: run["state"] for run_id, run in runs.items()} == {
                first.id: "following",
                second.id: "following",
                third.id: "stopped",
                fourth.id: "following",
            }


async def test_a_token_file_that_changes_ends_the_suspension_of_its_runs(tmp_path: Path) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        run = sim.create_run(events=3)
        token = tmp_path / "token"
        token.write_text("mog_" + "x" * 24)
        token.chmod(0o600)
        sim.set_token("mog_" + "x" * 24, valid=False)
        options = [*journal(tmp_path), "--run", run.id, "--token-file", str(token)]
        env = environment(None, MOGPLEX_BASE_URL=sim.url)
        async with serve(*options, env=env) as daemon:
            async with asyncio.timeout(60):
                while not any("token.suspended" in line for line in daemon.stderr):
                    await asyncio.sleep(0.1)
            assert await daemon.status("GET", "/healthz") == 503
            assert (await daemon.json(f"/v1/runs/{run.id}"))["state"] == "following"
            assert await daemon.status("GET", "/readyz") == 200
            (tmp_path / "new").write_text(TOKEN)
            (tmp_path / "new").chmod(0o600)
            (tmp_path / "new").replace(token)
            sim.finish(run, gap_s=0)
            await daemon.ended(1)
            types = [record["type"] for record in await daemon.records()]
        assert "bridge.follow.failed" not in types
        assert types[-1] == "bridge.run.ended"


async def test_sigterm_under_load_ends_in_order_and_the_second_signal_at_once(
    tmp_path: Path,
) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        run = sim.create_run(events=100)
        options = ["--config", str(quick_config(tmp_path, sim.url)), "--run", run.id]
        env = environment(None, MOGPLEX_TOKEN=TOKEN)
        async with serve(*options, env=env) as daemon, aiohttp.ClientSession() as session:
            headers = {"Accept": "text/event-stream"}
            async with asyncio.timeout(30):
                while (await daemon.json(f"/v1/runs/{run.id}"))["events"] < 100:
                    await asyncio.sleep(0.05)
            url = daemon.url + "/v1/events?after=0"
            async with session.get(url, headers=headers) as response:
                await response.content.readline()
                code = await daemon.stop(signal.SIGTERM)
                assert code == 0
                rest = await response.content.read()
                assert rest.count(b"\ndata: ") + 1 >= 100
        async with serve(*options, env=env) as daemon:
            daemon.process.send_signal(signal.SIGINT)
            daemon.process.send_signal(signal.SIGINT)
            assert await daemon.process.wait() in (0, 130)


async def test_two_tokens_are_two_budgets_and_each_follows_its_own_runs(tmp_path: Path) -> None:
    other = "mog_" + "o" * 24
    async with Simulator(knobs={"stream": "absent"}) as sim:
        mine, theirs = sim.create_run(events=4), sim.create_run(events=4)
        config = tmp_path / "bridge.toml"
        config.write_text(
            f'journal = "sqlite:{tmp_path / "journal.db"}"\n'
            f'[[accounts]]\nname = "default"\nbase_url = "{sim.url}"\ntoken_env = "FIRST"\n'
            f'runs = ["{mine.id}"]\n'
            f'[[accounts]]\nname = "second"\nbase_url = "{sim.url}"\ntoken_env = "SECOND"\n'
        )
        env = environment(None, FIRST=TOKEN, SECOND=other)
        async with serve("--config", str(config), env=env) as daemon:
            assert await daemon.status("PUT", f"/v1/runs/{theirs.id}?account=secnd") == 400
            assert await daemon.status("PUT", f"/v1/runs/{theirs.id}?account=second") == 201
            async with asyncio.timeout(20):
                while len([r for r in await daemon.records() if "run.event" in r["type"]]) < 8:
                    await asyncio.sleep(0.2)
            records = await daemon.records()
        assert {(r["account"], r["subject"]) for r in records} == {
            ("default", mine.id),
            ("second", theirs.id),
        }
        assert sim.accepted(TOKEN) >= 1
        assert sim.accepted(other) >= 1


async def test_an_upstream_that_is_away_is_one_line_in_the_log_and_one_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        run = sim.create_run(events=3)
        sim.fault("html_5xx", times=5)
        options = ["--config", str(quick_config(tmp_path, sim.url)), "--run", run.id]
        async with serve(*options, env=environment(None, MOGPLEX_TOKEN=TOKEN)) as daemon:
            async with asyncio.timeout(100):
                while not any("follow.recovered" in line for line in daemon.stderr):
                    assert await daemon.status("GET", "/readyz") == 200
                    await asyncio.sleep(0.5)
        assert sum("follow.degraded" in line for line in daemon.stderr) == 1
