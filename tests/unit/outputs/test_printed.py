"""Records printed for people and programs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bridge.core.event import Feed, Record
from bridge.outputs.printed import FORMATS, formatter, harmless
from tests.cases import each_case
from tests.record_types import FOLLOW_FAILED, GAP, RUN_ENDED, RUN_STATUS

RUN = "3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f"
TIME = "2026-08-03T15:00:33.104992Z"


def record(type_: str, data: dict[str, Any]) -> Record:
    feed = Feed("mogplex", "default", "run", RUN, f"/mogplex/default/runs/{RUN}")
    body = {
        "specversion": "1.0",
        "id": "1",
        "source": feed.source,
        "type": type_,
        "subject": feed.id,
        "time": TIME,
        "data": data,
    }
    return Record(
        1,
        feed,
        "1",
        type_,
        json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
    )


def event(**data: Any) -> Record:
    return record(
        "com.mogplex.run.event.tool_started",
        {
            "id": "0c1d",
            "type": "tool_started",
            "toolName": "shell",
            "message": "ls",
            "payload": {},
            "createdAt": "2026-08-03T15:00:33.104992+00:00",
        }
        | data,
    )


ENDED = record(RUN_ENDED, {"runId": RUN, "status": "success", "events": 60, "gaps": 0})
STATUS = record(RUN_STATUS, {"runId": RUN, "status": "streaming"})
HOLE = record(GAP, {"runId": RUN, "reason": "window_exhausted", "missing": 251})
GIVEN_UP = record(
    FOLLOW_FAILED, {"runId": RUN, "code": "NOT_FOUND", "message": "no run", "httpStatus": 404}
)


def test_cloudevents_is_the_record_and_a_newline() -> None:
    for each in (event(), ENDED, STATUS, HOLE, GIVEN_UP):
        assert formatter("cloudevents")(each) == each.body + b"\n"


def test_mogplex_is_upstreams_object_as_the_vendor_prints_it() -> None:
    line = formatter("mogplex")(event(message="ä\u2028", payload={"n": 1.0, "2": 0, "1": None}))
    assert (
        line
        == (
            '{"id":"0c1d","type":"tool_started","toolName":"shell","message":"ä\u2028",'
            '"payload":{"1":null,"2":0,"n":1},"createdAt":"2026-08-03T15:00:33.104992+00:00"}\n'
        ).encode()
    )


def test_mogplex_ends_a_run_with_id_and_status_and_prints_nothing_else_of_ours() -> None:
    to_line = formatter("mogplex")
    assert to_line(ENDED) == f'{{"runId":"{RUN}","status":"success"}}\n'.encode()
    assert [to_line(each) for each in (STATUS, HOLE, GIVEN_UP)] == [b"", b"", b""]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, "2026-08-03T15:00:33.104992+00:00  tool_started  [tool=shell]  ls"),
        ({"toolName": None}, "2026-08-03T15:00:33.104992+00:00  tool_started  ls"),
        ({"message": None}, "2026-08-03T15:00:33.104992+00:00  tool_started  [tool=shell]"),
        ({"createdAt": None, "toolName": ""}, f"{TIME}  tool_started  ls"),
        ({"message": 5.0, "toolName": ["x"]},
         '2026-08-03T15:00:33.104992+00:00  tool_started  [tool=["x"]]  5'),
    ],
)  # fmt: skip
def test_pretty_is_the_vendors_line(data: dict[str, Any], expected: str) -> None:
    assert formatter("pretty")(event(**data)) == f"{expected}\n".encode()


def test_pretty_shows_ends_holes_and_failures_and_not_statuses() -> None:
    to_line = formatter("pretty")
    assert to_line(ENDED) == f"--- run {RUN} success ---\n".encode()
    assert b"251 events are missing (window_exhausted)" in to_line(HOLE)
    unknown = record(GAP, {"runId": RUN, "reason": "window_jumped", "missing": None})
    assert b"an unknown number of events is missing" in to_line(unknown)
    assert b"no longer followed: NOT_FOUND no run" in to_line(GIVEN_UP)
    assert to_line(STATUS) == b""


@each_case(
    "hostile",
    [
        "\x1b[2J",
        "\x9b2J",
        "a\rb",
        "a\nb",
        "\x07",
        "\u202eabc",
        "\u2066x",
        "\u200b",
        "\x7f",
        "\ufeff",
    ],
)
@each_case("colour", [False, True])
def test_no_text_of_upstream_can_steer_a_terminal(hostile: str, colour: bool) -> None:
    plain = formatter("pretty")(event(message="", toolName=None, type="x"))
    for field in ("message", "toolName", "type", "createdAt"):
        line = formatter("pretty", colour=colour)(event(**{field: f"<{hostile}>"}))
        assert hostile.encode() not in line
        assert line.count(b"\n") == 1
    assert plain.count(b"\n") == 1
    assert hostile.encode() not in formatter("pretty", colour=colour)(
        record(RUN_ENDED, {"runId": hostile, "status": hostile})
    )


def test_harmless_leaves_ordinary_text_alone() -> None:
    text = "Grüße, 世界 😀 -- tab-free"
    assert harmless(text) == text


def test_colours_are_extra_and_plain_text_is_the_same() -> None:
    for each in (event(), ENDED, HOLE, GIVEN_UP):
        coloured = formatter("pretty", colour=True)(each)
        assert b"\x1b[" in coloured
        assert re.sub(rb"\x1b\[[0-9;]*m", b"", coloured) == formatter("pretty")(each)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_survives_data_that_is_no_object(name: str) -> None:
    odd = Record(1, event().feed, "1", "x", b'{"source":"/mogplex/a/runs/1","type":"x","data":[1]}')
    assert formatter(name)(odd).endswith(b"\n")
