r"""JSON the way the service's JavaScript reads and writes it.

Two differences to Python matter to a client: lengths are counted in UTF-16 units, so a cut can
leave half of a surrogate pair, which goes out as a `\udXXX` escape; and every number is a double,
so big integers lose digits.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

import orjson

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_EXACT_INT_MAX = 2**53  # beyond it a double does not hold every integer
_PLAIN_MAX = 1e21  # from here on JavaScript prints an exponent


def dumps(value: object) -> bytes:
    """Compact UTF-8. Lone surrogates are written as lower-case escapes, like JSON.stringify."""
    try:
        return orjson.dumps(value)
    except TypeError:
        # orjson refuses lone surrogates and integers beyond 64 bits; both are legal JSON.
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def dumps_text(value: object) -> str:
    """The text JSON.stringify would return."""
    return dumps(value).decode()


def loads(data: bytes | str) -> Any:
    """Parse JSON as JSON.parse does.

    Raises:
        ValueError: JSON.parse refuses the text.
    """
    try:
        return orjson.loads(data)
    except ValueError:
        # orjson refuses lone `\\udXXX` escapes and odd depths that JavaScript takes.
        text = data.decode() if isinstance(data, bytes) else data
        try:
            return json.loads(text, parse_constant=_refuse_constant)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def units(text: str) -> int:
    """Length in UTF-16 units, JavaScript's `length`."""
    if text.isascii():
        return len(text)
    return len(text) + sum(1 for char in text if char > "\uffff")


def cut(text: str, units_max: int) -> str:
    """The first `units_max` UTF-16 units; may end in a lone high surrogate."""
    if text.isascii():
        return text[:units_max]
    wide = text.encode("utf-16-le", "surrogatepass")[: 2 * units_max]
    return wide.decode("utf-16-le", "surrogatepass")


def to_number(value: float) -> int | float:
    """A number as it looks after a trip through a double: 12345678901234567890 ends in 7000."""
    if isinstance(value, int) and abs(value) <= _EXACT_INT_MAX:
        return value
    try:
        double = float(value)
    except OverflowError:
        return value
    if double.is_integer() and abs(double) < _PLAIN_MAX:
        return int(Decimal(repr(double)))
    return double
