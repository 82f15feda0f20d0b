"""A page is read around the events that are no JSON."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sources.mogplex.salvage import Lost, salvage

GOOD = b'{"id":"a","type":"log","payload":{"text":"} ] \\" { [ : \\\\"}}'
BROKEN = {
    "utf8": b'{"id":"b","payload":{"t":"\xff\xfe"}}',
    "digits": b'{"payload":{"n":' + b"7" * 5000 + b'},"id":"b"}',
    "depth": b'{"id":"b","payload":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "nan": b'{"id": "b","payload":{"id":"inner","n":NaN}}',
}


def page(*events: bytes) -> bytes:
    return b'{"ok":true,"data":{"run":{"status":"x","events":[1]},"events":[%b]}}' % b",".join(
        events
    )


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_one_event_that_is_no_json_leaves_the_others(broken: bytes, at: int) -> None:
    events = [GOOD, GOOD]
    events.insert(at, broken)
    found: Any = salvage(page(*events))
    assert found["data"]["run"] == {"status": "x", "events": [1]}
    assert found["data"]["events"].pop(at) == Lost("b")
    assert [event["id"] for event in found["data"]["events"]] == ["a", "a"]


def test_one_without_an_id_has_the_same_name_each_time() -> None:
    nameless = b'{"payload":{"id":"inner","t":"\xff"}}'
    first, second = (salvage(page(nameless)) for _ in "ab")
    assert first == second
    assert first is not None
    assert first["data"]["events"][0].key.startswith("sha256-")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"<html>", b'{"ok":true,"data":{"events":[', b'{"ok":true,"data":{}}', b"]" * 10,
     b'{"ok":true,"data":{"run":{"a":"\xff"},"events":[]}}', b'[{"data":{"events":[]}}]'],
)  # fmt: skip
def test_a_page_that_is_broken_elsewhere_is_none(body: bytes) -> None:
    assert salvage(body) is None
