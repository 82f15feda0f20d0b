"""What the service does to a payload each time it is read (mogplex.md 1.9, steps 1 to 6).

Payloads are stored raw. Messages, tool names and error texts are *not* treated: that leak is part
of the contract. Where the contract leaves a detail open it is named beside the code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from bridge.simulator.kit import jsonjs

REDACTED = "[redacted]"
TRUNCATED = "[truncated]"
STRING_UNITS_MAX = 2_000
ITEMS_MAX = 25  # of an array or object; the service drops the rest without a sign
DEPTH_MAX = 3  # an object or array at this level or below becomes a marker; the payload is level 0
PAYLOAD_UNITS_MAX = 20_000

_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]")
_EXACT_KEYS = frozenset(
    {
        "env",
        "environment",
        "envvars",
        "runtimeenv",
        "runtimeenvironment",
        "githubtoken",
        "ghtoken",
        "aibillingsource",
        "mogplexaibillingsource",
    }
)
_SECRET_KEY = re.compile(
    r"authorization|api[_-]?key|token|secret|password|cookie|credential|session|jwt", re.IGNORECASE
)
# The contract names the formats, not the patterns or the mask; these are the narrowest that
# cover real credentials of each kind.
_VALUES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(bearer)\s+[\w.~+/=-]+", re.IGNORECASE | re.ASCII), rf"\1 {REDACTED}"),
    (re.compile(r"x-access-token:[^@\s/]+@"), f"x-access-token:{REDACTED}@"),
    (re.compile(r"\bgh[oprsu]_[A-Za-z0-9]{8,}"), REDACTED),
    (re.compile(r"\bgithub_pat_[A-Za-z0-9_]{8,}"), REDACTED),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{8,}"), REDACTED),
    (re.compile(r"\bsb_secret_[A-Za-z0-9_-]{4,}"), REDACTED),
)
_VALUE_HINT = re.compile(
    r"bearer|x-access-token:|gh[oprsu]_|github_pat_|sk-|sb_secret_", re.IGNORECASE
)


def sanitise(payload: Mapping[str, Any] | None) -> dict[str, Any]:
    """The payload a reader gets; `payload` itself is left alone. None reads as `{}`."""
    return _within_limit(_object(payload or {}, 0))[0]


def sanitised_json(payload: Mapping[str, Any] | None) -> bytes:
    """The same, encoded; cheaper than encoding the result of `sanitise` once more."""
    return _within_limit(_object(payload or {}, 0))[1]


def _within_limit(clean: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    encoded = jsonjs.dumps(clean)
    # There are at least as many bytes as UTF-16 units, so small payloads need no counting.
    if len(encoded) <= PAYLOAD_UNITS_MAX:
        return clean, encoded
    text = encoded.decode()
    if jsonjs.units(text) <= PAYLOAD_UNITS_MAX:
        return clean, encoded
    preview = {"truncated": True, "payloadPreview": jsonjs.cut(text, PAYLOAD_UNITS_MAX)}
    return preview, jsonjs.dumps(preview)


def _object(value: Mapping[str, Any], depth: int) -> dict[str, Any]:
    return {
        key: REDACTED if _is_secret_key(key) else _value(item, depth + 1)
        for key, item in islice(value.items(), ITEMS_MAX)
    }


def _value(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return jsonjs.to_number(value)
    if depth >= DEPTH_MAX:
        return TRUNCATED
    if isinstance(value, Mapping):
        return _object(value, depth)
    return [_value(item, depth + 1) for item in islice(value, ITEMS_MAX)]


def _is_secret_key(key: str) -> bool:
    if _SECRET_KEY.search(key):
        return True
    return _NOT_ALPHANUMERIC.sub("", key.lower()) in _EXACT_KEYS


def _string(text: str) -> str:
    head = text.lstrip()[:1]
    if head and head in "{[":
        text = _embedded(text)
    if _VALUE_HINT.search(text):
        for pattern, mask in _VALUES:
            text = pattern.sub(mask, text)
    length = jsonjs.units(text)
    if length > STRING_UNITS_MAX:
        kept = jsonjs.cut(text, STRING_UNITS_MAX)
        return f"{kept}\n...[truncated {length - STRING_UNITS_MAX} chars]"
    return text


def _embedded(text: str) -> str:
    """JSON inside a string is a tree of its own: depth starts at 0 again."""
    try:
        tree = jsonjs.loads(text.strip())
    except ValueError:
        return text
    return jsonjs.dumps_text(_value(tree, 0))
