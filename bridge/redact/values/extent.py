"""Where a value ends: in the quotes that opened it, or at what its notation uses as a delimiter."""

from __future__ import annotations

import re
from typing import NamedTuple

from bridge.redact.expressions import lazy
from bridge.redact.spans import Scan
from bridge.redact.values import harmless

VALUE_MAX = 32_768  # characters of a value; longer ones are redacted up to here and scanned on
LINE_MAX = 65_536  # characters of a line that are read for its end
BARE_MAX = 256  # characters of an unquoted value that are judged; what follows goes with it

QUOTE = re.compile(
    r"(?:\\{1,15}\"){3}|(?<!')''(?=[^\s',;|+.(){}&][^\s',;|(){}]{2,256}'')|\\{0,15}(?:\"\"\"|'''|[\"'`])"
    r"|&quot;|&\#(?:0?3[49]|[xX]0?2[27]);|&apos;|%2[27]|\\{1,15}u002[27]|[“‘«„]"
)
LITERAL_TAG = re.compile(r"(?:[rbfuRBFULN@$]{1,2}|![a-z!]{1,20}[ \t]{1,4})(?=\\{0,15}[\"'`])")
# The first branch is that of nearly all values: no sign in them that may or may not end them.
BARE = re.compile(
    r"[^\s\"'`<>\\\x00]{1,256}+(?=[\s>\x00]|\Z)|(?:[^\s\"'`<>\\\x00]|\\(?![nrtu\"'`/\\])|(?<=[^\s=:,(\[{])['\"`](?=[\w!@#$%^&*])|<(?=[^/\s<>]{0,20}[\s\w]))"
    r"{1,256}+"
)
_PLAIN_RUN = re.compile(r"[^\s\"'`<>\\\x00]*+")
_CUT_AT = re.compile(
    r"[;,&|](?=[ \t]{0,4}\\{0,15}[\"']?[A-Za-z_][\w .-]{0,40}\\{0,15}[\"']?[ \t]{0,4}[=:])"
)
# Where a sentence goes on that is written without blanks: `密码：x，请修改`.
_WITHOUT_BLANKS = lazy(
    r"[,;!?.)](?=[\u2e80-\uffef])|[、。「」『』《》〈〉【】]|(?<=[!-~]{6})[\u2e80-\uffef]"
)
# Inside a line: a bracket or a delimiter that nothing of a password follows.
_CLOSES = re.compile(r"[,;&)\]}|](?![\w!@#$%^*-])|[)\]}](?=[\])},;.])|&(?=[\w.-]{1,40}=)")
# A parameter of a query or a fragment, and the beginning of the next one.
_IN_QUERY = re.compile(r"[?&#][\w.%-]{1,64}=\Z")
_NEXT = re.compile(r"&(?=[A-Za-z_][\w.-]{0,40}=)")
TRAIL = ".,;:!?)]}>*"


class Value(NamedTuple):
    """Where a value lies. `quote` is what opened it; `is_open`: its end was cut off."""

    start: int
    end: int
    quote: str
    is_open: bool = False

    def is_torn(self, scan: Scan) -> bool:
        """Open although the text goes on: no literal. At the end of a cut text it may be one."""
        return self.is_open and self.end < scan.end


def bare_end(scan: Scan, stop: int, start: int) -> int:
    """Where a value without quotes ends of which `start` to `stop` was read, however long it is."""
    text = scan.text
    if BARE_MAX <= stop - start < VALUE_MAX:  # whole pieces at once where no sign is in doubt
        run = _PLAIN_RUN.match(text, stop, min(scan.end, start + VALUE_MAX))
        size = run.end() - stop if run is not None else 0
        stop += size - size % BARE_MAX
    while BARE_MAX <= stop - start < VALUE_MAX:
        more = BARE.match(text, stop, scan.end)
        if more is None:
            break
        stop = more.end()
    if _IN_QUERY.search(text, max(0, start - 66), start) is not None:
        following = _NEXT.search(text, start, stop)
        stop = stop if following is None else following.start()
    scan.effort += (stop - start) >> 5
    return stop


def line_end(text: str, at: int, end: int) -> int:
    """Return the position of the next line break from `at`, or `end` if there is none before it.

    A line is taken to end after `LINE_MAX` characters: many hits in a long one would read it all.
    """
    limit = min(end, at + LINE_MAX)
    stop = text.find("\n", at, limit)
    return limit if stop < 0 else stop


def quoted(scan: Scan, at: int) -> Value | None:
    """Read a quoted value: to the same quote at the same depth of escaping."""
    text = scan.text
    opened = QUOTE.match(text, at, scan.end)
    if opened is None:
        return None
    quote = opened.group()
    start = opened.end()
    closing = {"“": "”", "‘": "’", "«": "»", "„": "“"}.get(quote, quote)
    limit = min(scan.end, start + VALUE_MAX)
    slashes = len(quote) - len(quote.lstrip("\\"))
    stop = start - 1
    for _ in range(64):
        stop = text.find(closing, stop + 1, limit)
        if stop < 0 or slashes or len(closing) > 1:
            break
        # A plain quote behind an odd run of backslashes belongs to the value.
        run = 0
        while stop - run > start and text[stop - run - 1] == "\\":
            run += 1
        if run % 2 == 0:
            break
    line = text.find("\n", start, limit if stop < 0 else stop)
    if stop < 0 or (line >= 0 and len(closing) == 1):
        if line >= 0:
            return Value(start, line, quote, is_open=True)
        return Value(start, limit, quote, is_open=True)
    if slashes and stop > start:
        # `\\\"` closes only what it opened: deeper escapes belong to the value.
        while stop > start and text[stop - 1] == "\\":
            deeper = text.find(closing, stop + len(closing), limit)
            if deeper < 0:
                break
            stop = deeper
    return Value(start, stop, quote)


def before_far(text: str, at: int, stop: int) -> int:
    """Where a value ends in a sentence that is written without blanks; `stop` if it is in none."""
    if text[at:stop].isascii():
        return stop
    far = _WITHOUT_BLANKS().search(text, at + 1, stop)
    return far.start() if far is not None else stop


def trimmed(scan: Scan, first: int, at: int, stop: int, op: str) -> int:  # noqa: C901 - one branch per notation
    """Where a value without quotes ends: at what the notation around it uses as a delimiter."""
    text = scan.text
    if op.startswith("%"):
        for mark in ("%26", "%22", "%2C", "%0A", "%7D", "&"):
            cut = text.find(mark, at, stop)
            if cut > 0:
                stop = cut
        return stop
    stop = before_far(text, at, stop)
    # The pair behind a delimiter may reach beyond the first blank: `Password=x;User Id=y`.
    pair = _CUT_AT.search(text, at, min(scan.end, stop + 64))
    if pair is not None and pair.start() < stop:
        stop = pair.start()
    elif stop < scan.end and text[stop - 1 : stop] in ",;":
        stop -= 1
    opening = text[first - 1 : first]
    alone = line_begins(text, first) and (stop >= scan.end or text[stop] in "\r\n")
    if not alone or opening in "([{?&":
        inner = _CLOSES.search(text, at, stop)
        if inner is not None and not _balanced(text, at, inner.start()):
            stop = inner.start()
    while (
        stop > at
        and text[stop - 1] in (",;)" if alone else ",;:)]}.!?")
        and (stop < scan.end or text[stop - 1] in ",;)}]")
    ):
        if text[stop - 1] == "." and stop >= scan.end:
            break
        if text[stop - 1] in ")]}" and _opens_inside(text, at, stop - 1):
            break
        if alone and text[stop - 1] in "!?:.":
            break
        if text[stop - 1] in "!?":
            break
        stop -= 1
    return stop


def _balanced(text: str, at: int, close: int) -> bool:
    return text[close] in ")]}" and _opens_inside(text, at, close)


def _opens_inside(text: str, at: int, close: int) -> bool:
    pair = {")": "(", "]": "[", "}": "{"}[text[close]]
    return text.count(pair, at, close) > text.count(text[close], at, close)


def line_begins(text: str, first: int) -> bool:
    """Return whether a name at `first` opens its line, behind at most a prompt or a keyword."""
    line = text.rfind("\n", max(0, first - 80), first)
    if line < 0 and first > 80:
        return False
    head = text[line + 1 : first].strip(" \t+->#*|$\"'")
    return head in (
        "",
        "export",
        "set",
        "env",
        "ENV",
        "ARG",
        "setenv",
        "setx",
        "SET",
        "const",
        "let",
        "var",
        "$env:",
    )


_NOT_WORDS = re.compile(r"[^A-Za-z ]")


def words_of(scan: Scan, at: int, stop: int) -> int:
    """A passphrase of several words runs to the end of its line."""
    text = scan.text
    if stop >= scan.end or text[stop] != " ":
        return stop
    line = min(line_end(text, stop, scan.end), at + 256)
    rest = _NOT_WORDS.split(text[at:line], maxsplit=1)[0].rstrip()
    line = at + len(rest)
    words = rest.split(" ")
    if not 3 <= len(words) <= 25:
        return stop
    if all(word.isalpha() and word.islower() and 3 <= len(word) <= 10 for word in words):
        if harmless.is_sentence(rest):
            return stop
        return line
    return stop
