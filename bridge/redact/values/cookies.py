"""Cookies in one text: `a=b; c=d`, as headers, commands and JSON have them."""

from __future__ import annotations

from typing import Final

from bridge.redact.expressions import lazy
from bridge.redact.values import harmless
from bridge.redact.values.placeholders import is_placeholder
from bridge.redact.values.references import is_reference

# Of Set-Cookie; they are no cookies, unless somebody gave one such a name.
_ATTRIBUTES: Final = frozenset(
    ("path", "domain", "expires", "max-age", "samesite", "version", "priority")
)
# A cookie with such a name is not a setting of a page, however short its value is.
_OF_SESSION = lazy(r"(?i)sess|sid\Z|auth|token|csrf|xsrf|jwt|remember|login|passw|secret|key\Z")
_SETTING_MAX: Final = 11  # characters of the value of a setting
_WORD_MAX: Final = 5  # of what is no session's id: `auth=true`
_PAIR = lazy(r"[ \t]{0,4}[\w.%$-]{1,128}=[^=\s;]")


def are_pairs(text: str, first: int, last: int) -> bool:
    """Is this a list of pairs? Base64 that is filled up with `=` is none."""
    return _PAIR().match(text, first, last) is not None


def cookies(text: str, first: int, last: int) -> list[tuple[int, int]]:
    """Where the values stand that are not settings.

    A setting (`theme=dark`) is a short word. Beside a cookie that is none, or if it is longer than
    `_WORD_MAX`, one with the name of a session is none either.
    """
    found: list[tuple[int, int]] = []
    has_weight = False
    end = first - 1
    for pair in text[first:last].split(";"):
        name, _, value = pair.partition("=")
        start = end + 1 + len(pair) - len(value)
        end += 1 + len(pair)
        name, look = name.strip(), value.strip()
        if not look or harmless.is_marked(look):
            continue
        if name.lower() in _ATTRIBUTES and harmless.weight(look) != harmless.HEAVY:
            continue
        is_named = _OF_SESSION().search(name) is not None
        weight = harmless.weight(look)
        if not (is_named and weight == harmless.HEAVY):
            if is_reference(look) or is_placeholder(look):
                continue
            is_plain = len(look) <= _SETTING_MAX and not weight
            if not is_named and (is_plain or harmless.harmless_text(look, ("cookie",))):
                continue
        found.append((start, end))
        has_weight = has_weight or weight > 0 or len(look) > _WORD_MAX
    return found if has_weight else []
