"""The live page in a real browser, on a real bridge."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TextIO

import pytest

from bridge.simulator import MootSimulator, Simulator
from bridge.simulator.miosa.server import Simulator as MiosaSimulator
from tests.clients.programs import (
    ADMIN,
    OWN,
    READER,
    WRITER,
    free_port,
    need,
    play,
    tokens_file,
)
from tests.e2e.processes import TOKEN, Daemon, environment, quick_config, serve

pytestmark = pytest.mark.e2e
NOBODY = "00000000-0000-4000-8000-000000000000"
ENV = environment(None, MOGPLEX_TOKEN=TOKEN)


async def test_a_person_uses_the_page(tmp_path: Path) -> None:
    need("node", "chromium")
    async with Simulator(scenario="empty", knobs={"limiter": "off"}) as sim:
        alive = sim.create_run(events=60)
        gappy = sim.create_run(events=450, knobs={"stream": "absent"})
        added = sim.create_run(events=3)
        for run in (alive, gappy, added):
            sim.set_status(run, "streaming")
        runs = [option for id_ in (alive.id, gappy.id, NOBODY) for option in ("--run", id_)]
        config = str(quick_config(tmp_path, sim.url))
        async with serve("--config", config, *runs, env=ENV) as daemon:
            ids = (alive.id, gappy.id, NOBODY, added.id)
            said = await play("page_use.mjs", daemon.url, sim.url, *ids, orders={})
    assert said.count("ok ") == 12


@pytest.mark.timeout(300)  # Chromium shares two cores with everything else
async def test_a_run_is_read_as_a_story(tmp_path: Path) -> None:
    need("node", "chromium")
    async with Simulator(scenario="empty", knobs={"limiter": "off"}) as sim:
        config = str(quick_config(tmp_path, sim.url))
        async with serve("--config", config, env=ENV) as daemon:
            said = await play("page_story.mjs", daemon.url, sim.url, orders={}, timeout_s=240)
    assert said.count("ok ") == 16


@pytest.mark.timeout(300)
async def test_feeds_of_all_systems_are_cards_and_stories(tmp_path: Path) -> None:
    need("node", "chromium")
    async with (
        Simulator(scenario="empty", knobs={"limiter": "off"}) as sim,
        MootSimulator() as moot,
        MiosaSimulator() as miosa,
    ):
        run = sim.create_run(events=3)
        sim.set_status(run, "streaming")
        space = moot.create_space("a:b@c %25", description="Rounding")
        sandbox, build = (miosa.create(kind) for kind in ("sandbox", "build"))
        account = {"requests_per_minute": 2000}
        spaces = {**account, "system": "moot", "base_url": moot.url, "spaces": [space.id]}
        cloud = {**account, "system": "miosa", "base_url": miosa.url}
        config = quick_config(tmp_path, sim.url)
        with config.open("a") as file:
            _write_account(file, "spaces", "SPACES_KEY", spaces)
            things = [sandbox.feed_id, build.feed_id, "tenant"]
            _write_account(file, "cloud", "CLOUD_KEY", {**cloud, "follow": things})
            _write_account(file, "twin", "TWIN_KEY", {**cloud, "follow": ["tenant"]})
        keys = {"SPACES_KEY": "convo_key_" + "e" * 24, "CLOUD_KEY": "msk_" + "e" * 24}
        env = environment(None, MOGPLEX_TOKEN=TOKEN, TWIN_KEY="msk_" + "f" * 24, **keys)
        async with serve("--config", str(config), "--run", run.id, env=env) as daemon:
            args = [daemon.url, moot.url, miosa.url, sandbox.id, build.id, run.id]
            said = await play("page_feeds.mjs", *args, orders={}, timeout_s=240)
    assert said.count("ok ") == 9


def _write_account(file: TextIO, name: str, key: str, settings: dict[str, object]) -> None:
    values = {"name": name, "token_env": key, **settings}
    file.write("[[accounts]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in values.items()))


async def test_the_page_tells_what_is_wrong_and_since_when(tmp_path: Path) -> None:
    need("node", "chromium")
    port = free_port()
    async with (
        Simulator(scenario="empty", knobs={"limiter": "off"}) as sim,
        AsyncExitStack() as now,
    ):
        config = str(quick_config(tmp_path, sim.url))
        options = ["--config", config, "--listen", f"127.0.0.1:{port}"]
        daemon: list[Daemon] = []

        async def start() -> None:
            daemon.append(await now.enter_async_context(serve(*options, env=ENV)))

        async def kill() -> None:
            daemon[-1].process.kill()
            await daemon[-1].process.wait()

        await start()
        orders = {"start": start, "kill": kill}
        args = [daemon[0].url, sim.url]
        said = await play("page_truth.mjs", *args, orders=orders, timeout_s=300)
    assert said.count("ok ") == 4


@pytest.mark.timeout(240)  # Chromium shares two cores with everything else
async def test_a_run_is_started_and_cancelled_where_the_token_allows_it(tmp_path: Path) -> None:
    need("node", "chromium")
    async with Simulator(
        scenario="empty", knobs={"limiter": "off", "run_start_limiter": "off"}
    ) as sim:
        run = sim.create_run(events=3)
        file = tokens_file(tmp_path, one_run=run.id)
        config = quick_config(tmp_path, sim.url, auth=f'{{tokens_file = "{file}"}}')
        config.write_text(config.read_text() + "[gateway]\nenabled = true\n")
        (tmp_path / "plain").mkdir()
        without = quick_config(tmp_path / "plain", sim.url)
        async with (
            serve("--config", str(config), "--run", run.id, env=ENV) as daemon,
            serve("--config", str(without), "--run", run.id, env=ENV) as plain,
        ):
            args = [daemon.url, plain.url, sim.url, WRITER, READER, OWN, run.id]
            said = await play("page_start.mjs", *args, orders={}, timeout_s=200)
        started = [one.id for one in sim.world.store.runs.values() if one.id != run.id]
    assert said.count("ok ") == 8
    assert len(started) == 3


async def test_a_hostile_transcript_does_nothing(tmp_path: Path) -> None:
    need("node", "chromium")
    async with Simulator(scenario="empty", knobs={"limiter": "off"}) as sim:
        config = str(quick_config(tmp_path, sim.url))
        async with serve("--config", config, env=ENV) as daemon:
            said = await play("page_hostile.mjs", daemon.url, sim.url, orders={}, timeout_s=180)
    assert said.count("ok ") == 4


async def test_a_story_of_ten_thousand_events_scrolls(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    need("node", "chromium")
    async with Simulator(scenario="empty", knobs={"limiter": "off"}) as sim:
        few, many = sim.create_run(events=5), sim.create_run(events=5)
        for run in (few, many):
            sim.set_status(run, "streaming")
        config = str(quick_config(tmp_path, sim.url))
        options = ["--config", config, "--run", few.id, "--run", many.id]
        async with serve(*options, env=ENV) as daemon:
            async with asyncio.timeout(30):
                while len(await daemon.records()) < 12:
                    await asyncio.sleep(0.1)
            for run, events in ((few, 4995), (many, 9995)):
                for count in range(0, events, 500):
                    sim.append(run, min(500, events - count))
                    await asyncio.sleep(0.05)
            args = ["page_story_many.mjs", daemon.url, sim.url, few.id, many.id]
            said = await play(*args, orders={}, timeout_s=180)
    record_property("measured", said.strip())
    assert "10,000 events: first paint" in said


async def test_the_pure_modules_of_the_page() -> None:
    need("node")
    assert "ok " in await play("page_modules.mjs", orders={})


async def test_ten_thousand_events_without_a_stutter(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    need("node", "chromium")
    async with Simulator(scenario="empty", knobs={"limiter": "off"}) as sim:
        run = sim.create_run(events=5)
        sim.set_status(run, "streaming")
        config = str(quick_config(tmp_path, sim.url))
        async with serve("--config", config, "--run", run.id, env=ENV) as daemon:
            said = await play("page_many.mjs", daemon.url, sim.url, orders={})
    record_property("measured", said.strip())
    assert "10000 events in" in said


@pytest.mark.parametrize("access", ["open", "tokens"])
async def test_the_page_signs_in_and_outlives_the_bridge(access: str, tmp_path: Path) -> None:
    need("node", "chromium")
    port = free_port()
    async with (
        Simulator(scenario="empty", knobs={"limiter": "off"}) as sim,
        AsyncExitStack() as now,
    ):
        run = sim.create_run(events=5)
        sim.set_status(run, "streaming")
        tokens = {"auth": f'{{tokens_file = "{tokens_file(tmp_path)}"}}'}
        config = quick_config(tmp_path, sim.url, **(tokens if access == "tokens" else {}))
        options = ["--config", str(config), "--listen", f"127.0.0.1:{port}", "--run", run.id]
        daemon: list[Daemon] = []

        async def start() -> None:
            daemon.append(await now.enter_async_context(serve(*options, env=ENV)))

        async def kill() -> None:
            daemon[-1].process.kill()
            await daemon[-1].process.wait()

        async def forget() -> None:
            for file in tmp_path.glob("journal.db*"):
                file.unlink()

        await start()
        orders = {"start": start, "kill": kill, "forget": forget}
        who = [ADMIN, READER] if access == "tokens" else []
        args = [daemon[0].url, sim.url, run.id, *who]
        said = await play("page_connection.mjs", *args, orders=orders)
    assert said.count("ok ") == (5 if access == "tokens" else 2)
