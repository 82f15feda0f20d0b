"""Name and value in running text: `password = "x"` in every notation that people and programs use.

One detector covers dotenv, YAML, INI, TOML, HCL, code, repr, JSON text, JSON text inside JSON text,
XML, tables, command-line flags and prose, whole or cut off: grow the name around the key word, ask
the key classifier, read the separator, read the value in the quotes that opened it, ask the gate.
"""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line
# ruff: noqa: PLR0911 - a detector is a row of early exits

from __future__ import annotations

import re
from string import ascii_letters

from bridge.redact.detectors.asides import after_aside
from bridge.redact.detectors.blanks import cell, is_switch, prose_value, without_separator
from bridge.redact.detectors.detector import Detector
from bridge.redact.detectors.headings import below
from bridge.redact.detectors.markup import bracketed_name, by_place
from bridge.redact.detectors.name_parts import Part, name_literals
from bridge.redact.detectors.reading import literals, read
from bridge.redact.detectors.separators import PLAIN_SEPARATOR, SEPARATOR
from bridge.redact.expressions import lazy
from bridge.redact.names.classifier import BARE_KEY, ENV, NONE, SURE, WEAKLY, Verdict
from bridge.redact.rule import ASSIGNMENT, AUTH_SCHEME, COOKIE
from bridge.redact.spans import Scan
from bridge.redact.values import harmless
from bridge.redact.values.extent import (
    QUOTE,
    VALUE_MAX,
    Value,
    line_end,
    quoted,
)
from bridge.redact.values.judge import SCHEME, is_literal, take

NAME_MAX = 64  # characters of a name, to each side of the key word
_NAME_LEFT = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.$"
# The first branch is that of nearly all names: no dot or hyphen in the rest of them.
_NAME_RIGHT = re.compile(
    r"[A-Za-z0-9_]{0,64}+(?![A-Za-z0-9_.-])|(?:[A-Za-z0-9_]|[.-](?=[A-Za-z0-9_])){0,64}"
)
WORD_MAX = 31  # characters of a word before a name
_WORD_AFTER = re.compile(r" ([A-Za-z]{2,12})(?=[\"'`]?[ \t]{0,8}[:=])")

# What a prompt or a test says about a name: `os.environ["TOKEN"]` and its value on the next line,
# `secret # => "x"`, `expect(token).toBe("x")`.
_SHOWN = re.compile(
    r"(?:\\{0,7}[\"'`]?[\])]{0,2}[ ]{0,2}(?:\#[ ]{0,2}=>[ ]{0,2}|(?:\n|\\{1,7}n)(?:=>[ ]{0,2})?)"
    r"|\)\.(?:not\.)?to(?:Be|Equal|StrictEqual|Eql)\()(?=\\{0,15}[\"'`])"
)
_DEFAULT = lazy(r":?[-=+]([^}\n\"']{1,256})")  # `${TOKEN:-x}`
_ATTRIBUTES = re.compile(r"[ \t][\w:-]{1,40}=\\{0,7}[\"'][^<>\n]{0,160}(?<!/)>")
_REVERSED = lazy(
    r"(\\{0,7}[\"'])([^\"'\\\n]{3,160})\1[ \t]{0,4}(?:={2,3}|!={1,2}|~=)[ \t]{0,4}[\w.$(]{0,60}\Z"
)


def name_hit(scan: Scan, start: int, end: int, part: Part | None) -> int:
    """Look at one key word; return where to go on, or 0 when no secret is named here."""
    if part is not None:
        start, end = start + part.lead, end - part.tail
    if end <= scan.name_end and (part is None or not part.is_phrase):
        return 0
    text = scan.text
    low = start - NAME_MAX if start > NAME_MAX else 0
    before = text[low:start]
    first = low + len(before.rstrip(_NAME_LEFT))
    last = _NAME_RIGHT.match(text, end).end()  # type: ignore[union-attr]
    first = _after_escape(text, first, start) if text[first - 1] in "\\%&" else first
    scan.name_end = last
    name = text[first:last]
    bare = name.lstrip("-.$").removeprefix("with-")
    if bare[:4] in ("With", "with") and text[last : last + 1] == "(":
        bare = bare[4:]  # `WithPassword("x")`: a builder, not a switch
    if name[:2] == "--" and is_switch(text, first, last):
        return 0
    if name[:2] == "-D":  # a property of the Java command line
        bare = bare[1:]
    sign = text[first - 1] if first else ""
    if sign == "/" and _is_beside_secret(scan.low, first):
        return 0
    verdict = scan.names.verdict(bare)
    if sign in ("?", "&") and name.lower() in _QUERY:
        verdict = _SIGNED
    if verdict.grade in (NONE, WEAKLY, BARE_KEY):
        first, verdict = _with_word_before(scan, first, last, verdict)
    if last < scan.end and text[last] == " ":
        wider = _WORD_AFTER.match(text, last, scan.end)
        if wider is not None and wider.group(1).lower() in _SECOND:
            last = wider.end(1)
            name = text[first:last]
            verdict = scan.names.verdict(name.lstrip("-.$"))
            scan.name_end = last
    if verdict.grade in (NONE, ENV):
        return 0
    scan.effort += 1
    return (
        _value_of(scan, first, last, verdict)
        or below(scan, first, last, verdict)
        or _told_before(scan, first, last, verdict)
        or by_place(scan, first, last, verdict)
    )


def _is_beside_secret(low: str, first: int) -> bool:
    """`https://x-access-token:...@`: a user, read with its URL. `checksum/secret: ...`: a digest."""
    return low.endswith(("://", "checksum/", "digest/"), 0, first)


_BEFORE = lazy(
    r"(?:\A|[\s\"'`(])([^\s\"'`()]{8,128})[\"'`]?[ ](?:is|as|was)[ ](?:the|my|your|our|an?|its)?[ ]?(?:value (?:of|for) (?:the )?)?(?:[A-Za-z]{1,12}[ ])?\Z"
)


def _told_before(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """`use x as the token`, `"x" is the password`."""
    text = scan.text
    if verdict.grade != SURE or text[first - 1 : first] not in (" ", "("):
        return 0
    near = text[max(0, first - 24) : first]
    if text[last : last + 1] == ")" and "(" in near:
        return bracketed_name(scan, first, last, verdict)
    if " is " not in near and " as " not in near and " was " not in near:
        return 0
    low = max(0, first - 170)
    found = _BEFORE().search(text[low:first])
    if found is None or not is_literal(found.group(1).rstrip(".,;:")):
        return 0
    start, stop = low + found.start(1), low + found.end(1)
    return take(scan, Value(start, stop, "'"), verdict) and last


_SECOND = frozenset(
    ("key", "token", "secret", "password", "code", "phrase", "id", "passphrase", "string")
)


# Query parameters that are secret by their place only.
_QUERY = frozenset(
    """sig signature code x-amz-signature x-goog-signature x-amz-credential ticket hmac k sid hash
    x-oss-signature s.token sign appid""".split()
)
_SIGNED = Verdict(WEAKLY, "signature", ())


def _after_escape(text: str, first: int, start: int) -> int:
    r"""The name begins behind an escape: the `n` of `\npassword` and the `22` of `%22password`."""
    if first < start and first > 0:
        before = text[first - 1]
        if before == "\\" and text[first] in "nrt":
            return first + 1
        if before == "\\" and text.startswith(("u0022", "u0027", "u0026"), first):
            return first + 5
        if before == "%" and text[first : first + 2].lower() in (
            "22",
            "27",
            "26",
            "3f",
            "0a",
            "20",
            "7b",
        ):
            return first + 2
        if before == "&" and text.startswith(("quot", "apos"), first):
            return first
    return first


def _word_before(text: str, first: int) -> str:
    """The word before a blank before `first`, or nothing. Behind a dot it is none: a suffix."""
    at = first - 1
    while at and ((char := text[at - 1]).isalnum() or char in "_-") and first - at <= WORD_MAX + 1:
        at -= 1
    word = text[at : first - 1]
    if not word or len(word) > WORD_MAX or word[0] not in ascii_letters or text[at - 1 : at] == ".":
        return ""
    return word


_DECLARERS = frozenset(
    "string str var const let final auto static val byte char local export".split()
)
# Words that say nothing of what the next one names.
_POINTERS = frozenset("the my our your their its this that a new with using".split())


def _with_word_before(scan: Scan, first: int, last: int, verdict: Verdict) -> tuple[int, Verdict]:
    """`API key`, `cache key`, `auth code`: the word before decides."""
    text = scan.text
    word = _word_before(text, first) if first > 1 and text[first - 1] == " " else ""
    if not word:
        return first, verdict
    begin = first - 1 - len(word)
    if word[0] in "nrt" and text[begin - 1 : begin] == "\\":
        word, begin = word[1:], begin + 1  # the `n` of `\\nUnseal Key 2`
    if word in _DECLARERS or word.lower() in _POINTERS:
        return first, verdict  # `string key = "x"`: a type, no part of the name
    joined: Verdict = scan.names.verdict(f"{word} {text[first:last]}")
    if joined.grade != NONE and (
        verdict.grade == NONE or joined.grade == SURE or joined.grade != BARE_KEY
    ):
        if verdict.grade == NONE and joined.grade == WEAKLY:
            return first, verdict
        return begin, joined
    if verdict.grade == BARE_KEY and joined.grade == NONE:
        return first, joined
    return first, verdict


def _value_of(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """Read separator and value behind the name `first` to `last`."""
    text = scan.text
    sign = text[first - 1] if first else ""
    if sign in (" ", "=", "(") and text[max(0, first - 3) : first].rstrip("( ").endswith("="):
        done = _reversed(scan, first, last, verdict)
        if done:
            return done
    if sign == "{" and text.startswith("${", first - 2):
        default = _DEFAULT().match(text, last, scan.end)
        if default is not None:
            return take(scan, Value(default.start(1), default.end(1), "}"), verdict)
    flag = text[first] == "-" if first < last else False
    if sign in "<:" and (tag := _ATTRIBUTES.match(text, last, scan.end)):
        return _element(scan, first, tag.end(), verdict)
    plain = PLAIN_SEPARATOR.match(text, last, scan.end)
    if plain is not None:
        return read(scan, first, plain.end(), verdict, plain["quote"], plain["op"])
    if text[last : last + 1] in "\"'`)]\n\\ " and (done := _shown(scan, last, verdict)):
        return done
    found = SEPARATOR().match(text, last, scan.end)
    if found is None:
        return without_separator(scan, first, last, verdict, is_flag=flag)
    return _behind(scan, first, last, verdict, found)


def _behind(  # noqa: C901, PLR0912 - one branch per notation
    scan: Scan, first: int, last: int, verdict: Verdict, found: re.Match[str]
) -> int:
    """Read the value behind a separator of any notation."""
    text = scan.text
    quote = found.group("quote") or ""
    at = found.end()
    if (
        text[last] == ")"
        and (found.group("op") or "")[:2] in ("==", "!=")
        and text[first - 1 : first] == "("
        and text[max(0, first - 2)].isalnum()
    ):
        return 0  # `sha256(password) == "..."`: what is compared is not the password
    if found.group("op"):
        return read(scan, first, at, verdict, quote, found.group("op"))
    if found.group("xml"):
        return _element(scan, first, at, verdict)
    if found.group("or"):
        value = quoted(scan, at)
        if value is None or value.is_torn(scan) or not is_literal(text[value.start : value.end]):
            return 0
        return take(scan, value, verdict)
    if found.group("table"):
        return cell(scan, at, verdict)
    if found.group("apart"):
        return _apart(scan, first, found, verdict, quote)
    if found.group("inner"):
        return _inner(scan, at, verdict)
    if found.group("call"):
        return _argument(scan, at, verdict)
    if found.group("paren"):
        return _bracketed(scan, at, verdict) or after_aside(scan, last, verdict)
    if found.group("dash"):
        return prose_value(scan, at, verdict) if text[last] == " " and not quote else 0
    # A comma: `setProperty("password", "x")`, `('token', 'x')`.
    if (quote or text.startswith("CURLOPT_", first)) and QUOTE.match(text, at, scan.end):
        value = quoted(scan, at)
        scheme = SCHEME().match(text, value.start, value.end) if value is not None else None
        if value is not None and scheme is not None and verdict.kind == "authorization":
            value = value._replace(start=scheme.end())  # `setHeader("Authorization", "Basic x")`
        if value and not value.is_torn(scan) and is_literal(text[value.start : value.end]):
            return take(scan, value, verdict)
    return after_aside(scan, last, verdict)


def _shown(scan: Scan, last: int, verdict: Verdict) -> int:
    """What a prompt printed or a test expects: a heavy literal."""
    found = _SHOWN.match(scan.text, last, scan.end)
    value = quoted(scan, found.end()) if found is not None else None
    if value is None or harmless.weight(scan.text[value.start : value.end]) != harmless.HEAVY:
        return 0
    return take(scan, value, verdict)


def _apart(scan: Scan, first: int, found: re.Match[str], verdict: Verdict, quote: str) -> int:
    """`"name":"password","value":"x"`, also as a browser is told to type it: `"text":"x"`."""
    at = found.end()
    if found.group("typed"):
        value = quoted(scan, at)
        if value is None or not is_literal(scan.text[value.start : value.end]):
            return 0
    if quote or _is_named(scan.text, first):
        return read(scan, first, at, verdict, quote, "=")
    return 0


def _inner(scan: Scan, at: int, verdict: Verdict) -> int:
    """`<key>password</key><string>x</string>`, whole or cut."""
    stop = scan.text.find("<", at, min(scan.end, at + VALUE_MAX))
    if stop > 0:
        return take(scan, Value(at, stop, "<"), verdict)
    if harmless.weight(scan.text[at : scan.end]) != harmless.HEAVY:
        return 0
    return take(scan, Value(at, scan.end, "<", is_open=True), verdict)


_BRACKETED = lazy(r"([A-Za-z0-9+/=_.-]{12,512})[\])]")


def _bracketed(scan: Scan, at: int, verdict: Verdict) -> int:
    """`ApiKey[x]`, `Token(value=x)`: printed objects."""
    found = _BRACKETED().match(scan.text, at, scan.end)
    if found is None or verdict.grade != SURE or harmless.weight(found.group(1)) != harmless.HEAVY:
        return 0
    return take(scan, Value(found.start(1), found.end(1), "'"), verdict)


def _element(scan: Scan, first: int, at: int, verdict: Verdict) -> int:
    """`<password>x</password>`, whole or cut; `<TOKEN>` alone is a placeholder."""
    text = scan.text
    if not _opens_tag(text, first):
        return 0
    cdata = text.startswith("<![CDATA[", at)
    at += 9 if cdata else 0
    is_escaped = text.startswith("&gt;", at - 4)  # HTML that shows HTML
    close = "]]>" if cdata else "&lt;" if is_escaped else "<"
    stop = text.find(close, at, min(scan.end, at + VALUE_MAX))
    if stop < 0:
        stop = line_end(text, at, scan.end)
        if text.startswith("\n", stop, scan.end) or not harmless.weight(text[at:stop]):
            return 0
    elif not text.startswith(("</", "<!", "]]>", "&lt;/"), stop):
        return 0
    return take(scan, Value(at, stop, "<", stop >= scan.end), verdict)


def _is_named(text: str, first: int) -> bool:
    """`- name: DB_PASSWORD` before `value: x`."""
    return (
        re.search(
            r"(?:name|key|Name|Key)\\{0,7}[\"']?[ \t]{0,8}[:=][ \t]{0,8}\\{0,7}[\"']?\Z",
            text[max(0, first - 40) : first],
        )
        is not None
    )


def _opens_tag(text: str, first: int) -> bool:
    before = text[max(0, first - 40) : first]
    return (
        before.endswith(("<", "&lt;"))
        or re.search(r"<[\w-]{1,30}:\Z", before) is not None
        or (re.search(r"(?:name|key|id)=\\{0,7}[\"']\Z", before) is not None)
    )


def _reversed(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """`if ("x" == password)`."""
    text = scan.text
    low = max(0, first - 200)
    found = _REVERSED().search(text, low, first)
    if found is None:
        return 0
    if harmless.is_marked(found.group(2)):
        return last  # of an earlier pass
    return take(scan, Value(found.start(2), found.end(2), found.group(1)), verdict) and last


_ARGUMENTS_BEFORE = lazy(r"[\w.\[\]&]{1,40},[ ]{0,4}")


def _argument(scan: Scan, at: int, verdict: Verdict) -> int:
    """`.password("x")`, `jwt.sign(payload, "x")`: literals of a call need weight."""
    skipped = _ARGUMENTS_BEFORE().match(scan.text, at, scan.end)
    return literals(scan, skipped.end() if skipped is not None else at, verdict)


ASSIGNMENTS = Detector(
    name="assignment",
    rule=ASSIGNMENT,
    also=(AUTH_SCHEME, COOKIE),
    literals=name_literals(),
    look=name_hit,
    finds=(
        'password = "⟦PA⟧"', "DB_PASSWORD=⟦PA⟧", '{"apiKey":"⟦a32⟧"}', "<token>⟦a32⟧</token>",
        "the password is ⟦PA⟧", "--api-key ⟦a32⟧", "Authorization: Bearer ⟦a40⟧", "Cookie: ⟦sid={a32}⟧",
    ),
    leaves=(
        "password = os.environ['DB_PASSWORD']", "password: string", "max_tokens = 4096",
        '"password": "Password"', "cache_key = ⟨h40⟩", "secretName: app-tls",
    ),
)  # fmt: skip
