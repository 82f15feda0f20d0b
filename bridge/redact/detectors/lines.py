"""Values on the lines below their name: under a heading, as items of a list, as members of a mapping."""

# ruff: noqa: E501 - a pattern is read on one line
# ruff: noqa: PLR0911 - a detector is a row of early exits

from __future__ import annotations

from bridge.redact.expressions import lazy
from bridge.redact.names.classifier import Verdict
from bridge.redact.names.words import META
from bridge.redact.spans import Scan
from bridge.redact.values import harmless
from bridge.redact.values.code import is_decorator
from bridge.redact.values.extent import BARE, QUOTE, Value, line_end, quoted
from bridge.redact.values.judge import is_literal, looks_made, take

# From a label to its value: empty lines, the fence of a block of code.
DOWN = r"[ \t]{0,8}(?:\r?\n[ \t]{0,40}){1,3}(?:(?:```|~~~)[a-z]{0,12}[ \t]{0,4}\r?\n[ \t]{0,40})?"
_NEXT_LINE = lazy(DOWN + r"(?=[^\s:/<-][^\s:]{7,255}[ \t]{0,8}(?:\r?\n|\Z))")
_NEXT_LITERAL = lazy(r"[ \t]{0,8}(?:\r?\n|\\{1,15}n)[+-]?[ \t]{0,40}(?=[rbfu@]?\\{0,7}[\"'`])")
_GIVEN = lazy(r"(?i)\b(?:generated|new|temporary|initial|your|admin|root)[ \w]{0,30}:?\Z")
_ITEM = lazy(r"[ \t]{0,8}(?:\r?\n|\\{1,15}n)[+]?[ \t]{0,40}-[ \t]{1,4}")
_MEMBER = lazy(
    r"[ \t]{0,8}(?:\r?\n|\\{1,15}n)[+-]?[ \t]{1,40}([A-Za-z][\w.-]{0,60}):[ \t]{1,8}(?=[^\s{\[|>&*!])"
)
_PLURALS = (("keys",), ("secrets",), ("tokens",), ("passwords",), ("credentials",), ("creds",))


def below_name(scan: Scan, at: int, verdict: Verdict, op: str) -> int:
    """A heading and the value alone on the next line."""
    if op not in (":", "="):
        return 0
    if op == ":" and _ITEM().match(scan.text, at, scan.end) is not None:
        return _items(scan, at, verdict)
    if op == ":" and (done := _members(scan, at, verdict)):
        return done
    literal = _NEXT_LITERAL().match(scan.text, at, scan.end)
    if literal is not None:
        value = quoted(scan, literal.end())
        if value is None or not is_literal(scan.text[value.start : value.end]):
            return 0
        return take(scan, value, verdict)
    found = _NEXT_LINE().match(scan.text, at, scan.end)
    if found is None or is_decorator(scan.text, found.end()):
        return 0
    stop = line_end(scan.text, found.end(), scan.end)
    while stop > found.end() and scan.text[stop - 1] in " \t\r":
        stop -= 1
    weight = harmless.weight(scan.text[found.end() : stop])
    is_given = verdict.kind == "password" and _GIVEN().search(scan.text, max(0, at - 60), at)
    is_made = verdict.kind == "password" and looks_made(scan.text[found.end() : stop])
    if weight != harmless.HEAVY and not (weight and is_given) and not is_made:
        return 0
    return take(scan, Value(found.end(), stop, "", stop >= scan.end), verdict)


def plain_value(scan: Scan, at: int) -> Value | None:
    """A value of YAML, quoted or bare."""
    if QUOTE.match(scan.text, at, scan.end):
        return quoted(scan, at)
    bare = BARE.match(scan.text, at, scan.end)
    return bare and Value(at, bare.end(), "", bare.end() >= scan.end)


def _members(scan: Scan, at: int, verdict: Verdict) -> int:
    """`api_keys:` and a mapping of YAML below it: values as heavy as a machine's."""
    done = 0
    if verdict.words[-1:] not in _PLURALS:
        return 0
    for _ in range(16):
        member = _MEMBER().match(scan.text, at, scan.end)
        if member is None:
            break
        value = plain_value(scan, member.end())
        if value is None:
            break
        content = scan.text[value.start : value.end]
        about = member.group(1).lower().replace("-", "_").split("_")[-1] in META
        if (
            not about
            and harmless.weight(content) == harmless.HEAVY
            and not harmless.is_uuid(content)
        ):
            done = take(scan, value, verdict) or done
        at = value.end + len(value.quote)
    return done


def _items(scan: Scan, at: int, verdict: Verdict) -> int:
    """`tokens:` and a list of YAML below it."""
    done = 0
    for _ in range(16):
        item = _ITEM().match(scan.text, at, scan.end)
        if item is None:
            break
        value = plain_value(scan, item.end())
        if value is None:
            break
        content = scan.text[value.start : value.end]
        if ":" not in content and harmless.weight(content):
            done = take(scan, value, verdict) or done
        at = value.end + len(value.quote)
    return done


def items_in_brackets(scan: Scan, at: int, verdict: Verdict) -> int:
    """`"password": ["x", "y"]`: every quoted item, within limits."""
    text = scan.text
    done = 0
    at += 1
    for _ in range(16):
        while at < scan.end and text[at] in " \t\r\n,":
            at += 1
        if not QUOTE.match(text, at, scan.end):
            break
        value = quoted(scan, at)
        if value is None:
            break
        done = take(scan, value, verdict) or done
        at = value.end + len(value.quote)
    return done
