"""The story on the page, in Chromium: first paint of 5,000 and 10,000 events, frames in scrolling.

Needs node, chromium and the packages of tests/clients (`make test` installs them).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bridge.simulator import Simulator
from tests.clients.programs import MODULES, play
from tests.e2e.processes import TOKEN, environment, quick_config, serve

EVENTS = (5000, 10_000)


async def main() -> None:
    if not MODULES.is_dir():
        print("skipped: no npm packages (make test)")
        return
    async with Simulator(scenario="empty", knobs={"limiter": "off"}) as sim:
        runs = [sim.create_run(events=5) for _ in EVENTS]
        for run in runs:
            sim.set_status(run, "streaming")
        with tempfile.TemporaryDirectory() as directory:
            config = str(quick_config(Path(directory), sim.url))
            options = [option for run in runs for option in ("--run", run.id)]
            env = environment(None, MOGPLEX_TOKEN=TOKEN)
            async with serve("--config", config, *options, env=env) as daemon:
                await asyncio.sleep(3)
                for run, events in zip(runs, EVENTS, strict=True):
                    for count in range(5, events, 500):
                        sim.append(run, min(500, events - count))
                        await asyncio.sleep(0.05)
                ids = [run.id for run in runs]
                said = await play(
                    "page_story_many.mjs", daemon.url, sim.url, *ids, orders={}, timeout_s=300
                )
                print(said.strip())
                await daemon.stop()


if __name__ == "__main__":
    asyncio.run(main())
