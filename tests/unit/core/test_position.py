"""What clients send back as a place in the journal, and what is none."""

from __future__ import annotations

import pytest

from bridge.core.position import SEQUENCE_MAX, Position, maybe_position


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("0f3a-42", Position("0f3a", 42)),
        ("42", Position(None, 42)),
        (" 0f3a-00000000000000000042 \n", Position("0f3a", 42)),
        (f"e-{SEQUENCE_MAX}", Position("e", SEQUENCE_MAX)),
        ("0", Position(None, 0)),
    ],
)
def test_a_position_is_read_with_and_without_its_epoch(text: str, position: Position) -> None:
    assert maybe_position(text) == position


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "-5",
        "e-",
        "E-5",  # epochs are lower case
        "e-5-6",
        f"{SEQUENCE_MAX + 1}",
        "e-" + "9" * 21,
        "\u0664",  # a digit of another script
        "e-5\x00",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert maybe_position(text) is None


@pytest.mark.parametrize("position", [Position("0f3a", 7), Position(None, 7)])
def test_what_is_written_reads_back(position: Position) -> None:
    assert maybe_position(str(position)) == position
