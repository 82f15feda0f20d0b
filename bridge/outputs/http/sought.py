"""Searches upstream's text for a string: `text=` of a page."""

from __future__ import annotations

from typing import Any

from bridge.wire.jsontext import dumps, loads


class Sought:
    """A string to search for. A capital letter makes the search case-sensitive, as on the page.

    Names of members, and what the bridge adds around the event, are not searched.
    """

    __slots__ = ("_counts_case", "_in_json", "_text")

    def __init__(self, text: str) -> None:
        lower = text.lower()
        self._counts_case = text != lower
        self._text = text if self._counts_case else lower
        self._in_json = dumps(self._text)[1:-1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sought) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def is_in(self, body: bytes) -> bool:
        """Whether a text of the event contains it; `body` is a record as the journal stores it."""
        if not self._may_be_in(body):  # most records end here, unparsed
            return False
        return any(self._is_in_text(text) for text in _texts(loads(body).get("data")))

    def _may_be_in(self, body: bytes) -> bool:
        if self._in_json.isascii():  # JSON writes these characters in one way only
            return self._in_json in (body if self._counts_case else body.lower())
        if b"\\u" in body:  # other characters may be escaped
            return True
        text = body.decode("utf-8", "replace")
        return self._in_json.decode() in (text if self._counts_case else text.lower())

    def _is_in_text(self, text: str) -> bool:
        return self._text in (text if self._counts_case else text.lower())


def _texts(value: Any) -> list[str]:
    found: list[str] = []
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            rest.extend(item.values())
        elif isinstance(item, list):
            rest.extend(item)
    return found
