"""A value that a sentence ties to its name over an aside.

`my token's x`, `the seed (base32): x`, `the signing secret, which is x`, `a credential in line 40:
x`, `incorrect API key provided: x`. The aside says less than a separator does, so the value must
look made, or stand in quotes and look like a literal.
"""

# ruff: noqa: E501 - a pattern is read on one line

from __future__ import annotations

from bridge.redact.expressions import lazy
from bridge.redact.names.classifier import CODE, Verdict
from bridge.redact.spans import Scan
from bridge.redact.values import harmless
from bridge.redact.values.extent import BARE, QUOTE, TRAIL, Value, quoted
from bridge.redact.values.judge import is_literal, looks_made, take

_ASIDE = lazy(
    r"(?:['’]s[ ](?:now[ ])?"
    r"|(?P<quote>[`\"'])[ ](?:to|is|was|as|being)[ ](?:now[ ])?"
    r"|[ ](?:is|was|are)[ ](?:hard-?coded|stored|set|kept|visible|exposed|leaked|checked in|in plain ?text|as follows|the following|still|here)(?:[ ][a-z]{1,12}){0,4}:[ ]{1,4}"
    r"|[ ]?\((?!\))[^()\n]{1,60}\)[ ]?(?:[:=]|is|was)[ ]{1,4}"
    r"|,?[ ](?:which|that|it)(?:['’]s|[ ](?:is|was|reads|equals))[ ](?:now[ ]|currently[ ])?"
    r"|[ ](?:provided|given|supplied|used|found|received|entered|sent|issued|created|generated|rotated|below|here)(?:[ ][a-z]{1,12}){0,3}:[ ]{1,4}"
    r"|(?:[ ](?:that|which))?[ ](?:they|we|you|i|he|she)(?:['’][a-z]{1,2})?(?:[ ][a-z]{1,12}){1,4}(?:,|:|[ ][-–—])[ ]{1,2}"
    r"|[ ](?:between|for|of|from)[ ](?:[\w.'-]{1,24}[ ]){1,6}\((?=[^\s()]{20,4096}\))"
    r"|[ ](?:in|on|at|from|under|inside)[ ](?:the[ ])?[\w.@'`/-]{1,60}(?:[ ][\w.@`-]{1,20}){0,3}:[ ]{1,4})"
)


def after_aside(scan: Scan, last: int, verdict: Verdict) -> int:
    """Look behind an aside that begins at `last`; return where to go on, or 0."""
    text = scan.text
    found = _ASIDE().match(text, last, scan.end)
    if found is None or verdict.grade == CODE:
        return 0
    scan.effort += 1
    at = found.end()
    if QUOTE.match(text, at, scan.end) is not None:
        value = quoted(scan, at)
        return _in_quotes(scan, value, verdict) if value is not None else 0
    return _bare(scan, at, verdict, is_set=found.group("quote") is not None)


def _in_quotes(scan: Scan, value: Value, verdict: Verdict) -> int:
    if value.is_torn(scan) or not is_literal(scan.text[value.start : value.end]):
        return 0
    return take(scan, value, verdict)


def _bare(scan: Scan, at: int, verdict: Verdict, *, is_set: bool) -> int:
    text = scan.text
    bare = BARE.match(text, at, scan.end)
    if bare is None:
        return 0
    stop = bare.end()
    while stop > at and text[stop - 1] in TRAIL:
        stop -= 1
    content = text[at:stop]
    is_made = harmless.weight(content) == harmless.HEAVY and len(content) >= 12
    is_said = is_set and is_literal(content)  # "set `PASSWORD` to x"
    if not is_made and not (verdict.kind == "password" and (is_said or looks_made(content))):
        return 0
    if harmless.is_uuid(content) or content.startswith(("(", "[", "{")):
        return 0
    return take(scan, Value(at, stop, "", stop >= scan.end), verdict)
