"""When is each run first heard? `python -m bench.first_contact`, on virtual time.

The whole way from the follow to the simulator and back, with the real HTTP client and server, 40 ms
there and back: so many runs are asked for at once, on a fresh journal (nothing is known of the
window, nor whether there is a stream), and again by a successor a few minutes later, when the
window has room again. A run is heard when upstream has answered a page or a stream of it.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import Any

import structlog

from bench.freshness import show, table
from tests.accounts import TOKEN
from tests.stages.mogplex import Setting, Stage, play

COUNTS = (1, 16, 50, 200, 1_000)
PAUSE_S = 120.0  # until the restart: two windows


def measure(count: int, *, may_stream: bool) -> list[list[str]]:
    """One row for the start, one for the restart."""
    rows: list[list[str]] = []

    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=3) for _ in range(count)]
        for what in ("start", "restart"):
            if what == "restart":
                await asyncio.sleep(PAUSE_S)
                await stage.restart()
            before, since = len(stage.sim.requests), stage.sim.clock.now()
            if what == "start":
                await stage.follow(*runs)
            heard = await _heard(stage, runs, before)
            waits = sorted(at - since for at in heard.values())
            asked = [r for r in stage.sim.requests[before:] if r.at_s <= max(heard.values())]
            rows.append(
                [
                    f"{count:,}",
                    what,
                    "stream" if may_stream else "poll",
                    show(waits[0]),
                    show(waits[len(waits) // 2]),
                    show(waits[-1]),
                    f"{sum(wait <= 2.0 for wait in waits):,}",
                    f"{len(asked) / count:.2f}",
                    str(stage.sim.refused(TOKEN)),
                ]
            )

    play(scenario, Setting(may_stream=may_stream), stream_max_s=0.0)
    return rows


async def _heard(stage: Stage, runs: list[Any], before: int) -> dict[str, float]:
    """The instant of the first answer of each run, when all have one."""
    heard: dict[str, float] = {}
    at = before
    while len(heard) < len(runs):
        await asyncio.sleep(1.0)
        requests = stage.sim.requests
        for request in requests[at:]:
            if request.endpoint in ("events", "stream") and request.status == 200:
                heard.setdefault(str(request.feed_id), request.at_s)
        at = len(requests)
    return heard


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.first_contact", description=__doc__)
    parser.add_argument("--runs", default="", help="for instance 16,50; default: all sizes")
    options = parser.parse_args(arguments)
    counts = [int(n) for n in options.runs.split(",") if n] or list(COUNTS)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    began = time.perf_counter()
    rows = [
        row
        for count in counts
        for may_stream in (True, False)
        for row in measure(count, may_stream=may_stream)
    ]
    print("Time to first contact in s; a token has 60 requests in 60 s, 6 of them kept in reserve")
    head = ["runs", "after", "by", "first", "median", "last", "within 2 s", "requests a run", "429"]
    table(head, rows)
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
