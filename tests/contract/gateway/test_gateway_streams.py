"""The gateway's streams: the vendor's frames, resumed from any event, ended after the run."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

from bridge.wire.sse import Frame, FrameDecoder
from tests.gateway_bridge import API, gateway_bridge


async def frames_of(response: Any, until: Any) -> list[Frame]:
    """Frames until the condition holds of them, or the end."""
    decoder, found = FrameDecoder(), []
    async with asyncio.timeout(60):
        while not until(found):
            chunk = await response.content.readany()
            if not chunk:
                return found
            found += decoder.feed(chunk)
    return found


async def test_a_stream_has_the_vendors_frames_and_ends_after_the_end_of_the_run() -> None:
    async with gateway_bridge() as bridge:
        run = await bridge.followed(events=5, ends=False)
        url = f"{bridge.url}{API}/runs/{run.id}/events/stream"
        async with bridge.session.get(url) as response:
            assert response.status == 200
            assert response.headers["Content-Type"] == "text/event-stream"
            found = await frames_of(response, lambda frames: len(frames) >= 6)
            assert found[0].event == "run"
            assert json.loads(found[0].data)["runId"] == run.id
            bridge.sim.append(run, 2)
            bridge.sim.finish(run)
            found += await frames_of(response, lambda _: False)
        events = [frame for frame in found if frame.event != "run"]
        assert [frame.id for frame in events] == [event.id for event in run.commits]
        assert events[-1].event == "finished"
        assert [json.loads(f.data)["type"] for f in events] == [f.event for f in events]


async def test_a_stream_resumes_from_any_event_of_the_journal_and_refuses_a_foreign_one() -> None:
    async with gateway_bridge() as bridge:
        run = await bridge.followed(events=451)
        everything = [event.id for event in run.commits]
        url = f"{bridge.url}{API}/runs/{run.id}/events/stream"
        async with bridge.session.get(url, headers={"Last-Event-ID": everything[9]}) as response:
            found = await frames_of(response, lambda _: False)
        assert [frame.id for frame in found if frame.event != "run"] == everything[10:]
        async with bridge.session.get(url) as response:
            found = await frames_of(response, lambda _: False)
        assert [frame.id for frame in found if frame.event != "run"] == everything[-100:]
        async with bridge.session.get(url, headers={"Last-Event-ID": everything[-1]}) as response:
            found = await frames_of(response, lambda _: False)
        assert [frame.event for frame in found] == ["run"]
        status, _, refused = await bridge.call(
            "GET", f"{API}/runs/{run.id}/events/stream", Last_Event_ID=str(uuid.uuid4())
        )
        assert status == 400
        assert refused["error"]["message"] == "Last-Event-ID does not belong to this run"


async def test_a_stream_of_a_run_without_a_terminal_event_ends_too() -> None:
    # By polls: on a stream of upstream's it takes a minute of silence until the row is read.
    async with gateway_bridge(knobs={"stream": "absent"}) as bridge:
        run = await bridge.followed(events=3, ends=False)
        url = f"{bridge.url}{API}/runs/{run.id}/events/stream"
        async with bridge.session.get(url) as response:
            bridge.sim.set_status(run, "cancelled")
            found = await frames_of(response, lambda _: False)
        assert [frame.id for frame in found if frame.event != "run"] == [e.id for e in run.commits]
        async with bridge.session.get(url) as response:  # and one that comes when all is over
            assert len(await frames_of(response, lambda _: False)) == 4


async def test_a_stream_of_an_unknown_run_begins_when_it_is_followed() -> None:
    async with gateway_bridge() as bridge:
        run = bridge.sim.create_run(events=5)
        url = f"{bridge.url}{API}/runs/{run.id}/events/stream"
        async with bridge.session.get(url) as response:
            assert response.status == 200
            found = await frames_of(response, lambda frames: len(frames) >= 6)
        assert [frame.id for frame in found if frame.event != "run"] == [e.id for e in run.commits]


async def test_a_position_is_not_refused_while_the_bridge_starts_to_follow_the_run() -> None:
    """A client that came over from upstream lost its position: 400, as for a foreign event."""
    async with gateway_bridge() as bridge:
        run = bridge.sim.create_run(events=5)
        path = f"{API}/runs/{run.id}/events/stream"
        last = run.commits[1].id
        status, headers, _ = await bridge.call("GET", path, Last_Event_ID=last)
        assert (status, headers["Retry-After"]) == (503, "1")
        await bridge.until(lambda: bridge.state(run.id).events == 5)
        async with bridge.session.get(bridge.url + path, headers={"Last-Event-ID": last}) as found:
            frames = await frames_of(found, lambda frames: len(frames) >= 4)
        assert [frame.id for frame in frames[1:]] == [event.id for event in run.commits[2:]]


async def test_the_first_frame_of_an_unknown_run_is_the_whole_run() -> None:
    """It held the id and the links alone, so a client that looks at the status failed."""
    async with gateway_bridge() as bridge:
        run = bridge.sim.create_run(events=3)
        url = f"{bridge.url}{API}/runs/{run.id}/events/stream"
        async with bridge.session.get(url) as response:
            found = await frames_of(response, lambda frames: len(frames) >= 1)
        _, _, answer = await bridge.call("GET", f"{API}/runs/{run.id}")
        first = json.loads(found[0].data)
    assert first["status"] == answer["data"]["run"]["status"]
    assert first.keys() == answer["data"]["run"].keys()
