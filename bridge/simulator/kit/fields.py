"""Read the JSON of a control request; every mistake names its key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any


class FieldError(ValueError):
    """A key that is wrong, missing or unknown. The text is for people."""


class Fields:
    """An object whose keys are read one by one; `done` refuses keys that nobody read."""

    def __init__(self, value: object, where: str = "body") -> None:
        if not isinstance(value, dict):
            raise FieldError(f"{where} must be a JSON object, got {_kind(value)}")
        self._rest: dict[str, Any] = dict(value)
        self._where = where
        self._asked: list[str] = []

    def has(self, name: str) -> bool:
        """Return whether the key is there and was not read yet."""
        return name in self._rest

    def raw(self, name: str) -> Any:
        """Read a key of any type; None if it is missing."""
        self._asked.append(name)
        return self._rest.pop(name, None)

    def text(self, name: str, allowed: tuple[str, ...] | None = None) -> str | None:
        """Read a string; None if it is missing or null.

        Raises:
            FieldError: It is no string, or not one of `allowed`.
        """
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.error(name, f"must be a string, got {_kind(value)}")
        if allowed is not None and value not in allowed:
            raise self.error(name, f"must be one of {', '.join(allowed)}, got {value!r}")
        return value

    def need_text(self, name: str, allowed: tuple[str, ...] | None = None) -> str:
        """Read a string that must not be missing or empty.

        Raises:
            FieldError: It is missing, empty, no string, or not one of `allowed`.
        """
        value = self.text(name, allowed)
        if not value:
            raise self.error(name, "is required")
        return value

    def integer(self, name: str, low: int, high: int) -> int | None:
        """Read a whole number from `low` to `high`; None if it is missing or null.

        Raises:
            FieldError: It is no whole number, or out of the range.
        """
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.error(name, f"must be a whole number from {low} to {high}, got {value!r}")
        return value

    def digits(self, name: str, default: int) -> int:
        """A whole number written as text, as query strings have it."""
        text = self.text(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit()) or len(text) > 15:
            raise self.error(name, f"must be a whole number, got {text!r}")
        return int(text)

    def number(self, name: str, low: float, high: float) -> float | None:
        """Read a number from `low` to `high`; None if it is missing or null.

        Raises:
            FieldError: It is no number, or out of the range.
        """
        value = self.raw(name)
        if value is None:
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= value <= high:
            raise self.error(name, f"must be a number from {low:g} to {high:g}, got {value!r}")
        return float(value)

    def flag(self, name: str) -> bool | None:
        """Read a boolean; None if it is missing or null.

        Raises:
            FieldError: It is no boolean.
        """
        value = self.raw(name)
        if value is not None and not isinstance(value, bool):
            raise self.error(name, f"must be true or false, got {value!r}")
        return value

    def mapping(self, name: str) -> Mapping[str, Any] | None:
        """Read an object; None if it is missing or null.

        Raises:
            FieldError: It is no object.
        """
        value = self.raw(name)
        if value is not None and not isinstance(value, dict):
            raise self.error(name, f"must be an object, got {_kind(value)}")
        return value

    def items(self, name: str) -> list[Any] | None:
        """Read an array; None if it is missing or null.

        Raises:
            FieldError: It is no array.
        """
        value = self.raw(name)
        if value is not None and not isinstance(value, list):
            raise self.error(name, f"must be an array, got {_kind(value)}")
        return value

    def rest(self) -> dict[str, Any]:
        """Return all keys that were not read yet; the receiver checks their names."""
        rest, self._rest = self._rest, {}
        return rest

    def done(self) -> None:
        """Check that every key was read.

        Raises:
            FieldError: A key was not; the text names a similar one, or all.
        """
        for name in self._rest:
            near = difflib.get_close_matches(name, self._asked, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(self._asked)}"
            raise self.error(name, f"is not known here{hint}")

    def error(self, name: str, text: str) -> FieldError:
        """Return the error for a key; its text begins with the place and the name."""
        return FieldError(f"{self._where}: {name!r} {text}")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")
