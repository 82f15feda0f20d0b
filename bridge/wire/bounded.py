"""JSON values of a bounded size, so that no value from outside holds the event loop.

What is done with a value (redact, encode, cut to a line) costs time for every list, object and
member of it; a text of four megabytes can hold two million. Texts have their own limits.
"""

from __future__ import annotations

from typing import Any

# Lists, objects and their members. Upstream keeps 25 members at three levels of a payload
# (mogplex.md 1.9), 500 times less; redacting so many takes some 0.1 s.
NODES_MAX = 10_000
DEPTH_MAX = 100  # levels; each is one of the interpreter's, which has about a thousand
KEY_CHARS_MAX = 256  # of a member's name: names are never cut later on

FEW = 8  # members that each of many lists or objects beside one another may keep

_DEEP = "…[nested too deeply]"


def bounded(value: Any, nodes_max: int = NODES_MAX) -> Any:
    """The value itself, or a copy that says in place what was left out of it."""
    return value if _fits(value, nodes_max) else _pruned(value, nodes_max, DEPTH_MAX)


_HOLDERS = frozenset((dict, list))


def _fits(value: Any, nodes_max: int) -> bool:
    """In loops of its own and built-ins: this is asked of every event."""
    level, depth = ([value] if type(value) in _HOLDERS else []), 0
    while level:
        below: list[Any] = []
        for item in level:
            nodes_max -= len(item)
            if nodes_max < 0:
                return False
            inner = item
            if type(item) is dict:
                if item and max(map(len, item)) > KEY_CHARS_MAX:
                    return False
                inner = item.values()
            if not _HOLDERS.isdisjoint(map(type, inner)):
                below += [each for each in inner if type(each) in _HOLDERS]
        level, depth = below, depth + 1
        if depth > DEPTH_MAX:
            return False
    return True


def _pruned(value: Any, nodes: int, depth: int) -> Any:
    """Share `nodes` evenly among what holds more; texts and numbers come before that."""
    kind = type(value)
    if kind is not dict and kind is not list:
        return value
    if depth == 0:
        return _DEEP
    kept = list(value.items() if kind is dict else enumerate(value[:nodes]))[:nodes]
    holders = sum(type(item) is dict or type(item) is list for _, item in kept)
    if holders > nodes // FEW:  # fewer of them, with something in each
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
