"""Which values that were found once are searched in the rest of their event."""

from __future__ import annotations

import re
from typing import Final

from bridge.redact.values import harmless

ECHOES_MAX: Final = 64  # values of one event that are searched in the rest of it
LENGTH_MIN: Final = 8
LENGTH_MAX: Final = 512
_CHARS_MIN: Final = 5  # different ones; fewer stand in other values by chance

# A number or a piece of JSON found again may be part of the structure of another text.
_NO_ECHO = re.compile(r"[^A-Za-z]*(?:[eE][^A-Za-z]*)?\Z")


def may_be_echo(secret: str) -> bool:
    """Would the value, found again, be the same secret and nothing else?"""
    return (
        LENGTH_MIN <= len(secret) <= LENGTH_MAX
        and len(set(secret)) >= _CHARS_MIN
        and (_is_mixed(secret) or _has_weight(secret))
    )


def _is_mixed(secret: str) -> bool:
    """Letters and digits and nothing else, as most are: they pass all that follows."""
    return (
        len(secret) <= harmless.LOOK_MAX
        and secret.isalnum()
        and secret.isascii()
        and not secret.isalpha()
        and not secret.isdigit()
        and _NO_ECHO.match(secret) is None
    )


def _has_weight(secret: str) -> bool:
    return (
        '"' not in secret
        and "\\" not in secret
        and "\n" not in secret
        and not _NO_ECHO.match(secret)
        and harmless.weight(secret) > 0
    )
