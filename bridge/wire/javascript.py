"""Writes JSON as JavaScript does, like the vendor's CLI for the object that it received.

`JSON.stringify(JSON.parse(text))` is not always `text`: numbers go through a double and its own
notation, and keys that look like array indexes move to the front (ECMA-262: Number::toString,
OrdinaryOwnPropertyKeys, QuoteJSONString).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from json.encoder import encode_basestring as _quoted  # escapes ", \\ and controls, nothing else
from typing import Any

_INDEX = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_INDEX_MAX = 2**32 - 2
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SAFE_INTEGER_MAX = 2**53 - 1  # a double holds every integer up to here exactly


def stringify(value: Any) -> str:
    """Print a value from a JSON parser (dict, list, str, int, float, bool, None), compactly."""
    # The most frequent first: most of an event is strings, then objects.
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, dict):
        pairs = _in_order(value)
        return "{" + ",".join([f"{_string(k)}:{stringify(v)}" for k, v in pairs]) + "}"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ",".join([stringify(member) for member in value]) + "]"
    return number(value)


def number(value: float) -> str:
    """Print a number as JavaScript does: shortest digits, plain from 1e-6 to below 1e21."""
    if isinstance(value, int):
        if -_SAFE_INTEGER_MAX <= value <= _SAFE_INTEGER_MAX:
            return str(value)
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
    if not math.isfinite(value):
        return "null"  # JSON.stringify prints null for a number that is too large for a double
    if value == 0:
        return "0"  # also for minus zero
    return ("-" if value < 0 else "") + _notation(*_shortest(abs(value)))


def _notation(digits: str, exponent: int) -> str:
    """Print 0.DIGITS times ten to the power of `exponent`."""
    if len(digits) <= exponent <= 21:
        return digits + "0" * (exponent - len(digits))
    if 0 < exponent <= 21:
        return f"{digits[:exponent]}.{digits[exponent:]}"
    if -6 < exponent <= 0:
        return f"0.{'0' * -exponent}{digits}"
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{mantissa}e{'+' if exponent > 0 else '-'}{abs(exponent - 1)}"


def _shortest(value: float) -> tuple[str, int]:
    """The fewest digits that read back as `value`, and the power of ten before them."""
    mantissa, _, power = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    exponent = len(whole) + int(power or 0)
    stripped = digits.lstrip("0")
    return stripped.rstrip("0"), exponent - (len(digits) - len(stripped))


def _in_order(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    pairs = list(value.items())
    if not any(key[:1].isdigit() for key in value):
        return pairs
    indexes = [p for p in pairs if _INDEX.fullmatch(p[0]) and int(p[0]) <= _INDEX_MAX]
    moved = {key for key, _ in indexes}
    indexes.sort(key=lambda pair: int(pair[0]))
    return indexes + [pair for pair in pairs if pair[0] not in moved]


def _string(text: str) -> str:
    quoted = _quoted(text)
    if text.isascii():
        return quoted
    return _LONE_SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
