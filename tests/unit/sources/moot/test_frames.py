"""Frames and objects that break a rule nobody wrote down: none of them may end a follow."""

from __future__ import annotations

import pytest

from bridge.core.event import Event
from bridge.sources.moot.api import to_row
from bridge.sources.moot.errors import judge
from bridge.sources.moot.frames import read
from bridge.sources.moot.words import Skip
from bridge.wire.jsontext import BOM


@pytest.mark.parametrize("type_", ["[]", "{}", "5", "null"])
def test_a_type_that_is_no_text_is_no_crash(type_: str) -> None:
    assert read(f'{{"type":{type_}}}', "message", "s").skipped == [Skip.UNKNOWN]
    (event,) = read(f'{{"type":{type_},"data":{{"event_id":"e"}}}}', "message", "s").events
    assert event.id == "e"


def test_a_space_id_of_null_is_a_missing_one() -> None:
    (event,) = read('{"event_id":"e","space_id":null}', "message", "s").events
    assert event.id == "e"
    assert read('{"event_id":"e","space_id":"t"}', "message", "s").skipped == [Skip.OTHER_SPACE]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ('{"participant_id":"p","speaker_id":"p"}', "participant_update"),
        ('{"type":"participant_update","speaker_name":"builder"}', "message"),
    ],
)
def test_news_of_a_participant_is_no_event_without_an_id(data: str, name: str) -> None:
    found = read(data, name, "s")
    assert (found.events, found.skipped, found.is_understood) == ([], [], True)


def test_a_row_with_nulls_is_read_like_one_without_the_fields() -> None:
    row = to_row({"space_id": None, "status": "active", "event_count": None}, "s")
    assert row is not None
    assert (row.id, row.reading.status, row.reading.count) == ("s", "active", None)
    listed = to_row({"space_id": None, "id": "t", "status": None}, None, "paused")
    assert listed is not None
    assert (listed.id, listed.reading.status) == ("t", "paused")


def test_a_byte_order_mark_hides_no_refusal() -> None:
    refusal = judge("spaces.status", 404, {}, BOM + b'{"detail":"gone"}', lambda text: text)
    assert refusal.is_json
    assert refusal.failure.message.startswith("gone")


def test_an_event_without_a_name_of_its_type_is_a_message() -> None:
    (event,) = read('{"event_id":"e","metadata":[]}', "message", "s").events
    assert isinstance(event, Event)
    assert event.type == "io.mootup.space.event.message"


@pytest.mark.parametrize(("before", "after"), [("[", "]"), ('{"data":[', "]}")])
def test_wrappers_without_end_do_not_crash_the_follow(before: str, after: str) -> None:
    levels = 900 // len(before)
    found = read(before * levels + after * levels, "message", "s")
    assert found.events == []


@pytest.mark.parametrize(
    "detail",
    ['{"message":' * 900 + "1" + "}" * 900,
     '[{"msg":"no","loc":[' + "[" * 900 + "]" * 900 + "]}]"],
)  # fmt: skip
def test_a_refusal_with_details_without_end_does_not_crash_the_follow(detail: str) -> None:
    found = judge("spaces.events", 400, {}, f'{{"detail":{detail}}}'.encode(), str)
    assert found.failure.http_status == 400


@pytest.mark.parametrize(
    ("detail", "code"),
    [
        ("Tenant is suspended", "TENANT_SUSPENDED"),
        ("tenant suspended.", "TENANT_SUSPENDED"),
        ("Your access to this space is suspended", "FORBIDDEN"),
    ],
)
def test_a_suspension_within_one_space_is_no_verdict_on_the_key(detail: str, code: str) -> None:
    body = b'{"detail":"%b"}' % detail.encode()
    assert judge("spaces.status", 403, {}, body, lambda text: text).failure.code == code
