"""JSON as JavaScript prints it; the expected texts are what a JavaScript engine printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.wire.javascript import number, stringify
from bridge.wire.jsontext import loads
from tests.cases import each_case


@each_case(
    ("text", "expected"),
    [
        ("1.0", "1"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0.1", "0.1"),
        ("1e-6", "0.000001"),
        ("1.5e-7", "1.5e-7"),
        ("1e20", "100000000000000000000"),
        ("1e21", "1e+21"),
        ("123456789012345680000", "123456789012345680000"),
        ("9007199254740993", "9007199254740992"),
        ("12345678901234567890", "12345678901234567000"),
        ("-1.7976931348623157e308", "-1.7976931348623157e+308"),
        ("5e-324", "5e-324"),
        ("1e400", "null"),
        ("4.35", "4.35"),
        ("100", "100"),
        ('"\\u00e4\\ud83d\\ude00\\u2028\\u007f"', '"ä😀\u2028\x7f"'),
        ('"\\b\\f\\n\\r\\t\\u0001\\u001F\\/\\""', '"\\b\\f\\n\\r\\t\\u0001\\u001f/\\""'),
        ('{"b":1,"2":2,"a":3,"1":4}', '{"1":4,"2":2,"b":1,"a":3}'),
        ('{"4294967295":1,"4294967294":2,"01":3,"-1":4}',
         '{"4294967294":2,"4294967295":1,"01":3,"-1":4}'),
        ('{"b":0,"4294967295":1,"4294967294":2}', '{"4294967294":2,"b":0,"4294967295":1}'),
        ('{ "a" : [ true , false , null , { } , [ ] ] }', '{"a":[true,false,null,{},[]]}'),
        ('{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'),
    ],
)  # fmt: skip
def test_prints_as_javascript_does(text: str, expected: str) -> None:
    assert stringify(loads(text)) == expected


def test_a_lone_surrogate_is_escaped_in_lower_case() -> None:
    assert stringify("a\udfffb") == '"a\\udfffb"'


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_itself(value: float) -> None:
    assert float(number(value)) == value
    assert float(number(value)).hex() == (value + 0.0).hex()


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@pytest.mark.slow
@given(values)
def test_what_is_printed_means_the_same(value: object) -> None:
    assert loads(stringify(value)) == value
