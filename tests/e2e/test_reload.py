"""SIGHUP: the configuration is taken over; subscribers stay, nothing is lost or repeated."""

from __future__ import annotations

import asyncio
import hashlib
import random
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import orjson
import pytest

from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, Daemon, ids
from tests.e2e.reloading import (
    OTHER,
    WITHIN_S,
    Setup,
    events_of,
    grow,
    logged,
    reload,
    state,
    states,
    subscribe,
    until,
)

pytestmark = pytest.mark.e2e


async def test_ten_reloads_under_load_drop_nobody_and_lose_or_repeat_nothing(
    tmp_path: Path,
) -> None:
    """Each reload makes the source and the output new ones; one adds an account with a run."""
    async with Simulator(knobs={"limiter": "off"}) as sim:
        setup = Setup(tmp_path, sim)
        runs = [sim.create_run() for _ in range(4)]
        late = runs[-1]
        for run in runs:
            sim.set_status(run, "streaming")
        mine = [run.id for run in runs[:-1]]

        def configure(turn: int) -> None:
            accounts = [setup.account(q=turn / 20, stream=turn % 2 == 0, runs=mine)]
            if turn >= 5:
                accounts.append(setup.account("second", "SECOND", runs=[late.id]))
            rotate = f'rotate = {{bytes = "{turn % 3 + 4}KiB"}}\nline_bytes = {30_000 + turn}'
            setup.write(*accounts, setup.output("events.ndjson", rotate))

        configure(0)
        async with setup.serve() as daemon, asyncio.TaskGroup() as group:
            subscriber = group.create_task(subscribe(daemon.url, len(runs)))
            for seed, run in enumerate(runs):
                group.create_task(grow(sim, run, random.Random(seed)))
            for turn in range(1, 11):
                await asyncio.sleep(0.2)
                configure(turn)
                said = await reload(daemon)
                assert {"accounts[0].q", "accounts[0].stream"} <= set(said["changed"])
            await asyncio.wait((subscriber,), timeout=60)
            assert subscriber.done()
            pages = await daemon.records()
            assert await daemon.stop() == 0
        assert logged(daemon, "config.refused") == []
        assert [int(record["sequence"]) for record in pages] == list(range(1, len(pages) + 1))
        assert subscriber.result() == list(range(1, len(pages) + 1))
        assert setup.lines("events.ndjson") == pages
        for run in runs:
            truth = [event["id"] for event in sim.truth(run)["committed"]]
            assert ids(pages, run.id) == truth
            (end,) = [
                record
                for record in pages
                if record["subject"] == run.id and record["type"] == "bridge.run.ended"
            ]
            assert end["data"]["events"] == len(truth)


def bad_files(good: str, directory: Path) -> Iterator[tuple[str, list[str]]]:
    """Broken files, and what the line about each must name: the line in the file, and the cure."""
    last = good.count("\n") + 1
    yield good + "[retention\n", [f"bridge.toml:{last}:", "not valid TOML"]
    yield (
        good + "[retention]\nagee = 3\n",
        [f"bridge.toml:{last + 1}:", "did you mean retention.age"],
    )
    yield good + '[retention]\nage = "soon"\n', [f"bridge.toml:{last + 1}:", "a duration such as"]
    missing = good.replace('token_env = "FIRST"', f'token_file = "{directory / "none"}"')
    line = next(n for n, text in enumerate(missing.splitlines(), 1) if "token_file" in text)
    yield missing, [f"bridge.toml:{line}:", "no such file"]
    keyed = good + f'[redaction]\nfingerprint_key_file = "{directory / "none"}"\n'
    yield keyed, [f"bridge.toml:{last + 1}:", "no such file"]
    yield good + "[redaction]\npatterns = ['(a+)+$']\n", [f"bridge.toml:{last + 1}:", "do not nest"]
    other = good + '[[outputs]]\npath = "/proc/none/x.ndjson"\n'
    yield other, [f"bridge.toml:{last + 1}:", "create the directory /proc/none"]


async def test_a_wrong_file_is_told_with_its_place_and_changes_nothing(tmp_path: Path) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        setup = Setup(tmp_path, sim)
        run = sim.create_run(events=2)
        setup.write(setup.account(runs=[run.id]), setup.output("events.ndjson"))
        good = setup.file.read_text()
        async with setup.serve() as daemon:
            await events_of(daemon, run.id, 2)
            settled = len(await daemon.records())
            await until(lambda: len(setup.lines("events.ndjson")) == settled)
            for text, words in bad_files(good, tmp_path):
                # It would also drop the account's run, were it taken over by half.
                setup.file.write_text(text.replace(run.id, "0c1d7e88-93d4-4c0a-b6f2-6f4a0b0f9e77"))
                said = await reload(daemon, "config.refused")
                assert all(word in said["reason"] for word in words), said["reason"]
                assert "\n" not in said["reason"]
                assert await states(daemon) == {run.id: "following"}
                assert await metric(daemon, "config_last_reload_successful") == 0.0
            sim.append(run, 2)
            await events_of(daemon, run.id, 4)
            setup.file.write_text(good)
            assert (await reload(daemon))["changed"] == "nothing"
            assert await metric(daemon, "config_last_reload_successful") == 1.0
            assert await daemon.stop() == 0
            assert len(setup.lines("events.ndjson")) == settled + 2


async def metric(daemon: Daemon, name: str) -> float | None:
    """A sample by its name and labels, None when there is none."""
    async with aiohttp.ClientSession() as session, session.get(daemon.url + "/metrics") as response:
        text = await response.text()
    start = f"mogplex_bridge_{name} "
    return next(
        (float(row.split()[-1]) for row in text.splitlines() if row.startswith(start)), None
    )


async def test_accounts_and_runs_come_and_go(tmp_path: Path) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        setup = Setup(tmp_path, sim)
        first, second, third, asked = (sim.create_run(events=2) for _ in range(4))
        one, two = setup.account(runs=[first.id]), setup.account("two", "SECOND", runs=[second.id])
        setup.write(one)
        async with setup.serve() as daemon:
            assert await daemon.status("PUT", f"/v1/runs/{asked.id}") == 201
            assert await daemon.status("PUT", f"/v1/runs/{third.id}?account=two") == 400
            setup.write(one, two)
            await reload(daemon)  # its lists hold when it says so
            assert await state(daemon, second.id) == "following"
            await events_of(daemon, second.id, 2)
            hits = 'rate_limit_hits_total{account="two"}'
            assert await metric(daemon, hits) == 0.0
            assert await daemon.status("PUT", f"/v1/runs/{third.id}?account=two") == 201
            # Runs taken out of a list are left, one that was asked for otherwise stays.
            setup.write(setup.account(runs=[]), two)
            await reload(daemon)
            assert await state(daemon, first.id) == "stopped"
            assert await state(daemon, asked.id) == "following"
            # The account goes: nothing is asked with its token, its series go, its runs wait.
            setup.write(one)
            await reload(daemon)
            assert await state(daemon, first.id) == "following"
            sim.append(second, 3)
            await asyncio.sleep(0.2)  # what was sent before the reload has come in
            count = sum(request.token == OTHER for request in sim.requests)
            await events_of(daemon, first.id, 2)
            await asyncio.sleep(0.3)
            assert sum(request.token == OTHER for request in sim.requests) == count
            assert await metric(daemon, hits) is None
            setup.write(one, two)
            await reload(daemon)
            await events_of(daemon, second.id, 5)
            for run in (first, second, third, asked):
                sim.finish(run, gap_s=0)
            await daemon.ended(4)
            pages = await daemon.records()
        for run in (first, second, third, asked):
            assert ids(pages, run.id) == [event["id"] for event in sim.truth(run)["committed"]]


async def test_another_token_is_used_at_once(tmp_path: Path) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        setup = Setup(tmp_path, sim)
        run = sim.create_run(events=2)
        sim.set_token(TOKEN, valid=False)
        setup.write(setup.account(runs=[run.id]))
        async with setup.serve() as daemon:
            await until(lambda: len(sim.requests) >= 1)
            setup.write(setup.account(env="SECOND", runs=[run.id]))
            await reload(daemon)
            await events_of(daemon, run.id, 2)
            sim.finish(run, gap_s=0)
            await daemon.ended(1)


async def test_outputs_change_and_keep_their_place(tmp_path: Path) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        setup = Setup(tmp_path, sim)
        run = sim.create_run(events=3)
        account = setup.account(runs=[run.id])
        setup.write(account, setup.output("a.ndjson"))
        async with setup.serve() as daemon:
            await events_of(daemon, run.id, 3)
            first = await daemon.records()
            only_logs = 'filter = {types = ["com.mogplex.run.event.log"]}'
            setup.write(account, setup.output("a.ndjson", only_logs), setup.output("b.ndjson"))
            await reload(daemon)
            sim.append(run, 4)
            await events_of(daemon, run.id, 7)
            # It is gone, and its series are; what it wrote stays.
            setup.write(account, setup.output("b.ndjson"))
            await reload(daemon)
            lag = f'sink_lag_records{{sink="{tmp_path / "a.ndjson"}"}}'
            assert await metric(daemon, lag) is None
            sim.append(run, 2)
            await events_of(daemon, run.id, 9)
            # Back, as it was: it writes what it missed, from where it was.
            setup.write(account, setup.output("a.ndjson"), setup.output("b.ndjson"))
            await reload(daemon)
            sim.finish(run, gap_s=0)
            await daemon.ended(1)
            pages = await daemon.records()
            assert await daemon.stop() == 0
        assert setup.lines("b.ndjson") == pages
        logs = [r for r in pages[len(first) : -4] if r["type"].endswith("event.log")]
        got = setup.lines("a.ndjson")
        assert got[: len(first)] == first
        sequences = [int(record["sequence"]) for record in got]
        assert sequences == sorted(set(sequences))
        assert all(record in got for record in logs)
        assert got[-2:] == pages[-2:]


async def test_what_only_a_start_can_change_is_told_and_left(tmp_path: Path) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        setup = Setup(tmp_path, sim)
        run = sim.create_run(events=1)
        setup.write(setup.account(runs=[run.id]))
        async with setup.serve() as daemon:
            setup.file.write_text(
                f'journal = "sqlite:{tmp_path / "other.db"}"\n' + setup.account(runs=[run.id])
                + '[limits]\nrecent_bytes = "1MiB"\nruns = 1\n[log]\nlevel = "warning"\n'
                + f'[auth]\ntokens_file = "{tokens(tmp_path, "reader", "r" * 32)}"\n'
                + "[gateway]\nenabled = true\n"
            )  # fmt: skip
            daemon.process.send_signal(signal.SIGHUP)
            await until(lambda: len(logged(daemon, "config.restart_needed")) == 4)
            told = logged(daemon, "config.restart_needed")
            keys = ["journal", "limits.recent_bytes", "gateway.enabled", "auth"]
            assert [entry["key"] for entry in told] == keys
            assert (told[3]["running"], told[3]["configured"]) == ("off", "on")
            assert told[0]["running"].endswith("journal.db")
            assert told[0]["configured"].endswith("other.db")
            assert not (tmp_path / "other.db").exists()
            # The others hold: the limit of runs, and the level that hides the news of the reload.
            other = sim.create_run(events=1)
            assert await daemon.status("PUT", f"/v1/runs/{other.id}") == 503
            assert logged(daemon, "config.reloaded") == []


def tokens(directory: Path, name: str, token: str) -> Path:
    path = directory / f"{name}.toml"
    digest = hashlib.sha256(token.encode()).hexdigest()
    path.write_text(f'[[tokens]]\nname = "{name}"\nsha256 = "{digest}"\n')
    return path


async def test_readers_lose_access_when_their_tokens_go(tmp_path: Path) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        setup = Setup(tmp_path, sim)
        auth = "[auth]\ntokens_file = "
        setup.write(setup.account(), f'{auth}"{tokens(tmp_path, "old", "o" * 32)}"')
        old, new = ({"Authorization": "Bearer " + letter * 32} for letter in "on")
        async with setup.serve() as daemon, aiohttp.ClientSession() as session:
            url = daemon.url + "/v1/events"
            stream = {"Accept": "text/event-stream", **old}
            async with session.get(url, headers=stream) as response:
                assert response.status == 200
                setup.write(setup.account(), f'{auth}"{tokens(tmp_path, "new", "n" * 32)}"')
                await reload(daemon)
                assert await daemon.status("GET", "/v1/runs", **old) == 401
                assert await daemon.status("GET", "/v1/runs", **new) == 200
                async with asyncio.timeout(WITHIN_S):
                    await response.content.read()  # it ends: the token is worth nothing now


async def test_redaction_by_the_new_policy_from_the_reload_on(tmp_path: Path) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        setup = Setup(tmp_path, sim)
        run = sim.create_run()
        sim.set_status(run, "streaming")
        account = setup.account(runs=[run.id])
        setup.write(account)
        async with setup.serve() as daemon:
            sim.append(run, [{"type": "log", "message": "EMP-123456"}])
            await events_of(daemon, run.id, 1)
            setup.write(account, "[redaction]\npatterns = ['EMP-[0-9]{6}']")
            await reload(daemon)
            sim.append(run, [{"type": "log", "message": "EMP-123456"}])
            await events_of(daemon, run.id, 2)
            records = [r for r in await daemon.records() if r["type"].endswith("event.log")]
            messages = [record["data"]["message"] for record in records]
        assert messages[0] == "EMP-123456"
        assert "EMP" not in messages[1]


async def test_sigusr1_reopens_files_and_reads_no_configuration(tmp_path: Path) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        setup = Setup(tmp_path, sim)
        run = sim.create_run(events=2)
        account = setup.account(runs=[run.id])
        fixed = setup.output("events.ndjson", 'naming = "fixed"')
        setup.write(account, fixed)
        file = tmp_path / "events.ndjson"
        async with setup.serve() as daemon:
            await events_of(daemon, run.id, 2)
            await until(lambda: file.exists() and file.read_bytes().count(b"\n") >= 2)
            for number in (signal.SIGUSR1, signal.SIGHUP):
                setup.file.write_text("broken = ")
                file.rename(tmp_path / f"events.ndjson.{number}")
                daemon.process.send_signal(number)
                await until(file.exists)
                refused = len(logged(daemon, "config.refused"))
                assert refused == (number == signal.SIGHUP) or await until(
                    lambda: logged(daemon, "config.refused")
                )
            sim.finish(run, gap_s=0)
            await daemon.ended(1)
            pages = await daemon.records()
            assert await daemon.stop() == 0
        names = [f"events.ndjson.{n}" for n in (signal.SIGUSR1, signal.SIGHUP)] + [file.name]
        text = b"".join((tmp_path / name).read_bytes() for name in names)
        assert [orjson.loads(line) for line in text.splitlines()] == pages


async def test_systemd_hears_of_the_start_the_reload_and_the_stop(tmp_path: Path) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        setup = Setup(tmp_path, sim)
        setup.write(setup.account())
        address = f"@mogplex-bridge-{tmp_path.name}-{random.randrange(10**9)}"
        setup.env |= {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "300000"}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
            receiver.bind("\0" + address[1:])
            receiver.setblocking(False)
            heard: list[str] = []
            whole: list[str] = []

            def hear(word: str) -> bool:
                with suppress(BlockingIOError):
                    while True:
                        whole.append(receiver.recv(4096).decode())
                        heard.append(whole[-1].split("\n")[0])
                return word in heard

            async with setup.serve() as daemon:
                await until(lambda: hear("READY=1"))
                assert await daemon.status("GET", "/readyz") == 200
                await until(lambda: hear("WATCHDOG=1"))
                heard.clear()
                await reload(daemon)
                await until(lambda: hear("READY=1"))
                states = [word for word in heard if word in ("READY=1", "RELOADING=1")]
                assert states == ["RELOADING=1", "READY=1"]
                heard.clear()
                setup.file.write_text("broken =")
                await reload(daemon, "config.refused")
                await until(lambda: hear("READY=1"))
                assert "the newest configuration is refused" in next(
                    text for text in reversed(whole) if text.startswith("READY=1")
                )
                assert await daemon.stop() == 0
                assert hear("STOPPING=1")
