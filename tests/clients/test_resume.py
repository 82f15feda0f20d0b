"""Real clients, cut connections and a killed bridge: every record once, in order."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.simulator import Simulator
from tests.clients.cutting import cutting
from tests.clients.programs import free_port, head_of, need, tokens_file
from tests.clients.readers import PAGES, PROGRAMS, Heard, reading
from tests.e2e.processes import TOKEN, environment, quick_config, serve

pytestmark = pytest.mark.e2e
ENV = environment(None, MOGPLEX_TOKEN=TOKEN)
CUTS = 3  # for each reader, anywhere in a frame; the kill comes on top
EVENTS = 400


async def test_every_client_resumes_exactly_after_cuts_and_kill_9(tmp_path: Path) -> None:
    need("node", "chromium", "curl")
    names, heard, port = [*PROGRAMS, *PAGES], Heard(), free_port()
    async with AsyncExitStack() as stack:
        sim = await stack.enter_async_context(Simulator(scenario="empty", knobs={"limiter": "off"}))
        runs = [sim.create_run(events=2) for _ in range(2)]
        auth = f'{{tokens_file = "{tokens_file(tmp_path)}"}}'
        config = quick_config(tmp_path, sim.url, auth=auth)
        options = ["--config", str(config), "--listen", f"127.0.0.1:{port}"]
        options += [option for run in runs for option in ("--run", run.id)]
        daemon = await stack.enter_async_context(serve(*options, env=ENV))
        proxies = {
            name: await stack.enter_async_context(cutting(port, CUTS, seed))
            for seed, name in enumerate(names)
        }
        urls = {name: proxy.url for name, proxy in proxies.items()}
        await stack.enter_async_context(reading(urls, tmp_path, heard))
        for turn in range(EVENTS // 10):
            sim.append(runs[turn % 2], 10)
            await asyncio.sleep(0.1)
            if turn == 25:  # in the middle of everything
                daemon.process.kill()
                await daemon.process.wait()
                daemon = await stack.enter_async_context(serve(*options, env=ENV))
        for run in runs:
            sim.finish(run, order="event_first")
        head = await head_of(f"http://127.0.0.1:{port}", len(runs))
        await heard.all_have(names, head, 25.0)
        faults = heard.faults(names, head)
        faults |= {said: str(heard.lines[said]) for said in heard.lines.keys() - set(names)}
        assert not faults, "\n".join(f"{name}: {fault}" for name, fault in faults.items())
        assert {name: proxy.made for name, proxy in proxies.items()} == dict.fromkeys(names, CUTS)
        assert head > EVENTS
