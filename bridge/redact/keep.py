"""Paths that the operator keeps: what stood there comes back as it was."""

from __future__ import annotations

from typing import Any

PATH_STEPS_MAX = 32


def restored(before: Any, after: Any, path: tuple[str, ...]) -> Any:
    """Return `after` with what `before` holds at `path`; `*` is any member or item.

    Only along the path is anything copied; a path that leads nowhere changes nothing.
    """
    if not path or len(path) > PATH_STEPS_MAX:
        return before if not path else after
    step, rest = path[0], path[1:]
    if isinstance(before, dict) and isinstance(after, dict):
        result = after
        for key in list(before) if step == "*" else [step]:
            if key in before and key in after:
                new = restored(before[key], after[key], rest)
                if new is not after[key]:
                    result = dict(result) if result is after else result
                    result[key] = new
        return result
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        items = [
            restored(old, new, rest) if step in ("*", str(at)) else new
            for at, (old, new) in enumerate(zip(before, after, strict=True))
        ]
        return items if any(a is not b for a, b in zip(items, after, strict=True)) else after
    return after
