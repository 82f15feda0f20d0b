"""What is wrong with a setting, in one line: place, key, what is allowed, what was there. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bridge.config.setting_index import choice_at, find_entry, nearest
from bridge.config.upstream import key_prefixes

Path = tuple[str | int, ...]

_MUST_BE: Final = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "tuple_type": "a list in [ ]",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "string_too_short": "not empty",
}
_PATTERNS: Final = {
    "name": 'lower-case letters, digits, "-" and "_", at most 32, such as "default"',
    "token_env": "the name of an environment variable",
}
_BARE = re.compile(r"[A-Za-z0-9_-]{1,60}", re.ASCII)
# What must not be repeated on a terminal or in a log, even when it stands in the wrong place.
_SECRET = re.compile(r"://[^/\s]*@|bearer\s|password|secret", re.IGNORECASE)


def dotted(path: Sequence[str | int]) -> str:
    """`accounts[0].name`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += f"{'.' if text else ''}{_key(key)}"
    return text


def _key(key: str) -> str:
    prefix = next((p for p in key_prefixes() if key.startswith(p)), None)
    if prefix is not None:
        return f"{prefix}*** (a token is no key)"
    return key if _BARE.fullmatch(key) else repr(key)[:60]


def shown(value: object) -> str:
    """A value as the file would write it, short, or nothing when it could be a secret."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    if _SECRET.search(text) or any(prefix in text for prefix in key_prefixes()):
        return "the given value (not shown, because it may hold a secret)"
    text = text if len(text) <= 60 else text[:57] + "..."
    return f'"{text[1:-1]}"' if isinstance(value, str) and len(text) <= 60 else text


def explain(error: ValidationError, place: Callable[[Path], str]) -> list[tuple[Path, str]]:
    """Return the path and the line for people of every fault that pydantic found."""
    details = error.errors(include_url=False)
    paths = [tuple(detail["loc"]) for detail in details]
    return [
        (path, f"{place(path)}: {_explain_one(path, detail)}")
        for path, detail in zip(paths, details, strict=True)
        # A list whose members are all wrong is called too short as well: only an echo.
        if detail["type"] != "too_short"
        or not any(len(p) > len(path) for p in paths if p[: len(path)] == path)
    ]


def unknown_key(path: Sequence[str | int]) -> str:
    """The sentence about a key that does not exist."""
    choice = choice_at(path[:-1])
    if choice is not None and (owners := choice.kinds_with(str(path[-1]))):
        names = " and ".join(f'"{name}"' for name in owners)
        return (
            f"{dotted(path)} is a setting of {choice.what}s of {choice.key} {names};"
            f" this {choice.what} is of another {choice.key}"
        )
    known = nearest(path)
    hint = f"did you mean {known}?" if known else "see docs/configuration.md for all keys"
    return f"unknown key {dotted(path)}; {hint}"


def _explain_one(path: Path, detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown_key(path)
    if kind == "missing":
        return f"{dotted(path)} is required: {_description(path)}"
    must = _must_be(path, kind, context, detail["msg"])
    return f"{dotted(path)} must be {must}, not {shown(detail['input'])}"


def _must_be(path: Path, kind: str, context: dict[str, Any], message: str) -> str:
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return str(context["expected"]).replace("'", '"')
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(str(path[-1]), f"like {context['pattern']}")
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = context.get("ge", context.get("le"))
        return f"at {'least' if kind.startswith('g') else 'most'} {bound}"
    if kind in ("too_short", "too_long"):
        bound = context.get("min_length", context.get("max_length"))
        return f"a list of at {'least' if kind == 'too_short' else 'most'} {bound}"
    return _MUST_BE.get(kind, message[:1].lower() + message[1:])


def _description(path: Path) -> str:
    entry = find_entry(path)
    text = entry.field.description if entry and entry.field.description else ""
    return text[:1].lower() + text[1:].rstrip(".")
