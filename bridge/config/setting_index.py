"""The settings as a flat list, made from the model: for names, reference, example and look-ups."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bridge.config.choices import CHOICES, Choice
from bridge.config.model import Settings
from bridge.schema import values

INDEX = "*"  # stands for the index in a path through an array of tables


@dataclass(frozen=True, slots=True)
class Entry:
    """One key. `section` is the model of its members when it is a table or an array of tables."""

    path: tuple[str, ...]
    kind: str  # text, choice, integer, number, boolean, duration, size, list, table, tables
    field: FieldInfo
    section: type[BaseModel] | None = None
    choices: tuple[str, ...] = ()
    is_optional: bool = False
    of: str | None = None  # kind of the table that has it, with this default (`choices`)

    @property
    def dotted(self) -> str:
        """`accounts[].name`, as the reference writes it."""
        return ".".join(self.path).replace(f".{INDEX}", "[]")


def entries() -> tuple[Entry, ...]:
    """All keys in the order of the model, tables before their members.

    The keys of an account come once for each system, those of an output once for each type.
    """
    return _entries(tuple(tuple(choice.sections()) for choice in CHOICES.values()))


@cache
def _entries(_kinds: tuple[tuple[str, ...], ...]) -> tuple[Entry, ...]:
    return tuple(_walk(Settings, ()))


def find_entry(path: Sequence[str | int]) -> Entry | None:
    """Look up the key at a concrete path, whose indexes are numbers."""
    wanted = tuple(INDEX if isinstance(key, int) else key for key in path)
    return next((entry for entry in entries() if entry.path == wanted), None)


def choice_at(path: Sequence[str | int]) -> Choice | None:
    """What tells the kind of the table at a concrete path in an array; None for any other."""
    holder = find_entry(path[:-1]) if path and isinstance(path[-1], int) else None
    return CHOICES.get(holder.section) if holder is not None else None


def nearest(path: Sequence[str | int]) -> str | None:
    """The known key most like an unknown one: first among its siblings, then anywhere."""
    wanted = [INDEX if isinstance(key, int) else str(key) for key in path]
    parent, leaf = tuple(wanted[:-1]), wanted[-1]
    flat = {e.dotted.replace(".", "_").replace("[]", ""): e.dotted for e in entries()}
    if leaf in flat:  # `retention_age` for `retention.age`
        return flat[leaf]
    siblings = {e.path[-1]: e for e in entries() if e.path[:-1] == parent and e.path[-1] != INDEX}
    close = difflib.get_close_matches(leaf, siblings, n=1)
    if close:
        return siblings[close[0]].dotted
    leaves = {e.path[-1]: e.dotted for e in entries() if not e.section}
    dotted = {e.dotted: e.dotted for e in entries()}
    for names in (flat, dotted, leaves):
        for word in (leaf, ".".join(wanted)):
            close = difflib.get_close_matches(word, names, n=1, cutoff=0.75)
            if close:
                return names[close[0]]
    return None


def _walk(model: type[BaseModel], prefix: tuple[str, ...]) -> Iterator[Entry]:
    for name, field in model.model_fields.items():
        entry = _entry((*prefix, name), field)
        yield entry
        if (choice := CHOICES.get(entry.section)) is not None:
            for kind, section in choice.sections().items():
                for member in _walk(section, (*entry.path, INDEX)):
                    yield replace(member, of=kind)
        elif entry.section is not None:
            inner = (*entry.path, INDEX) if entry.kind == "tables" else entry.path
            yield from _walk(entry.section, inner)


def _entry(path: tuple[str, ...], field: FieldInfo) -> Entry:
    annotation, is_optional = _without_none(field.annotation)
    marks = [*field.metadata, *_marks(annotation)]
    plain = _plain(annotation)
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        return Entry(path, "table", field, plain, is_optional=is_optional)
    if get_origin(plain) is tuple:
        member = _plain(get_args(plain)[0])
        if isinstance(member, type) and issubclass(member, BaseModel):
            return Entry(path, "tables", field, member)
        return Entry(path, "list", field)
    if get_origin(plain) is Literal:
        return Entry(path, "choice", field, choices=tuple(get_args(plain)))
    for kind, annotated in (("duration", values.Duration), ("size", values.Size)):
        if any(mark is _marks(annotated)[0] for mark in marks):
            return Entry(path, kind, field, is_optional=is_optional)
    kinds = {str: "text", int: "integer", float: "number", bool: "boolean"}
    return Entry(path, kinds[plain], field, is_optional=is_optional)


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [a for a in get_args(annotation) if a is not type(None)]
        return rest[0], True
    return annotation, False


def _plain(annotation: Any) -> Any:
    return annotation.__origin__ if hasattr(annotation, "__metadata__") else annotation


def _marks(annotation: Any) -> tuple[Any, ...]:
    return tuple(getattr(annotation, "__metadata__", ()))
