"""Start-up: CPU seconds of `follow` from the command to the first record on stdout.

    python -m bench.startup [--rounds 7] [--beside DIR]

`--beside`: another checkout, measured in turn with this one on the same packages. The simulator
runs in this process, so that its own time does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
from pathlib import Path

from bridge.simulator import Simulator

HERE = Path(__file__).parents[1]


async def first_record(tree: Path, url: str, run: str) -> tuple[float, float]:
    """CPU seconds until the first line of stdout, and wall seconds."""
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "follow", run),
        cwd=tree,
        env=os.environ
        | {
            "MOGPLEX_BASE_URL": url,
            "MOGPLEX_TOKEN": "mog_" + "b" * 24,
            "PYTHONPATH": str(tree),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    if not await process.stdout.readline():
        raise SystemExit(f"error: {tree}: follow printed nothing")
    took_s = loop.time() - started_s
    used_s = cpu_s(process.pid)
    process.terminate()
    await process.communicate()
    return used_s, took_s


def cpu_s(pid: int) -> float:
    """What a living process has used so far; Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--beside", type=Path, help="another checkout")
    options = parser.parse_args()
    trees = [HERE, *([options.beside] if options.beside else [])]
    taken: dict[Path, list[tuple[float, float]]] = {tree: [] for tree in trees}
    async with Simulator() as sim:
        run = sim.create_run()
        sim.append(run, 3)
        for _ in range(options.rounds):
            for tree in trees:
                taken[tree].append(await first_record(tree, sim.url, run.id))
    print(f"{'tree':20} {'best CPU s':>11} {'median CPU s':>13} {'median wall s':>14}")
    for tree, figures in taken.items():
        cpu = [f[0] for f in figures]
        wall = statistics.median(f[1] for f in figures)
        name = "this" if tree == HERE else "beside"
        print(f"{name:20} {min(cpu):11.2f} {statistics.median(cpu):13.2f} {wall:14.2f}")


if __name__ == "__main__":
    asyncio.run(main())
