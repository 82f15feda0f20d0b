"""Values that hold names of their own: a configuration or JSON below the name of a secret.

Their own names say what is secret in them, so the rest may stay. Only where nothing else can be
secret: a value that a machine may have made under an innocent name makes all of it one secret.
"""

from __future__ import annotations

import json
from typing import Any, Final

from bridge.redact.expressions import lazy
from bridge.redact.names.classifier import SURE, classify
from bridge.redact.names.words import BESIDE_WORDS
from bridge.redact.values import harmless

CHARS_MAX: Final = 4_096  # longer ones are taken for one secret
BESIDE_MAX: Final = 64  # characters of a user's name or a host

_LINE = lazy(
    r"\[[\w.: -]{1,60}\]|[#;].{0,200}|[A-Za-z][\w.-]{0,40}[ ]{0,4}[=:](?:[ \t](?P<value>.{0,200}))?"
    r"|(?P<name>[A-Za-z][A-Za-z_.-]{0,40}\d?)"
)


def is_configuration(content: str) -> bool:
    """Is this a text of several lines, each a setting, a section, a name or a comment?"""
    if len(content) > CHARS_MAX or "\n" not in content:
        return False
    lines = [line.strip() for line in content.removeprefix("\\").split("\n") if line.strip()]
    return (
        len(lines) > 1 and any(char in content for char in "=:[") and all(map(_is_setting, lines))
    )


def _is_setting(line: str) -> bool:
    found = _LINE().fullmatch(line)
    if found is None:
        return False
    words = (found["value"] or "").split()
    return not any(harmless.weight(word) == harmless.HEAVY for word in words)


def tells_itself(content: str) -> bool:
    """`{"username":"app","password":"x","host":"db"}`, its quotes escaped or not."""
    tree = _parsed(content)
    if type(tree) is not dict or not tree:
        return False
    is_told = False
    for name, item in tree.items():
        if name.lower() in BESIDE_WORDS:
            if not _is_beside(item):
                return False
        elif classify(name).grade == SURE and type(item) is str:
            is_told = True
        else:
            return False
    return is_told


def _parsed(content: str) -> Any:
    if len(content) > CHARS_MAX:
        return None
    try:
        if "\\" in content:
            content = json.loads(f'"{content}"')
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _is_beside(item: Any) -> bool:
    """A user's name, a host, a port."""
    if type(item) is str:
        return len(item) <= BESIDE_MAX and harmless.weight(item) != harmless.HEAVY
    return item is None or type(item) in (int, bool)
