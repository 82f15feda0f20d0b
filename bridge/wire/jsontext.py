r"""JSON text to Python values and back; only this module imports orjson.

Upstream is JavaScript: a string cut between the halves of a surrogate pair arrives as a lone
`\udXXX` escape (mogplex.md 1.9). orjson refuses it, and UTF-8 cannot carry it, so this module
replaces such halves by U+FFFD.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import orjson

BOM = b"\xef\xbb\xbf"  # some servers send a byte order mark before the text; no JSON has one
DEPTH_MAX = 200  # levels of nesting; upstream's own limit is 4 plus one JSON text in a string

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonError(ValueError):
    """The text is not JSON, or deeper than DEPTH_MAX. Never holds input, which may be secret."""


def loads(text: bytes | str) -> Any:
    """Parse one JSON value.

    Raises:
        JsonError: The text is not JSON, or deeper than DEPTH_MAX.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _loads_with_lone_surrogates(text)


def _loads_with_lone_surrogates(text: bytes | str) -> Any:
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        value = json.loads(decoded, parse_constant=_refuse_constant, parse_float=_to_float)
        return _repaired(value, DEPTH_MAX)
    except (ValueError, RecursionError):
        # `from None`: the decoder's message quotes the document.
        raise JsonError("not JSON, or nested too deeply") from None


def _to_float(text: str) -> float | None:
    """Return None for 1e400: JavaScript reads infinity there and writes it as null."""
    number = float(text)
    return number if math.isfinite(number) else None


def _refuse_constant(_: str) -> NoReturn:
    raise JsonError("NaN and Infinity are not JSON")


def _repaired(value: Any, depth_left: int) -> Any:
    if depth_left == 0:
        raise JsonError("nested too deeply")
    if isinstance(value, str):
        return repair(value)
    if isinstance(value, list):
        return [_repaired(item, depth_left - 1) for item in value]
    if isinstance(value, dict):
        return {repair(key): _repaired(item, depth_left - 1) for key, item in value.items()}
    return value


def repair(text: str) -> str:
    """Replace lone surrogates by U+FFFD; all other text stays unchanged."""
    return _LONE_SURROGATE.sub("\ufffd", text) if not text.isascii() else text


def dumps(value: Any) -> bytes:
    """Encode compactly in UTF-8, keys in their order.

    Raises:
        JsonError: The value has no JSON form, or is deeper than DEPTH_MAX.
    """
    try:
        return orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError):
        return _dumps_the_rare(value)


def _dumps_the_rare(value: Any) -> bytes:
    """Encode integers over 64 bits and lone surrogates: legal in Python, refused by orjson."""
    try:
        text = json.dumps(
            _repaired(value, DEPTH_MAX), ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
    except (TypeError, ValueError, RecursionError):
        raise JsonError("cannot be written as JSON") from None
    return text.encode("utf-8")
