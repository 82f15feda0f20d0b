"""The event stream of the simulated service, byte for byte (mogplex.md 1.8)."""

from __future__ import annotations

import json

import pytest

from bridge.simulator import Simulator
from tests.unit.simulator.asking import ROOT, TOKEN, asking, still

ABSENT_ID = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"


def stream_path(run_id: str) -> str:
    return f"{ROOT}/runs/{run_id}/events/stream"


async def test_the_frames_byte_for_byte() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(run_id=ABSENT_ID, status="streaming")
        still(asker).advance(1.5)
        one = {"type": "log", "message": "é", "payload": {"a": 1, "password": 2}}
        asker.sim.append(run, {**one, "id": "0c1d7e88-93d4-4c0a-b6f2-6f4a0b0f9e77"})
        async with asker.stream(run.id) as frames:
            headers = frames.response.headers
            assert headers["Content-Type"] == "text/event-stream"
            assert headers["Cache-Control"] == "no-cache, no-transform"
            assert headers["Connection"] == "keep-alive"
            assert await frames.next() == b": connected\n\n"
            shown = await asker.get(f"{ROOT}/runs/{run.id}")
            text = shown.body.removeprefix(b'{"ok":true,"data":{"run":').removesuffix(b"}}")
            assert await frames.next() == b"event: run\ndata: " + text + b"\n\n"
            assert await frames.next() == (
                b"id: 0c1d7e88-93d4-4c0a-b6f2-6f4a0b0f9e77\nevent: log\n"
                b'data: {"id":"0c1d7e88-93d4-4c0a-b6f2-6f4a0b0f9e77","type":"log","toolName":null,'
                b'"message":"\xc3\xa9","payload":{"a":1,"password":"[redacted]"},'
                b'"createdAt":"2026-08-03T15:00:01.5+00:00"}\n\n'
            )


async def test_there_are_no_heartbeats_and_no_run_frames_on_a_change_of_status() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=1)
        async with asker.stream(run.id) as frames:
            await frames.begin()
            await frames.id()
            still(asker).advance(799.0)
            asker.sim.set_status(run, "awaiting_input")
            assert await frames.is_silent()


@pytest.mark.parametrize(("query", "count"), [("", 100), ("?limit=200", 200), ("?limit=7x", 7)])
async def test_a_fresh_connect_replays_the_newest_even_with_a_head_window(
    query: str, count: int
) -> None:
    async with asking(window="head") as asker:
        run = asker.sim.create_run(events=300)
        ids = [event.id for event in run.commits]
        async with asker.stream(run.id, query) as frames:
            await frames.begin()
            assert await frames.ids(count) == ids[-count:]
            (live,) = asker.sim.append(run, 1)
            assert await frames.id() == live.id


async def test_a_resume_replays_everything_after_the_cursor_and_ignores_limit() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=700)
        ids = [event.id for event in run.commits]
        async with asker.stream(run.id, "?limit=1", last=f" {ids[9].upper()} ") as frames:
            await frames.begin()
            assert await frames.ids(690) == ids[10:]
            (live,) = asker.sim.append(run, 1)
            assert await frames.id() == live.id


async def test_a_blank_cursor_is_no_cursor() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=3)
        async with asker.stream(run.id, last="  ") as frames:
            await frames.begin()
            assert len(await frames.ids(3)) == 3


async def test_live_events_come_in_order_of_commit() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=1)
        async with asker.stream(run.id) as frames:
            await frames.begin()
            await frames.id()
            (late,) = asker.sim.append(run, 1, commit_after_s=2.0)
            (early,) = asker.sim.append(run, 1)
            assert await frames.id() == early.id
            still(asker).advance(2.0)
            assert await frames.id() == late.id


async def test_an_event_that_commits_late_while_nobody_listens_is_skipped_by_a_resume() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=1)
        (late,) = asker.sim.append(run, 1, commit_after_s=2.0)
        (cursor,) = asker.sim.append(run, 1)
        still(asker).advance(2.0)
        async with asker.stream(run.id, last=cursor.id) as frames:
            await frames.begin()
            assert await frames.is_silent()
        assert late.id in await asker.events(run.id)


async def test_a_resume_within_a_tie_goes_by_id() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=8, knobs={"tie_size": 8, "tie_order": "arbitrary"})
        ids = sorted(event.id for event in run.commits)
        async with asker.stream(run.id, last=ids[2]) as frames:
            await frames.begin()
            assert await frames.ids(5) == ids[3:]


@pytest.mark.parametrize("kind", ["finished", "failed", "cancelled"])
async def test_the_stream_ends_right_after_a_terminal_event(kind: str) -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=1)
        async with asker.stream(run.id) as frames:
            await frames.begin()
            await frames.id()
            (end, _) = asker.sim.append(run, [{"type": kind}, {"type": "log"}])
            assert await frames.id() == end.id
            assert await frames.rest() == (b"", True)
        assert not asker.sim.world.streams
        assert not run.watchers


async def test_the_first_terminal_event_ends_a_replay_too() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=2)
        asker.sim.finish(run, "failed", order="double_failed", gap_s=0)
        assert [event.draft.type for event in run.commits[2:]] == ["failed", "failed"]
        async with asker.stream(run.id) as frames:
            await frames.begin()
            assert await frames.ids(3) == [event.id for event in run.commits[:3]]
            assert await frames.rest() == (b"", True)
        # From the first of the two, the second is replayed, and ends it.
        async with asker.stream(run.id, last=run.commits[2].id) as frames:
            await frames.begin()
            assert await frames.id() == run.commits[3].id
            assert await frames.rest() == (b"", True)


async def test_it_hangs_when_resumed_from_the_terminal_event() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=2)
        asker.sim.finish(run, gap_s=0)
        async with asker.stream(run.id, last=run.commits[-1].id) as frames:
            await frames.begin()
            assert await frames.is_silent()


async def test_it_hangs_on_an_ended_run_without_a_terminal_event() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=2)
        asker.sim.finish(run, "failed", order="row_only")
        async with asker.stream(run.id) as frames:
            assert await frames.next() == b": connected\n\n"
            shown = json.loads((await frames.next()).split(b"data: ")[1])
            assert shown["status"] == "failed"
            await frames.ids(2)
            assert await frames.is_silent()


# -- refusals before the start


async def test_cursors_that_are_refused() -> None:
    async with asking() as asker:
        run, other = asker.sim.create_run(events=3), asker.sim.create_run(events=3)
        foreign = other.commits[0].id
        for cursor in (ABSENT_ID, foreign):
            answer = await asker.get(stream_path(run.id), headers={"Last-Event-ID": cursor})
            assert answer.error == (
                400,
                "BAD_REQUEST",
                "Last-Event-ID does not belong to this run",
            )
        answer = await asker.get(stream_path(run.id), headers={"Last-Event-ID": "42"})
        assert answer.error == (500, "INTERNAL_ERROR", "Failed to stream events")


async def test_runs_that_are_refused() -> None:
    async with asking() as asker:
        answer = await asker.get(stream_path(ABSENT_ID))
        assert answer.error == (404, "NOT_FOUND", "Run not found")
        answer = await asker.get(stream_path("nope"))
        assert answer.error == (500, "INTERNAL_ERROR", "Failed to stream events")
        assert (await asker.get(stream_path(ABSENT_ID), token="bad")).status == 401


async def test_a_connect_is_limited_like_everything_else() -> None:
    async with asking(limiter_limit=0) as asker:
        run = asker.sim.create_run(events=1)
        assert (await asker.get(stream_path(run.id))).error[:2] == (429, "RATE_LIMITED")


async def test_absent_is_a_404_in_html_that_costs_nothing() -> None:
    async with asking(stream="absent") as asker:
        run = asker.sim.create_run(events=1)
        answer = await asker.get(stream_path(run.id))
        assert (answer.status, answer.is_html) == (404, True)
        assert asker.sim.accepted(TOKEN) == 0
        assert (await asker.get(stream_path(run.id), token=None)).status == 307


async def test_broken_is_a_500_in_json_while_events_work() -> None:
    async with asking(stream="broken") as asker:
        run = asker.sim.create_run(events=1)
        answer = await asker.get(stream_path(run.id))
        assert answer.error == (500, "INTERNAL_ERROR", "Failed to stream events")
        assert len(await asker.events(run.id)) == 1


async def test_v1_ignores_the_cursor_and_replays_what_events_shows() -> None:
    async with asking(stream="v1", window="head") as asker:
        run = asker.sim.create_run(events=300)
        ids = [event.id for event in run.commits]
        async with asker.stream(run.id, "?limit=200", last=ids[250]) as frames:
            await frames.begin()
            assert await frames.ids(200) == ids[:200]
            (live,) = asker.sim.append(run, 1)
            assert await frames.id() == live.id


async def test_the_stream_knob_can_belong_to_one_run() -> None:
    async with asking() as asker:
        old = asker.sim.create_run(events=1, knobs={"stream": "absent"})
        new = asker.sim.create_run(events=1)
        assert (await asker.get(stream_path(old.id))).status == 404
        async with asker.stream(new.id) as frames:
            await frames.begin()


# -- cuts


@pytest.mark.parametrize("how", ["between_frames", "clean"])
async def test_the_platform_cuts_after_800_seconds(how: str) -> None:
    async with asking(stream_cut=how) as asker:
        run = asker.sim.create_run(events=1)
        async with asker.stream(run.id) as frames:
            await frames.begin()
            await frames.id()
            still(asker).advance(799.9)
            assert await frames.is_silent()
            still(asker).advance(0.2)
            assert await frames.rest() == (b"", how == "clean")


async def test_a_cut_inside_a_frame_sends_half_of_the_next_one() -> None:
    async with asking(stream_cut="mid_frame", stream_max_s=2.0) as asker:
        run = asker.sim.create_run(events=1)
        async with asker.stream(run.id) as frames:
            await frames.begin()
            await frames.id()
            still(asker).advance(2.0)
            assert await frames.is_silent()
            (torn,) = asker.sim.append(run, 1)
            held, is_whole = await frames.rest()
            assert is_whole is False
            assert held.startswith(f"id: {torn.id}\nevent: ".encode())
            assert b"\n\n" not in held
        async with asker.stream(run.id, last=run.commits[0].id) as frames:
            await frames.begin()
            assert await frames.id() == torn.id


async def test_a_cut_inside_a_frame_does_not_wait_for_ever() -> None:
    async with asking(stream_cut="mid_frame", stream_max_s=2.0) as asker:
        run = asker.sim.create_run(events=1)
        async with asker.stream(run.id) as frames:
            await frames.begin()
            await frames.id()
            still(asker).advance(7.0)
            assert await frames.rest() == (b"", False)


async def test_zero_means_no_cap_and_streams_can_be_cut_by_hand() -> None:
    async with asking(stream_max_s=0) as asker:
        run = asker.sim.create_run(events=1)
        async with asker.stream(run.id) as frames:
            await frames.begin()
            await frames.id()
            still(asker).advance(100_000.0)
            assert await frames.is_silent()
            assert asker.sim.cut_streams("clean", run) == 1
            assert await frames.rest() == (b"", True)
        assert asker.sim.cut_streams() == 0


async def test_a_reader_that_leaves_is_forgotten() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=1)
        async with asker.stream(run.id) as frames:
            await frames.begin()
            frames.response.close()
        async with asker.stream(run.id) as frames:
            await frames.begin()
            assert len(run.watchers) == 1


async def test_stopping_ends_open_streams() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=1)
        async with asker.stream(run.id) as frames:
            await frames.begin()
            await frames.id()
            await asker.sim.stop()
            assert await frames.rest() == (b"", True)


# -- segments


async def test_after_a_switch_old_ids_vanish_and_the_old_cursor_is_a_400() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=5)
        old = run.commits[-1].id
        asker.sim.pause(run)
        assert (await asker.get(f"{ROOT}/runs/{run.id}")).data["run"]["status"] == "awaiting_input"
        assert len(await asker.events(run.id)) == 6, "the segment's `finished` too"
        asker.sim.resume(run)
        asker.sim.append(run, 2)
        new = [event.id for event in run.commits[6:]]
        assert await asker.events(run.id) == new
        answer = await asker.get(stream_path(run.id), headers={"Last-Event-ID": old})
        assert answer.error[:2] == (400, "BAD_REQUEST")
        async with asker.stream(run.id) as frames:
            await frames.begin()
            assert await frames.ids(2) == new


@pytest.mark.parametrize("how", ["silent", "ends", "follows"])
async def test_what_an_open_stream_does_at_a_switch(how: str) -> None:
    async with asking(segment_stream=how, pause_order="row_only") as asker:
        run = asker.sim.create_run(events=1)
        async with asker.stream(run.id) as frames:
            await frames.begin()
            await frames.id()
            asker.sim.pause(run)
            assert await frames.is_silent()
            asker.sim.resume(run)
            asker.sim.append(run, 300)
            if how == "silent":
                assert await frames.is_silent()
            elif how == "ends":
                assert await frames.rest() == (b"", True)
            else:
                assert await frames.ids(300) == [event.id for event in run.commits[1:]]


async def test_a_pause_ends_a_stream_with_the_finished_event_of_its_segment() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=1)
        async with asker.stream(run.id) as frames:
            await frames.begin()
            await frames.id()
            asker.sim.pause(run)
            assert await frames.id() == run.commits[-1].id
            assert await frames.rest() == (b"", True)


async def test_a_reader_that_does_not_read_costs_no_memory_and_loses_nothing() -> None:
    """2,000 events of 4 kB: far more than the socket holds; they wait in the store, once."""
    async with asking() as asker:
        run = asker.sim.create_run(events=1)
        async with asker.stream(run.id) as frames:
            await frames.begin()
            await frames.id()
            big = {"type": "log", "message": "x" * 4_000}
            asker.sim.append(run, [big] * 2_000)
            assert await frames.ids(2_000) == [event.id for event in run.commits[1:]]


async def test_the_port_is_free_again_after_stop() -> None:
    async with Simulator() as first:
        port = first.port
    async with Simulator(port=port) as second:
        assert second.port == port
