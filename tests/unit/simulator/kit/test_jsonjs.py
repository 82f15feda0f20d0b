"""JSON as JavaScript writes, reads and measures it."""

from __future__ import annotations

import pytest

from bridge.simulator.kit import jsonjs


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
