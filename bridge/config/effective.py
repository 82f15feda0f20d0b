"""Settings back to text: a valid configuration file again, each line with where it came from.

Pure. Settings hold no secrets: tokens stay in their files, URLs with passwords are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel

from bridge.config.explain import Path
from bridge.config.model import Settings
from bridge.config.setting_index import Entry, entries, find_entry
from bridge.schema.values import duration_text, size_text

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_COMMENT_COLUMN = 44


def effective_toml(settings: Settings, origin: Callable[[Path], str]) -> str:
    """The settings as TOML; `origin` tells what to write behind each value."""
    return "\n".join(_table(settings, (), origin)).lstrip("\n") + "\n"


def toml_value(value: Any, kind: str) -> str:
    """One value as TOML, durations and sizes in the units people use."""
    if kind == "duration":
        return "0" if value == 0 else f'"{duration_text(value)}"'
    if kind == "size":
        return str(value) if value % 1024 or not value else f'"{size_text(value)}"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(member, "text") for member in value) + "]"
    # JSON's strings, numbers and booleans are TOML's too; DEL alone is allowed there only escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def flat(settings: Settings) -> Iterator[tuple[Path, Any]]:
    """Every value with its path, tables opened."""
    yield from _flat(settings, ())


def _flat(section: BaseModel, at: Path) -> Iterator[tuple[Path, Any]]:
    for name in type(section).model_fields:
        value, path = getattr(section, name), (*at, name)
        if isinstance(value, BaseModel):
            yield from _flat(value, path)
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for i, member in enumerate(value):
                yield from _flat(member, (*path, i))
        else:
            yield path, value


def _table(section: BaseModel, at: Path, origin: Callable[[Path], str]) -> Iterator[str]:
    """Values first, then the tables inside: TOML cannot go back up."""
    names = list(type(section).model_fields)
    for name in names:
        entry, value = _entry((*at, name)), getattr(section, name)
        if not entry.section and value is not None:
            yield _line(entry.path[-1], toml_value(value, entry.kind), origin((*at, name)))
        elif entry.kind == "tables" and not value:
            yield _line(entry.path[-1], "[]", origin((*at, name)))
    for name in names:
        entry, value = _entry((*at, name)), getattr(section, name)
        if entry.kind == "tables":
            for i, member in enumerate(value):
                yield from ("", f"[[{_header((*at, name))}]]")
                yield from _table(member, (*at, name, i), origin)
        elif entry.kind == "table" and value is not None:
            body = list(_table(value, (*at, name), origin))
            if body:  # a table of nothing but values left out says nothing
                yield from ("", f"[{_header((*at, name))}]", *body)


def _line(key: str, value: str, origin: str) -> str:
    text = f"{key if _BARE.fullmatch(key) else json.dumps(key)} = {value}"
    return f"{text:<{_COMMENT_COLUMN}}  # {origin}"


def _header(path: Path) -> str:
    return ".".join(key for key in path if isinstance(key, str))


def _entry(path: Path) -> Entry:
    entry = find_entry(path)
    assert entry is not None, f"{path} is not in the catalogue of {len(entries())}"
    return entry
