"""Bounds the size of JSON values, so that no value from outside blocks the event loop.

To redact, encode or shorten a value costs time for every list, object and member of it; a text of
four megabytes can hold two million. Texts have their own limits.
"""

from __future__ import annotations

from typing import Any

from bridge.wire.jsontext import JsonError, dumps

# Lists, objects and their members. Upstream keeps 25 members at three levels of a payload
# (mogplex.md 1.9), 500 times less; redacting so many takes some 0.1 s.
NODES_MAX = 10_000
DEPTH_MAX = 100  # levels; each needs one of the interpreter's, which has about a thousand
KEY_CHARS_MAX = 256  # of a member's name: names are never cut later on

# JSON of so many bytes has few nodes and short names, so it needs no bound.
SMALL_BYTES = 4096

FEW = 8  # members that each of many sibling lists or objects may keep

_DEEP = "…[nested too deeply]"


def bounded(value: Any, nodes_max: int = NODES_MAX) -> Any:
    """Return the value, or a copy that says in place what was left out."""
    return value if _fits(value, nodes_max) else _pruned(value, nodes_max, DEPTH_MAX)


def json_if_small(value: Any) -> bytes | None:
    """Return the JSON of a value that needs no bound; None for others, or if it cannot be written.

    Writing the JSON costs a fifth of a look at every member. Use it only for values from a text
    that is short itself: 18 MB of escapes become 108.
    """
    try:
        text = dumps(value)
    except JsonError:
        return None
    if len(text) > SMALL_BYTES:
        return None
    # Few events have lists, and to know that there is none takes a tenth of a count.
    holders = text.count(b"{") + (text.count(b"[") if b"[" in text else 0)
    return text if holders <= DEPTH_MAX else None


_HOLDERS = frozenset((dict, list))


def _fits(value: Any, nodes_max: int) -> bool:
    """Check level by level, with built-ins, because this runs for every event."""
    level = [value] if type(value) in _HOLDERS else []
    for _ in range(DEPTH_MAX):
        below: list[Any] = []
        for item in level:
            nodes_max -= len(item)
            if nodes_max < 0:
                return False
            inner = item
            if type(item) is dict:
                # All names together are seldom longer than one may be, and quickly measured.
                if len("".join(item)) > KEY_CHARS_MAX and max(map(len, item)) > KEY_CHARS_MAX:
                    return False
                inner = item.values()
            below += [each for each in inner if type(each) in _HOLDERS]
        if not below:
            return True
        level = below
    return False


def _pruned(value: Any, nodes: int, depth: int) -> Any:
    """Share `nodes` evenly among lists and objects, after texts and numbers."""
    kind = type(value)
    if kind is not dict and kind is not list:
        return value
    if depth == 0:
        return _DEEP
    kept = list(value.items() if kind is dict else enumerate(value[:nodes]))[:nodes]
    holders = sum(type(item) is dict or type(item) is list for _, item in kept)
    if holders > nodes // FEW:  # keep fewer of them, each with some content
        kept, holders = kept[: nodes // FEW], nodes // FEW
    left_out = len(value) - len(kept)
    nodes -= len(kept)
    share = nodes // holders if holders else 0
    if kind is list:
        items = [_pruned(item, share, depth - 1) for _, item in kept]
        return [*items, f"…[{left_out} items left out]"] if left_out else items
    members = {str(key)[:KEY_CHARS_MAX]: _pruned(item, share, depth - 1) for key, item in kept}
    if left_out:
        members["…"] = f"[{left_out} members left out]"
    return members
