"""Times, ids, JSON: how the service writes and reads small things."""

from __future__ import annotations

import uuid
from random import Random

import pytest

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.ids import is_uuid, new_uuid
from bridge.simulator.kit.times import format_time, parse_time


@pytest.mark.parametrize(
    ("at_us", "micros_offset", "millis_z"),
    [
        (1_785_769_220_638_123, "2026-08-03T15:00:20.638123+00:00", "2026-08-03T15:00:20.638Z"),
        (1_785_769_241_200_000, "2026-08-03T15:00:41.2+00:00", "2026-08-03T15:00:41.200Z"),
        (1_785_769_241_000_000, "2026-08-03T15:00:41+00:00", "2026-08-03T15:00:41.000Z"),
        (1_785_769_241_000_010, "2026-08-03T15:00:41.00001+00:00", "2026-08-03T15:00:41.000Z"),
        (1_785_769_241_999_999, "2026-08-03T15:00:41.999999+00:00", "2026-08-03T15:00:41.999Z"),
    ],
)
def test_both_time_formats(at_us: int, micros_offset: str, millis_z: str) -> None:
    assert format_time(at_us, "micros_offset") == micros_offset
    assert format_time(at_us, "millis_z") == millis_z
    assert parse_time(micros_offset) == at_us
    assert parse_time(millis_z) == at_us // 1_000 * 1_000


def test_a_time_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="no offset"):
        parse_time("2026-08-03T15:00:20")


def test_ids_are_version_4_and_repeat_with_the_seed() -> None:
    chance = Random(5)
    ids = [new_uuid(chance) for _ in range(200)]
    assert all(uuid.UUID(each).version == 4 for each in ids)
    assert all(uuid.UUID(each).variant == uuid.RFC_4122 for each in ids)
    assert len(set(ids)) == 200
    assert ids != sorted(ids)
    again = Random(5)
    assert ids == [new_uuid(again) for _ in range(200)]


@pytest.mark.parametrize(
    "text", ["", "x", "3f0c1c52", "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a1", "a" * 36]
)
def test_what_is_no_uuid(text: str) -> None:
    assert not is_uuid(text)


def test_upper_case_is_a_uuid_too() -> None:
    assert is_uuid("3F0C1C52-6A3E-4F0E-9D3B-0D8F3C5B7A10")


def test_lone_surrogates_are_written_as_escapes_and_read_back() -> None:
    encoded = jsonjs.dumps({"s": "a\ud83db\udc00", "e": "é😀"})
    assert encoded == '{"s":"a\\ud83db\\udc00","e":"é😀"}'.encode()
    assert jsonjs.loads(encoded) == {"s": "a\ud83db\udc00", "e": "é😀"}


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "[" * 200_000, "{'a':1}"])
def test_what_json_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        jsonjs.loads(text)


def test_lengths_are_utf16_units() -> None:
    assert [jsonjs.units(text) for text in ("abc", "é", "😀", "a😀\ud83d")] == [3, 1, 2, 4]
    assert jsonjs.cut("a😀b", 2) == "a\ud83d"
    assert jsonjs.cut("a😀b", 3) == "a😀"
