"""Knobs: the ways in which a simulated service can differ from the friendly one.

A profile's knobs are a dataclass on `KnobSet` whose fields are made by the functions here; their
metadata says which values a knob takes and whether one feed may have its own. Values are checked on
every change, so a misspelt knob cannot silently do nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import Field, field, fields, replace
from typing import Any, ClassVar, Self


class KnobError(ValueError):
    """A knob that does not exist or a value that it does not take; the text names both."""


def choice(*values: str, feed: bool = False, about: str) -> Any:
    """One of these words; the first is the default."""
    return field(
        default=values[0], metadata={"values": values, "feed": feed, "about": about, "kind": str}
    )


def count(default: int, low: int, high: int, *, feed: bool = False, about: str) -> Any:
    """Return the field of a knob that is a whole number from `low` to `high`.

    Args:
        default: The value of the friendly service.
        low: The smallest value.
        high: The largest value.
        feed: Whether one feed may have its own value.
        about: What the knob does, in a sentence for people.
    """
    return field(
        default=default,
        metadata={"range": (low, high), "feed": feed, "about": about, "kind": int},
    )


def seconds(default: float, high: float, *, feed: bool = False, about: str) -> Any:
    """Return the field of a knob that is a time from 0 to `high` seconds; else as `count`."""
    return field(
        default=default,
        metadata={"range": (0.0, high), "feed": feed, "about": about, "kind": float},
    )


def switch(*, default: bool, feed: bool = False, about: str) -> Any:
    """Return the field of a knob that is on or off; its arguments are as those of `count`."""
    return field(default=default, metadata={"feed": feed, "about": about, "kind": bool})


def several(members: tuple[str, ...], *, feed: bool = False, about: str) -> Any:
    """Any number of these words; none by default."""
    return field(
        default=(),
        metadata={"members": members, "feed": feed, "about": about, "kind": tuple},
    )


class KnobSet:
    """Base of a profile's knobs, which is a dataclass with slots and a default for every field."""

    __slots__ = ()
    FEED_WORD: ClassVar[str] = "feed"  # what one feed of this service is called

    def change(self, values: Mapping[str, object]) -> None:
        """Set several knobs at once, all or none.

        Raises:
            KnobError: A name or a value is wrong.
        """
        known = self._fields()
        checked = {name: _checked(known, name, value) for name, value in values.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def reset(self) -> None:
        """Set every knob to the friendly service's value."""
        for name, each in self._fields().items():
            setattr(self, name, each.default)

    def with_feed(self, overrides: Mapping[str, Any]) -> Self:
        """These knobs as one feed sees them. `overrides` come from `checked_for_feed`."""
        return replace(self, **overrides) if overrides else self  # type: ignore[type-var]

    @classmethod
    def checked_for_feed(cls, values: Mapping[str, object]) -> dict[str, Any]:
        """Check values for one feed.

        Raises:
            KnobError: A name or a value is wrong, or only the server has the knob.
        """
        known = cls._fields()
        checked = {name: _checked(known, name, value) for name, value in values.items()}
        for name in checked:
            if not known[name].metadata["feed"]:
                raise KnobError(
                    f"knob {name!r} holds for the whole server, not for one {cls.FEED_WORD}"
                )
        return checked

    @classmethod
    def describe(cls) -> list[dict[str, Any]]:
        """Name, default, values and meaning of every knob, for the control API and the page."""
        rows = []
        for name, each in cls._fields().items():
            meta = each.metadata
            allowed = meta.get("values") or meta.get("members") or meta.get("range")
            rows.append(
                {
                    "name": name,
                    "default": each.default,
                    "allowed": list(allowed) if allowed else [False, True],
                    f"per_{cls.FEED_WORD}": meta["feed"],
                    "about": meta["about"],
                }
            )
        return rows

    @classmethod
    def _fields(cls) -> dict[str, Field[Any]]:
        return {each.name: each for each in fields(cls)}  # type: ignore[arg-type]


def _checked(known: Mapping[str, Field[Any]], name: str, value: object) -> Any:
    each = known.get(name)
    if each is None:
        near = difflib.get_close_matches(name, known, n=1)
        raise KnobError(f"no knob {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    meta = each.metadata
    kind = meta["kind"]
    if kind is tuple:
        return _members(name, value, meta["members"])
    if kind is bool:
        if not isinstance(value, bool):
            raise KnobError(f"knob {name!r} takes true or false, got {value!r}")
        return value
    if kind is str:
        if value not in meta["values"]:
            raise KnobError(
                f"knob {name!r} takes one of {', '.join(meta['values'])}, got {value!r}"
            )
        return value
    low, high = meta["range"]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    whole = kind is float or isinstance(value, int)
    if not number or not whole or not low <= value <= high:
        word = "a number" if kind is float else "a whole number"
        raise KnobError(f"knob {name!r} takes {word} from {low:g} to {high:g}, got {value!r}")
    return kind(value)


def _members(name: str, value: object, allowed: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or any(item not in allowed for item in value):
        raise KnobError(f"knob {name!r} takes a list out of {', '.join(allowed)}, got {value!r}")
    return tuple(value)
