"""JSON in and out: what JavaScript sends and orjson refuses."""

from __future__ import annotations

import pytest

from bridge.wire.jsontext import JsonError, dumps, loads, repair


def test_a_number_beyond_all_numbers_is_null_as_javascript_writes_it() -> None:
    assert loads(b'{"a":1e400,"b":[-1e999,123456789012345678901234567890]}') == {
        "a": None,
        "b": [None, 123456789012345678901234567890],
    }


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    value = loads(rb'{"k\ud83d":["x \ud83d","\ud83d\ude00"]}')
    assert value == {"k\ufffd": ["x \ufffd", "\U0001f600"]}
    assert loads(dumps(value)) == value
    assert repair("plain") == "plain"


def test_what_python_holds_and_orjson_refuses_is_written() -> None:
    assert dumps({"n": 2**70, "s": "\ud83d"}) == b'{"n":1180591620717411303424,"s":"\xef\xbf\xbd"}'


@pytest.mark.parametrize(
    "text", [b"", b"{", b"NaN", b'{"a":Infinity}', b"[" * 5000, b"\xff", b'"secret' * 3]
)
def test_anything_else_is_one_error_that_quotes_nothing(text: bytes) -> None:
    with pytest.raises(JsonError) as caught:
        loads(text)
    assert "secret" not in str(caught.value)


def test_what_cannot_be_written_is_an_error() -> None:
    with pytest.raises(JsonError):
        dumps({"a": float("inf"), "b": 2**70})
