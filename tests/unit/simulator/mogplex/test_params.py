"""How the service reads the number in `limit`."""

from __future__ import annotations

from bridge.simulator.mogplex.params import parse_limit
from tests.cases import each_case


@each_case(
    ("text", "expected"),
    [
        (None, 100),
        ("", 100),
        ("abc", 100),
        (" ", 100),
        ("-", 100),
        (".5", 100),
        ("0", 1),
        ("-5", 1),
        ("999", 200),
        ("10abc", 10),
        ("1e3", 1),
        ("5.9", 5),
        ("200", 200),
        ("201", 200),
        ("1", 1),
        ("+7", 7),
        (" 12", 12),
        ("0x10", 1),
        ("007", 7),
        ("9" * 400, 200),
        ("-" + "9" * 400, 1),
        ("٣", 100),
        ("null", 100),
    ],
)
def test_limit_is_read_like_a_c_integer_and_clamped(text: str | None, expected: int) -> None:
    assert parse_limit(text) == expected


def test_automations_have_bounds_of_their_own() -> None:
    assert [parse_limit(text, 50, 100) for text in (None, "70", "500")] == [50, 70, 100]
