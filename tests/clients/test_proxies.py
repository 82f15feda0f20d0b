"""Behind nginx and Caddy: the files of deploy/ work, and the trap they avoid is real."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from bridge.simulator import Simulator
from tests.clients.programs import ADMIN, free_port, head_of, need, tokens_file
from tests.clients.proxies import bare_site, caddy, nginx, nginx_site
from tests.clients.readers import PAGES, PROGRAMS, Heard, reading
from tests.e2e.processes import TOKEN, environment, quick_config, serve

pytestmark = pytest.mark.e2e
ENV = environment(None, MOGPLEX_TOKEN=TOKEN)
NAMES = [*PROGRAMS, *PAGES]
# Takes some ms. A buffer holds it until 4 KiB are full or the connection ends, so waiting on a busy
# machine hides nothing.
AT_ONCE_S = 10.0
HELD_S = 2.0


@asynccontextmanager
async def bridge(directory: Path) -> AsyncIterator[tuple[Simulator, Any, int]]:
    """A bridge with [auth] that follows one run: simulator, run, port."""
    async with Simulator(scenario="empty", knobs={"limiter": "off"}) as sim:
        run = sim.create_run(events=30)
        auth = f'{{tokens_file = "{tokens_file(directory)}"}}'
        config = str(quick_config(directory, sim.url, auth=auth))
        async with serve("--config", config, "--run", run.id, env=ENV) as daemon:
            port = urlsplit(daemon.url).port
            assert port is not None
            yield sim, run, port


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
async def test_every_client_gets_everything_at_once_behind(proxy: str, tmp_path: Path) -> None:
    need(proxy, "node", "chromium", "curl")
    heard = Heard()
    async with AsyncExitStack() as stack:
        sim, run, to_port = await stack.enter_async_context(bridge(tmp_path))
        if proxy == "nginx":
            port = free_port()
            made = nginx(nginx_site(to_port, port), port, tmp_path)
        else:
            made = caddy(to_port, tmp_path)
        url = await stack.enter_async_context(made)
        urls = {name: url + "/examples" if name in PAGES else url for name in NAMES}
        await stack.enter_async_context(reading(urls, tmp_path, heard, served=True))
        before = await head_of(url, 0)
        await heard.all_have(NAMES, before, 20.0)
        begun = time.monotonic()
        sim.append(run, 1)  # far less than any buffer
        await heard.all_have(NAMES, before + 1, 20.0)
        took_s = time.monotonic() - begun
        sim.append(run, 40)
        sim.finish(run, order="event_first")
        head = await head_of(url, 1)
        await heard.all_have(NAMES, head, 20.0)
        faults = heard.faults(NAMES, head)
        assert not faults, "\n".join(f"{name}: {fault}" for name, fault in faults.items())
        assert took_s < 5.0


async def arrives(url: str, sim: Simulator, run: Any, within_s: float) -> bool:
    """Whether an event upstream comes through a proxy, or is held back."""
    headers = {"Authorization": f"Bearer {ADMIN}", "Accept": "text/event-stream"}
    async with aiohttp.ClientSession(headers=headers) as session:
        # A proxy that buffers holds the head back too.
        try:
            async with asyncio.timeout(within_s), session.get(url + "/v1/events") as response:
                assert response.status == 200
                sim.append(run, 1)
                async for line in response.content:
                    if line.startswith(b"data:"):
                        return True
        except TimeoutError:
            pass
    return False


async def test_nginx_holds_events_back_only_where_it_may_not_listen_to_the_bridge(
    tmp_path: Path,
) -> None:
    """Without a word about buffering events come at once, because the bridge asks for it; where
    nginx is told to ignore that they do not come: the trap is real.
    """
    need("nginx")
    came: dict[str, bool] = {}
    async with bridge(tmp_path) as (sim, run, to_port):
        await head_of(f"http://127.0.0.1:{to_port}", 0)
        for name, more, within_s in (
            ("bare", "", AT_ONCE_S),
            ("ignoring", "proxy_ignore_headers X-Accel-Buffering;", HELD_S),
        ):
            port = free_port()
            async with nginx(bare_site(to_port, port, more), port, tmp_path) as url:
                came[name] = await arrives(url, sim, run, within_s)
        port = free_port()
        async with nginx(nginx_site(to_port, port), port, tmp_path) as url:
            came["ours"] = await arrives(url, sim, run, AT_ONCE_S)
    assert came == {"bare": True, "ignoring": False, "ours": True}
