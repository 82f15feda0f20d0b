"""Frames, items, messages and lines: what is an event, and what is never a record."""

from __future__ import annotations

import pytest

from bridge.sources.miosa.frames import Seen, Sign, of_frame, of_item, of_line, of_message
from bridge.wire.sse import FrameDecoder


def frame(text: str, kind: str = "sandbox") -> Seen | Sign:
    (found,) = FrameDecoder(own_ids_only=True).feed(text.encode())
    return of_frame(kind, found)


def seen(text: str, kind: str = "sandbox") -> Seen:
    found = frame(text, kind)
    assert isinstance(found, Seen)
    return found


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("data: [DONE]\n\n", Sign.END),
        ("event: heartbeat\ndata: {}\n\n", Sign.BEAT),
        ("event: ping\ndata: 1\n\n", Sign.BEAT),
        ('data: {"type":"heartbeat"}\n\n', Sign.BEAT),
        ("data: ping\n\n", Sign.BEAT),
    ],
)
def test_what_only_keeps_a_stream_alive_or_ends_it_is_no_record(text: str, sign: Sign) -> None:
    assert frame(text) is sign


@pytest.mark.parametrize("name", ["exit", "done"])
def test_the_event_after_which_a_stream_ends_is_a_record_too(name: str) -> None:
    found = seen(f'event: {name}\ndata: {{"exit_code":3}}\n\n')
    assert (found.is_last, found.data) == (True, {"exit_code": 3})


def test_the_id_may_come_after_the_data() -> None:
    found = seen('event: sandbox.exec.completed\ndata: {"exec_id":"ex_91"}\nid: 01JV7\n\n')
    assert (found.own_id, found.type) == ("01JV7", "ai.miosa.sandbox.event.exec.completed")


def test_an_id_that_is_a_number_pages_like_any_other() -> None:
    """A digest in its place would be an unknown cursor, and the run would be given up."""
    item = of_item("run", {"id": 17, "type": "run.started"})
    assert item is not None
    assert item.own_id == "17"
    assert seen('id: 7\ndata: {"id":17,"type":"run.started"}\n\n', "run").own_id == "17"
    flag = of_item("run", {"id": True, "type": "run.started"})
    assert flag is not None
    assert flag.own_id is not None
    assert flag.own_id.startswith("sha256-")


def test_ids_are_decided_frame_by_frame() -> None:
    decoder = FrameDecoder(own_ids_only=True)
    frames = decoder.feed(b"id: 1\ndata: {}\n\ndata: {}\n\nid: 2\ndata: {}\n\n")
    ids = [found.own_id for f in frames if isinstance(found := of_frame("build", f), Seen)]
    assert ids == ["1", None, "2"]


def test_a_runs_event_has_the_id_of_its_page_and_not_of_its_frame() -> None:
    found = seen('id: 7\ndata: {"id":"evt-1","type":"run.started"}\n\n', "run")
    assert (found.own_id, found.type) == ("evt-1", "ai.miosa.run.event.started")


def test_a_tenants_event_keeps_the_name_of_what_it_is_about() -> None:
    found = seen('event: sandbox.ready\ndata: {"id":"evt_1","type":"sandbox.ready"}\n\n', "tenant")
    assert (found.own_id, found.type) == ("evt_1", "ai.miosa.tenant.event.sandbox.ready")
    assert found.status is None


def test_an_id_in_the_data_of_something_else_is_not_the_events() -> None:
    assert (
        seen('event: build_event\ndata: {"id":"b1","state":"building"}\n\n', "build").own_id is None
    )


def test_a_name_in_the_data_counts_where_the_frame_has_none() -> None:
    text = 'data: {"type":"snapshot_progress","snapshot_id":"s","status":"uploading"}\n\n'
    found = seen(text, "snapshot")
    assert (found.type, found.status) == ("ai.miosa.snapshot.event.snapshot_progress", "uploading")
    assert seen("data: {}\n\n").type == "ai.miosa.sandbox.event.message"


def test_text_that_is_no_json_is_kept_as_a_line() -> None:
    assert seen("data: > npm ci\n\n", "build").data == {"line": "> npm ci"}
    assert seen("data: > npm ci\n\n", "build").type == "ai.miosa.build.event.log"
    assert seen('data: "text"\n\n').data == {"line": "text"}
    assert seen("data: [1,2]\n\n").data == {"value": [1, 2]}


@pytest.mark.parametrize("name", ["x" * 65, "a b", "ä", "-a"])
def test_a_name_that_cannot_stand_in_a_type_becomes_other(name: str) -> None:
    assert seen(f"event: {name}\ndata: {{}}\n\n").type == "ai.miosa.sandbox.event.other"


def test_a_long_id_is_kept_as_a_digest() -> None:
    found = seen(f"id: {'x' * 300}\ndata: {{}}\n\n")
    assert found.own_id is not None
    assert found.own_id.startswith("sha256-")
    assert len(found.own_id) < 100


def test_times_are_read_wherever_they_stand() -> None:
    assert seen('data: {"ts":"2026-08-03T15:00:20Z"}\n\n').time == "2026-08-03T15:00:20Z"
    assert seen('data: {"created_at":"2026-08-03T15:00:20.638Z"}\n\n').created_at_s is not None
    assert seen('data: {"ts":17}\n\n').time is None


@pytest.mark.parametrize(
    ("kind", "text", "status"),
    [
        ("run", 'data: {"id":"1","type":"run.succeeded","status":"succeeded"}\n\n', "succeeded"),
        ("run", 'data: {"id":"1","type":"run.failed"}\n\n', "failed"),
        ("run", 'data: {"id":"1","type":"command_finished"}\n\n', None),
        ("sandbox", "event: sandbox.destroyed\ndata: {}\n\n", "destroyed"),
        ("sandbox", 'event: sandbox.exec.completed\ndata: {"status":"failed"}\n\n', None),
        ("build", 'event: build_event\ndata: {"state":"ready"}\n\n', "ready"),
    ],
)
def test_an_event_hints_at_the_row(kind: str, text: str, status: str | None) -> None:
    assert seen(text, kind).status == status


def test_an_item_of_a_page_without_an_id_is_named_by_its_content() -> None:
    raw = {"type": "log", "message": "x"}
    first, again = of_item("run", raw), of_item("run", dict(raw))
    assert first is not None
    assert again is not None
    assert first.own_id == again.own_id
    assert of_item("run", "text") is None


def test_a_message_of_a_computer_is_an_event() -> None:
    text = '{"type":"file.created","timestamp":"2026-08-03T15:00:20Z","payload":{"path":"/a"}}'
    found = of_message("computer", text)
    assert isinstance(found, Seen)
    assert (found.type, found.own_id) == ("ai.miosa.computer.event.file.created", None)
    assert of_message("computer", '{"type":"ping"}') is Sign.BEAT
    assert of_message("computer", "not json") is None
    assert of_message("computer", "[]") is None


def test_a_line_of_a_log_is_data() -> None:
    assert of_line("deployment", "hello").data == {"line": "hello"}


def test_an_item_nested_without_end_does_not_crash_the_follow() -> None:
    item: dict[str, object] = {"type": "log"}
    for _ in range(400):
        item = {"type": "log", "inner": item}
    found = of_item("run", item)
    assert found is not None
    assert found.own_id is not None
