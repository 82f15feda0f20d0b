"""Times as the services write them, and which are refused."""

from __future__ import annotations

import pytest

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
