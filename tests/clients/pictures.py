"""`make pictures`: docs/images/live-page.png and live-page-dark.png, from a real demo.

The demo's lively runs, and on top what a reader of the README should see once: a run of which
upstream shows too little (a gap), and one that does not exist (given up).
"""

from __future__ import annotations

import asyncio
import re
import sys

import aiohttp

from tests.clients.programs import HERE, ROOT, program

IMAGES = ROOT / "docs/images"
NOBODY = "00000000-0000-4000-8000-000000000000"
START_S = 20.0
LIVES_S = 12.0  # until there is something to see


async def main() -> None:
    command = [sys.executable, "-m", "bridge", "demo", "--listen", "127.0.0.1:0"]
    async with program(*command, "--seed", "3", "--speed", "5", cwd=ROOT) as demo:
        url, sim = await _addresses(demo)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(_read_on(demo))
            await _draw(url, sim)
            reading.cancel()


async def _draw(url: str, sim: str) -> None:
    async with aiohttp.ClientSession() as session:
        await asyncio.sleep(LIVES_S)
        wish = {"events": 260, "knobs": {"stream": "absent"}}
        async with session.post(f"{sim}/_sim/runs", json=wish) as reply:
            assert reply.status < 300, await reply.text()
        async with session.put(f"{url}/v1/runs/{NOBODY}") as reply:
            assert reply.status < 300, await reply.text()
    async with program("node", HERE / "pictures.mjs", url, IMAGES) as artist:
        said, _ = await artist.communicate()
        assert artist.returncode == 0, said.decode()
    # 256 colours are plenty, and a third of the bytes.
    pictures = sorted(IMAGES.glob("live-page*.png"))
    async with program("pngquant", "--force", "--strip", "--ext", ".png", *pictures) as smaller:
        said, _ = await smaller.communicate()
        assert smaller.returncode == 0, said.decode()


async def _addresses(demo: asyncio.subprocess.Process) -> tuple[str, str]:
    found: dict[str, str] = {}
    assert demo.stdout is not None
    async with asyncio.timeout(START_S):
        while len(found) < 2:
            line = (await demo.stdout.readline()).decode()
            assert line, "the demo ended"
            if match := re.match(r"(live page|simulator) +(http://[^/]+)", line):
                found[match[1]] = match[2]
    return found["live page"], found["simulator"]


async def _read_on(demo: asyncio.subprocess.Process) -> None:
    """Its records go to this pipe; a full one would stop it."""
    assert demo.stdout is not None
    while await demo.stdout.read(65536):
        pass


if __name__ == "__main__":
    asyncio.run(main())
