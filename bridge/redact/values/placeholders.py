"""Values that stand for a secret that is not there: `<your-token>`, `changeme`, `xxxx`."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bridge.redact.automaton import Automaton
from bridge.redact.expressions import lazy

PLACEHOLDER_MAX: Final = 96  # characters of a value that are looked at

# Of a whole value, or of how it begins, in small letters: with case ignored no branch is passed
# over by its first letter.
_AS_A_WHOLE = lazy(
    r"""(?x)
    here[\s_-] | (?:my|the|some|any|new|old|a|an|this|that|user|test|fake|dummy|sample|demo|mock|default|invalid|wrong|bad|valid|correct)[\s_.-]?(?:new|old|super|very|app|api|own|user|db|secure|secret|token|password|passwd|pass|pwd|key|access|auth|client|private|strong|jwt)(?:[\s_.-]?(?:secret|secure|token|password|passwd|pass|key|value|api|access|string|here|id|hash|name))*[\s_.-]?\d{0,3}\Z
  | (?:todo|fixme|tbd|n/?a|none|null|nil|undefined|unset|not[\s_-]?set|empty|unknown|foo|bar|baz|qux|foobar|foobaz|x+|y+|z+|asdf(?:gh)?|qwerty|lorem|ipsum|blah|abc|abcd|xyz|string|changed|secret[\s_-]?(?:value|string|key|here|token)|super[\s_-]?secret|password[\s_-]?(?:value|here|hash|string)|token[\s_-]?(?:value|here|string)|key[\s_-]?(?:value|here|string)|some[\s_-]?(?:value|thing|string)|value|dummy|fake|mock|sample|test|testing|demo|redacted|removed|hidden|masked|omitted|stripped|encrypted|sensitive|obfuscated|scrubbed|censored)\Z
  | (?:required|nullable|sometimes|confirmed)\|
    """
)
_ANYWHERE = lazy(
    r"""(?xi)
    (?:^|[^a-z])(?:your|votre|ihre?|deine?|tu|su|ton|mi)[\s_.-][a-z]{3} | (?:^|[^a-z])your(?:[a-z]|\Z) | example | placeholder | change[\s_.-]?(?:me|it|this|in)
  | replace[\s_.-]?(?:me|with|this|by|here) | insert[\s_.-]?(?:your|the|here|a|token|key) | (?:put|enter|add|paste|fill|set|type|use|provide)[\s_-](?:your|the|a|here|it|token|key|password|secret|in)
  | [\s_-]here\Z
  | \b(?:dummy|fake|sample|mock|redacted|scrubbed|removed)\b|(?:^|[_-])(?:dummy|fake|sample|mock|redacted)(?:[_-]|\Z)
  | 0123456|1234567890|abcdefgh|abcd1234|abc123(?:\Z|def)|deadbeef(?:\Z|dead)|(?-i:x{4,}|X{4,})|\*{3,}
    """
)
_PARTS: Final = """your votre ihr dein example placeholder change replace insert here dummy fake sample mock
    redacted scrubbed removed 0123456 1234567890 abcdefgh abcd1234 abc123 deadbeef xxxx ***""".split()
_BEFORE_A_GAP: Final = "tu su ton mi put enter add paste fill set type use provide".split()
_GAPS: Final = " \t\n\r\f\v\x1c\x1d\x1e\x1f_.-"


def _literals() -> Iterator[str]:
    """Without one of these in its lower case no text of ASCII matches `_ANYWHERE`."""
    yield from _PARTS
    for word in _BEFORE_A_GAP:
        for gap in _GAPS:
            yield word + gap


_LITERALS: Final = Automaton(_literals(), is_quick=False)


def is_placeholder(value: str, chars_max: int = PLACEHOLDER_MAX) -> bool:
    """Does the value, up to so many characters, say that it is none?

    The pattern tries forty words at each character, which costs more than all other questions
    about a value together: it is asked only where one of its words stands.
    """
    look = value[:chars_max]
    low = look.lower()
    if _AS_A_WHOLE().match(low) is not None:
        return True
    if look.isascii() and next(_LITERALS.iter(low), None) is None:
        return False
    return _ANYWHERE().search(look) is not None
