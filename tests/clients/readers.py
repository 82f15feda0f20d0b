"""The example programs of docs/examples as readers: each prints one record a line, for ever."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.clients.programs import ADMIN, EXAMPLES, HERE, MODULES, program

PROGRAMS = (
    "eventsource.mjs", "fetch-event-source.mjs", "ws.mjs", "sse.py", "websocket.py", "follow.sh",
)  # fmt: skip
PAGES = ("eventsource.html", "websocket.html")
START = {".mjs": "node", ".py": sys.executable, ".sh": "sh"}


class Heard:
    """What each reader said, by its name."""

    def __init__(self) -> None:
        self.lines: dict[str, list[str]] = {}

    def note(self, name: str, line: str) -> None:
        self.lines.setdefault(name, []).append(line)

    def sequences(self, name: str) -> list[int]:
        return [int(r["sequence"]) for r in self.records(name) if "sequence" in r]

    def records(self, name: str) -> list[dict[str, str]]:
        """Lines that are no record are a program's last words; they show in the comparison."""
        found = []
        for line in self.lines.get(name, []):
            try:
                found.append(json.loads(line))
            except ValueError:
                found.append({"sequence": "-1", "said": line})
        return found

    def faults(self, names: list[str], head: int) -> dict[str, str]:
        """Readers that did not get 1, 2, … head, each once and in order."""
        wrong = {}
        for name in names:
            got = self.sequences(name)
            if got != list(range(1, head + 1)):
                odd = [(i, n) for i, n in enumerate(got, 1) if i != n][:3]
                said = [r for r in self.records(name) if "said" in r][:5]
                wrong[name] = f"{len(got)} of {head}, first odd {odd}, {said}"
        return wrong

    async def all_have(self, names: list[str], head: int, within_s: float) -> None:
        with contextlib.suppress(TimeoutError):  # the comparison tells who is late
            async with asyncio.timeout(within_s):
                while any(len(self.lines.get(name, [])) < head for name in names):
                    await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)  # a repeat would come now


@asynccontextmanager
async def reading(
    urls: Mapping[str, str], directory: Path, heard: Heard, *, served: bool = False
) -> AsyncIterator[None]:
    """Run examples by file name, each against its own address; pages all in one browser. `served`:
    their addresses serve the pages too, else the browser's driver puts them there.
    """
    (directory / "node_modules").symlink_to(MODULES)
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(asyncio.TaskGroup())
        tasks = []
        for name in [n for n in PROGRAMS if n in urls]:
            words = (
                asyncio.subprocess.DEVNULL if name.endswith(".sh") else asyncio.subprocess.STDOUT
            )
            copy = Path(shutil.copy(EXAMPLES / name, directory / name))
            env = {"BRIDGE_URL": urls[name], "BRIDGE_TOKEN": ADMIN, "PYTHONUNBUFFERED": "1"}
            started = await stack.enter_async_context(
                program(START[copy.suffix], copy, env=env, cwd=directory, stderr=words)
            )
            tasks.append(group.create_task(_listen(started, heard, name)))
        files = {name: "" if served else EXAMPLES / name for name in PAGES}
        pages = [f"{n}={urls[n]}/{n}={files[n]}" for n in PAGES if n in urls]
        if pages:
            started = await stack.enter_async_context(
                program("node", HERE / "examples.mjs", ADMIN, *pages)
            )
            tasks.append(group.create_task(_listen(started, heard, "")))
        yield
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _listen(process: asyncio.subprocess.Process, heard: Heard, name: str) -> None:
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode().rstrip("\n"):
        who, _, text = line.partition("\t") if not name else (name, "", line)
        heard.note(who, text)
