"""Sequences with holes, as an engine gives them that numbers other things too: nobody outside of
`journal/` counts records by them, takes a hole for a loss, or expects the next one to be one more.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path

import pytest

from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.outputs.sinks.files import verify as files_check
from tests.contract.test_http_streams import event_stream, steadily
from tests.contract.test_targets import World, running, until
from tests.http_bridge import http_bridge
from tests.journal_records import holed
from tests.unit.outputs.sinks.lines_world import drafts, output_files

AT = [0, *itertools.islice(holed(), 1000)]  # the sequence of the n-th record


async def test_a_stream_cut_anywhere_resumes_with_each_record_once() -> None:
    async with http_bridge(sequences=holed()) as bridge:
        seen: list[int] = []
        last_id = bridge.position(0)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(steadily(bridge, 300))
            for cut in itertools.cycle([1, 90, 200, 333, 700, 1500, 77, 5000]):
                if len(seen) == 300:
                    break
                async with event_stream(bridge, Last_Event_ID=last_id) as stream:
                    taken = 0
                    while taken < cut + 300 and len(seen) < 300:
                        chunk = (await stream.response.content.readany())[: cut + 300 - taken]
                        taken += len(chunk)
                        seen += [
                            int(json.loads(frame.data)["sequence"])
                            for frame in stream.decoder.feed(chunk)
                        ]
                    last_id = stream.decoder.last_event_id
        assert seen == AT[1:301]


async def test_pages_tails_and_positions_within_holes() -> None:
    async def sequences(path: str) -> list[int]:
        async with bridge.session.get(bridge.url + path) as response:
            assert response.status == 200
            page = json.loads(await response.read())
        return [int(record["sequence"]) for record in page["records"]]

    async with http_bridge(sequences=holed()) as bridge:
        await bridge.add(250)
        assert await sequences("/v1/events?after=0&limit=1000") == AT[1:251]
        assert await sequences("/v1/events?tail=7") == AT[244:251]
        for after in range(AT[9]):
            expected = [seq for seq in AT if seq > after][:5]
            assert await sequences(f"/v1/events?after={after}&limit=5") == expected
        async with bridge.session.get(f"{bridge.url}/v1/events?after={AT[250] + 1}") as response:
            assert response.status == 410  # ahead of the head


async def test_no_reset_is_told_for_a_hole_in_front_of_the_oldest_record() -> None:
    """The first record has sequence 2: a reader at 0 or 1 misses nothing."""
    async with http_bridge(sequences=holed()) as bridge:
        await bridge.add(5)
        for after in (0, 1):
            position = bridge.position(after)
            async with event_stream(bridge, Last_Event_ID=position) as stream:
                assert await stream.records(5) == AT[1:6]


@pytest.mark.parametrize("kind", ["file", "stdout", "list"])
async def test_outputs_write_each_record_once_over_restarts(kind: str, tmp_path: Path) -> None:
    world = World(kind, tmp_path)
    journal = MemoryJournal(sequences=holed())
    for round_ in range(12):
        await deliver(world, journal, round_)
    assert world.sequences() == AT[1:241]


async def deliver(world: World, journal: MemoryJournal, round_: int) -> None:
    """One life of an output; two of three have written everything when they end."""
    sink = world.delivery(journal)
    await sink.open()
    async with running(sink):
        await journal.append(drafts(round_ * 20, 20))
        if round_ % 3:
            await until(lambda: sink.lag == 0)
    await sink.close()
    world.lines()


async def test_what_retention_took_is_told_without_a_number(tmp_path: Path) -> None:
    world = World("file", tmp_path)
    world.metrics = Metrics()
    journal = MemoryJournal(records_max=8, sequences=holed())
    sink = world.delivery(journal)
    await sink.open()
    async with running(sink):
        await journal.append(drafts(0, 4))
        await until(lambda: sink.lag == 0)
    await journal.append(drafts(4, 8))
    await journal.append(drafts(12, 8))
    await sink.close()
    lines = [json.loads(line) for line in world.lines()]
    (reset,) = [line for line in lines if line["type"] == "bridge.reset"]
    assert reset["data"]["missing"] is None
    assert [int(line["sequence"]) for line in lines if line is not reset] == AT[1:5] + AT[13:21]
    report = files_check.Report()
    problems = list(files_check.verify(output_files(tmp_path), report, is_filtered=True))
    assert [problem.kind for problem in problems] == ["hole"], "the reset line, and nothing else"
