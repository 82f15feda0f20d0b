"""Intake: bytes of a page to committed records, stage by stage, on one core.

    python -m bench.intake [--events 20000] [--rounds 5]

Stages are measured in turn in every round, CPU time of the whole process (all threads), medians.
`parse` alone is the floor: nothing can be faster than reading the JSON once. Aims (0016-design.md):
60,000 events/s from page bytes to committed without redaction, 10,000 with it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from bridge.clock import SystemClock
from bridge.core.state import FeedState
from bridge.intake import Intake
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.redact import Memory, Redactor
from bridge.sources.mogplex.api import to_page
from bridge.sources.mogplex.system import MOGPLEX, RUN_KIND
from bridge.sources.port import Batch
from bridge.wire.cloudevents import Encoder
from bridge.wire.jsontext import loads
from tests.accounts import mogplex_metrics

PAGE = 200
RUN = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"


class NoRedactor(Redactor):
    """Passes everything on: the price of redaction is the difference."""

    def event(self, data: Mapping[str, Any], memory: Memory | None = None) -> Mapping[str, Any]:
        del memory
        return data


def make_pages(count: int) -> list[bytes]:
    """Pages of 200 events of about 550 bytes, the mean of redaction.md."""
    run = {
        "runId": str(uuid.uuid4()),
        "aiCallId": "a",
        "status": "streaming",
        "createdAt": "2026-11-24T10:00:00+00:00",
        "updatedAt": "2026-11-24T10:00:00+00:00",
    }
    pages = []
    for start in range(0, count, PAGE):
        events = [
            {
                "id": str(uuid.uuid4()),
                "type": ("log", "tool_started", "tool_finished")[n % 3],
                "toolName": "shell" if n % 3 else None,
                "message": f"Running step {n}: pytest -q tests/unit/test_mailer.py --maxfail=1 "
                "and reading its report before the next edit of lib/mailer/outbox.py",
                "payload": {
                    "kind": "tool",
                    "toolCallId": f"call_{n - (n % 3 == 2)}",  # finished by the next event
                    "state": "running",
                    "command": "pytest -q tests/unit",
                    "exitCode": 0,
                    "durationMs": 1234 + n,
                    "output": "142 passed, 3 skipped in 8.31s " * 3,
                },
                "createdAt": f"2026-11-24T10:{n // 60 % 60:02}:{n % 60:02}.123456+00:00",
            }
            for n in range(start, start + PAGE)
        ]
        pages.append(orjson.dumps({"ok": True, "data": {"run": run, "events": events}}))
    return pages


def parse(pages: list[bytes]) -> None:
    for page in pages:
        loads(page)


def to_events(pages: list[bytes]) -> None:
    for page in pages:
        to_page(loads(page)["data"], {}, len(page))


def encode(pages: list[bytes], redactor: Redactor) -> None:
    encoder = Encoder(source="/mogplex/default/runs/x", subject="x", account="default")
    for page in pages:
        found = to_page(loads(page)["data"], {}, len(page))
        assert found is not None
        for event in found.events:
            encoder.encode(
                event.id,
                event.type,
                time=event.time or "",
                recorded="2026-11-24T10:00:00Z",
                status="streaming",
                data=redactor.event(event.data),
            )


def count(pages: list[bytes]) -> None:
    metrics = mogplex_metrics()
    types = ["com.mogplex.run.event.log"] * 150 + ["com.mogplex.run.event.tool_started"] * 50
    lags = [3.0 - i / 100 for i in range(PAGE)]
    for _ in pages:
        metrics.count_events("default", types, lags, RUN)


async def commit(pages: list[bytes], redactor: Redactor, directory: Path) -> None:
    journal = await SqliteJournal.open(directory / f"{uuid.uuid4()}.db")
    intake = Intake(journal, redactor, mogplex_metrics(), SystemClock())
    named = MOGPLEX.feed("default", "run", str(uuid.uuid4()))
    feed = intake.feed(FeedState(named), RUN_KIND)
    await feed.open()
    for page in pages:
        found = to_page(loads(page)["data"], {}, len(page))
        assert found is not None
        await feed.take(Batch(found.events, status=found.status, row=found.run))
    await journal.close()


async def measure(stage: Callable[[], Awaitable[None] | None]) -> tuple[float, float]:
    """CPU seconds (user and system, all threads) and wall seconds."""
    before, started = os.times(), time.perf_counter()
    result = stage()
    if result is not None:
        await result
    after = os.times()
    return after.user + after.system - before.user - before.system, time.perf_counter() - started


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    pages = make_pages(options.events)
    size = sum(map(len, pages)) / options.events
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        stages: dict[str, Callable[[], Awaitable[None] | None]] = {
            "parse (orjson, the floor)": lambda: parse(pages),
            "+ to events": lambda: to_events(pages),
            "+ encode": lambda: encode(pages, NoRedactor()),
            "+ dedupe, commit (whole, no redaction)": lambda: commit(
                pages, NoRedactor(), directory
            ),
            "metrics of a page, alone": lambda: count(pages),
            "encode with redaction": lambda: encode(pages, Redactor()),
            "whole, with redaction": lambda: commit(pages, Redactor(), directory),
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in stages}
        for _ in range(options.rounds):
            for stage_name, stage in stages.items():
                taken[stage_name].append(await measure(stage))
    print(f"{options.events} events of {size:.0f} bytes, {options.rounds} rounds, medians")
    print(f"{'stage':42} {'us CPU/event':>13} {'events/CPU-s':>13} {'events/s wall':>14}")
    for stage_name, figures in taken.items():
        cpu = statistics.median(f[0] for f in figures) / options.events
        wall = statistics.median(f[1] for f in figures) / options.events
        print(f"{stage_name:42} {cpu * 1e6:13.2f} {1 / cpu:13,.0f} {1 / wall:14,.0f}")


if __name__ == "__main__":
    asyncio.run(main())
