"""`make pictures`: docs/images/live-page*.png, from a real demo.

The story of a run, light and dark; one that failed; the overview; a tablet and a phone; and the
page when upstream does not answer.
"""

from __future__ import annotations

import asyncio
import re
import sys

from tests.clients.programs import HERE, ROOT, program

IMAGES = ROOT / "docs/images"
START_S = 60.0


async def main() -> None:
    command = [sys.executable, "-m", "bridge", "demo", "--listen", "127.0.0.1:0"]
    async with program(*command, "--speed", "2", cwd=ROOT) as demo:
        url, sim = await _addresses(demo)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(_read_on(demo))
            await _draw(url, sim)
            reading.cancel()


async def _draw(url: str, sim: str) -> None:
    async with program("node", HERE / "pictures.mjs", url, sim, IMAGES) as artist:
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
