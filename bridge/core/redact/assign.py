"""Name and value in running text: `password = "x"` in every notation that people and programs use.

One detector covers dotenv, YAML, INI, TOML, HCL, code, repr, JSON text, JSON text inside JSON text,
XML, tables, command-line flags and prose, whole or cut off: grow the name around the key word, ask
the key classifier, read the separator, read the value in the quotes that opened it, ask the gate.
"""

from __future__ import annotations

import re

from bridge.core.redact import benign
from bridge.core.redact.headers import authorization, cookie
from bridge.core.redact.judge import RULE, counts_as_secret, take
from bridge.core.redact.keys import CODE, ENV, NONE, SURE, WEAKLY, Verdict, classify
from bridge.core.redact.spans import Scan
from bridge.core.redact.values import (
    BARE,
    LITERAL_TAG,
    QUOTE,
    TRAIL,
    VALUE_MAX,
    Value,
    line_end,
    quoted,
    trimmed,
    words_of,
)

NAME_MAX = 64  # characters of a name, to each side of the key word
_NAME_LEFT = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.$"
_NAME_RIGHT = re.compile(r"(?:[A-Za-z0-9_]|[.-](?=[A-Za-z0-9_])){0,64}")
_WORD_BEFORE = re.compile(r"(?:\A|[^\w.-])([A-Za-z][\w-]{0,30})[ _]\Z")
_WORD_AFTER = re.compile(r" ([A-Za-z]{2,12})(?=[\"'`]?[ \t]{0,8}[:=])")

# The name is closed by its quote, by brackets, by emphasis; then comes the separator.
_SEPARATOR = re.compile(
    r"""
    (?P<quote>\\{0,15}["'`]|&quot;|&\#0?3[49];|&apos;|%2[27]|\\{1,15}u002[27])?
    (?:[\])}]{1,2}|\[\d{0,3}\]|\*{1,3}|_{1,2}|\?|!|[ ]\([A-Za-z][\w ,.-]{0,30}\))?
    [ \t]{0,24}
    (?:
        (?P<op>:{2,4}=|:=|=>|={1,3}|!={1,2}|~=|->|<-|\?\?=|\+=|\|\|=|::?|%3[DdAa]|\\{1,15}(?:u003[dD]|uff1a|u2192)|[→⇒])
      | (?P<apart>[,;]?(?:\s|\\{1,15}[nr]|[+-](?=[ \t])){0,40}\\{0,15}["']?(?:value|val|content|default|defaultValue)\\{0,15}["']?[ \t]{0,8}[:=])
      | (?P<inner>/?>\s{0,40}<(?:value|string|val)>|</(?:key|name)>\s{0,40}<(?:string|value)>)
      | (?P<table>\|)
      | (?P<xml>>)
      | (?P<comma>,)
      | (?P<call>[({](?=[^\S\n]{0,4}(?:[\w.\[\]&]{1,40},[ ]{0,4}|[rbfuL@$]{1,2})?\\{0,15}["'`]))
      | (?P<dash>[-–—][ \t])
    )
    (?:\*{1,3}(?=[ \t])|_{2}(?=[ \t]))?
    [ \t]{0,24}
    """,
    re.X,
)
_TYPED = re.compile(
    r"[ \t]{0,4}\{[a-z; ]{1,40}\}[ \t]{0,4}=[ \t]{0,8}|"
    r"[ \t]{1,4}\*{0,2}(?:[a-z]{2,10}[ \t])?[A-Za-z_][\w.<>\[\]*?:]{0,40}[ \t]{0,4}:?=(?![=>~])[ \t]{0,8}"
)
_TYPE_THEN = re.compile(
    r"[A-Za-z_&*][\w.<>\[\]|?,& *']{0,60}?[ \t]{0,4}(?<![=!<>])=(?![=>])[ \t]{0,8}(?=[rbfuRBFU@$]{0,2}\\{0,15}[\"'`]|[A-Za-z_.]{1,30}\()"
)
_WRAPPER = re.compile(
    r"(?:(?:new|await|return)[ \t]{1,4})?&?[A-Za-z_$][\w$]{0,40}(?:(?:\.|::|->)[A-Za-z_$][\w$]{0,40}){0,5}!?"
    r"\([ \t\n]{0,12}(?=[rbfuRBFU@$]{0,2}\\{0,15}[\"'`])"
)
_FALLBACK = re.compile(r"[ \t]{0,4}(?:\|\||\?\?|\?:|\bor\b|,|:-)[ \t]{0,4}(?=\\{0,15}[\"'`])")
_BRACE_DEFAULT = re.compile(r"\$\{[A-Za-z_]\w{0,64}:?[-=]")
_PROSE = re.compile(
    r"(?:[ \t]{1,3}(?:for|of|to)[ \t]{1,3}[\w.@'/ -]{1,40}?)?[ \t]{1,3}(?:to|is|was|are|will be|should be|set to|changed to|reset to|equals|value|as|named|of)"
    r"(?:[ \t]{1,3}(?:now|set to|currently|still|just|like|this|the following))?[ \t]{0,2}[:=]?[ \t]{1,3}"
)
_NUMBER = re.compile(r"-?\d{1,40}(?![\w.])")
_BLOCK_SCALAR = re.compile(r"[|>][+-]?\d?[ \t]{0,8}(?:\n[+-]?|\\{1,15}n)[ \t]{1,40}")
_NEXT_LINE = re.compile(r"[ \t]{0,8}\r?\n[ \t]{0,40}(?=[^\s:]{8,256}[ \t]{0,8}(?:\r?\n|\Z))")
_NEXT_LITERAL = re.compile(
    r"[ \t]{0,8}(?:\r?\n|\\{1,15}n)[+-]?[ \t]{0,40}(?=[rbfu@]?\\{0,7}[\"'`])"
)
_REVERSED = re.compile(
    r"(\\{0,7}[\"'])([^\"'\\\n]{3,160})\1[ \t]{0,4}(?:={2,3}|!={1,2}|~=)[ \t]{0,4}[\w.$(]{0,60}\Z"
)
_COMPARES = ("== ", "==", "!= ", "!=")


def name_hit(scan: Scan, start: int, end: int, data: object) -> int:
    """Look at one key word; return where to go on, or 0 when no secret is named here."""
    if end <= scan.name_end and data is None:
        return 0
    text = scan.text
    low = start - NAME_MAX if start > NAME_MAX else 0
    before = text[low:start]
    first = low + len(before.rstrip(_NAME_LEFT))
    last = _NAME_RIGHT.match(text, end).end()  # type: ignore[union-attr]
    first = _after_escape(text, first, start)
    scan.name_end = last
    name = text[first:last]
    verdict = _verdict(name.lstrip("-.$").removeprefix("with-"))
    if first and text[first - 1] in "?&" and name.lower() in _QUERY:
        verdict = _SIGNED
    if verdict.grade == NONE or verdict.kind in ("key", "credential") or verdict.grade == WEAKLY:
        first, verdict = _with_word_before(text, first, last, verdict)
    if last < scan.end and text[last] == " ":
        wider = _WORD_AFTER.match(text, last, scan.end)
        if wider is not None and wider.group(1).lower() in _SECOND:
            last = wider.end(1)
            name = text[first:last]
            verdict = _verdict(name.lstrip("-.$"))
            scan.name_end = last
    if verdict.grade == NONE or verdict.grade == ENV:
        return 0
    scan.effort += 1
    return _value_of(scan, first, last, verdict)


_SECOND = frozenset(
    ("key", "token", "secret", "password", "code", "phrase", "id", "passphrase", "string")
)
_cache: dict[str, Verdict] = {}


def _verdict(name: str) -> Verdict:
    """Names in texts repeat; the cache holds names of known shape only and is bounded."""
    known = _cache.get(name)
    if known is None:
        known = classify(name)
        if len(_cache) >= 4096:
            _cache.clear()
        _cache[name] = known
    return known


# Query parameters that are secret by their place only.
_QUERY = frozenset(
    """sig signature code x-amz-signature x-goog-signature x-amz-credential ticket hmac k sid hash
    x-oss-signature s.token sign""".split()
)
_SIGNED = Verdict(WEAKLY, "signature", ())


def _after_escape(text: str, first: int, start: int) -> int:
    """The name begins behind an escape: the `n` of `\\npassword` and the `22` of `%22password`."""
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


def _with_word_before(text: str, first: int, last: int, verdict: Verdict) -> tuple[int, Verdict]:
    """`API key`, `cache key`, `auth code`: the word before decides."""
    if first < 2 or text[first - 1] != " ":
        return first, verdict
    found = _WORD_BEFORE.search(text, max(0, first - 33), first)
    if found is None:
        return first, verdict
    word = found.group(1)
    joined = _verdict(f"{word} {text[first:last]}")
    if joined.grade != NONE and (
        verdict.grade == NONE or joined.grade == SURE or joined.kind != "key"
    ):
        if verdict.grade == NONE and joined.grade == WEAKLY:
            return first, verdict
        return found.start(1), joined
    if verdict.kind == "key" and joined.grade == NONE:
        return first, joined
    return first, verdict


def _value_of(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """Read separator and value behind the name `first` to `last`."""
    text = scan.text
    if (
        first >= 2
        and text[first - 1] in " =("
        and text[max(0, first - 3) : first].rstrip("( ").endswith("=")
    ):
        done = _reversed(scan, first, last, verdict)
        if done:
            return done
    flag = text[first] == "-" if first < last else False
    found = _SEPARATOR.match(text, last, scan.end)
    if found is None:
        return _without_separator(scan, first, last, verdict, is_flag=flag)
    quote = found.group("quote") or ""
    at = found.end()
    if found.group("op"):
        return _read(scan, first, at, verdict, quote, found.group("op"))
    if found.group("xml"):
        return _element(scan, first, at, verdict)
    if found.group("table"):
        return _cell(scan, first, at, verdict)
    if found.group("apart"):
        return _read(scan, first, at, verdict, quote, "=") if quote or _is_named(text, first) else 0
    if found.group("inner"):
        stop = text.find("<", at, min(scan.end, at + VALUE_MAX))
        return take(scan, Value(at, stop, "<", False), verdict, "") if stop > 0 else 0
    if found.group("call"):
        return _argument(scan, at, verdict)
    if found.group("dash"):
        return _prose(scan, at, verdict) if text[last] == " " and not quote else 0
    # A comma: `setProperty("password", "x")`, `('token', 'x')`.
    if quote and QUOTE.match(text, at, scan.end):
        value = quoted(scan, at)
        if value and not value.is_open and _is_literal(text[value.start : value.end]):
            return take(scan, value, verdict, "")
    return 0


def _is_literal(content: str) -> bool:
    """Where only the place says that a literal belongs to the name, a digit must speak for it."""
    weight = benign.weight(content)
    return weight == benign.HEAVY or (weight > 0 and benign.has_digit(content))


def _element(scan: Scan, first: int, at: int, verdict: Verdict) -> int:
    """`<password>x</password>`, whole or cut; `<TOKEN>` alone is a placeholder."""
    text = scan.text
    if not _opens_tag(text, first):
        return 0
    stop = text.find("<", at, min(scan.end, at + VALUE_MAX))
    if stop < 0:
        stop = line_end(text, at, scan.end)
        if stop < scan.end or not benign.weight(text[at:stop]):
            return 0
    elif not text.startswith(("</", "<!"), stop):
        return 0
    return take(scan, Value(at, stop, "<", stop >= scan.end), verdict, "")


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
        before.endswith("<")
        or re.search(r"<[\w-]{1,30}:\Z", before) is not None
        or (re.search(r"(?:name|key|id)=\\{0,7}[\"']\Z", before) is not None)
    )


def _reversed(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """`if ("x" == password)`."""
    text = scan.text
    low = max(0, first - 200)
    found = _REVERSED.search(text, low, first)
    if found is None:
        return 0
    return (
        take(scan, Value(found.start(2), found.end(2), found.group(1), False), verdict, "") and last
    )


def _without_separator(
    scan: Scan, first: int, last: int, verdict: Verdict, *, is_flag: bool
) -> int:
    """Flags, typed declarations, SQL, netrc, prose: only blanks between name and value."""
    text = scan.text
    if last >= scan.end or text[last] not in " \t\n":
        return 0
    if is_flag and text[last] == " ":
        return _flag(scan, last + 1, verdict)
    typed = _TYPED.match(text, last, scan.end)
    if typed is not None:
        return _read(scan, first, typed.end(), verdict, "", "=")
    at = last
    while at < scan.end and text[at] in " \t" and at - last < 24:
        at += 1
    if QUOTE.match(text, at, scan.end) is not None:
        value = quoted(scan, at)
        if (
            value
            and not value.is_open
            and value.quote != "`"
            and _blank_fits(text, first, value, verdict)
        ):
            return take(scan, value, verdict, "")
        return 0
    prose = _PROSE.match(text, last, scan.end)
    if prose is not None:
        return _prose(scan, prose.end(), verdict)
    if verdict.grade != SURE or at == last:
        return 0
    bare = BARE.match(text, at, scan.end)
    if bare is None:
        return 0
    stop = bare.end()
    if stop < scan.end:
        while stop > at and text[stop - 1] in TRAIL:
            stop -= 1
    value_text = text[at:stop]
    if "=" in value_text[:-2] or value_text.startswith(("(", "[", "{", "--")):
        return 0
    weight = benign.weight(value_text)
    if (weight == benign.HEAVY and len(value_text) >= 12) or (
        weight and (_is_config_line(text, first) or _is_told(text, first, value_text, verdict))
    ):
        return take(scan, Value(at, stop, "", stop >= scan.end), verdict, "")
    return 0


_CONFIG_BEFORE = re.compile(
    r"(?:login|user|username|account|machine)[ \t]{1,4}\S{1,80}\s{1,4}\Z|(?:\A|\n|\\n|[\"'])[+ >-]{0,3}(?:ENV|setenv|setx|set|PASS)?[ \t]{0,4}\Z"
    r"|(?:config set|configure set|set|put|auth|login|create)[ \t]{1,3}(?:\S{1,30}\.)?\Z"
)


def _is_config_line(text: str, first: int) -> bool:
    return _CONFIG_BEFORE.search(text[max(0, first - 120) : first]) is not None


_TOLD = re.compile(r"(?:\b(?:and|with|using|user \S{1,40}|is \S{1,40})|,)[ \t]{1,3}\Z")


def _is_told(text: str, first: int, content: str, verdict: Verdict) -> bool:
    """`with user dana and password x`."""
    if verdict.kind != "password" or len(content) < 7 or not benign.has_digit(content):
        return False
    return _TOLD.search(text[max(0, first - 60) : first]) is not None


def _blank_fits(text: str, first: int, value: Value, verdict: Verdict) -> bool:
    """`PASSWORD 'x'` in SQL, `password "x"` in configuration; not `the token "foo" is`."""
    content = text[value.start : value.end]
    if value.quote == "`":
        return benign.weight(content) == benign.HEAVY and "=" not in content
    if _is_literal(content):
        return True
    line = text[max(0, first - 60) : first].upper()
    return verdict.kind == "password" and any(
        word in line for word in ("ROLE", "USER", "WITH", "IDENTIFIED")
    )


def _flag(scan: Scan, at: int, verdict: Verdict) -> int:
    """`--password x`: the next shell word."""
    text = scan.text
    while at < scan.end and text[at] == " ":
        at += 1
    if text.startswith("<<< ", at):
        at += 4
    if at >= scan.end or text[at] in "-|&;<>\n\\)]" and not text.startswith(('\\"', "\\'"), at):
        return 0
    if QUOTE.match(text, at, scan.end):
        value = quoted(scan, at)
        return take(scan, value, verdict, "") if value else 0
    bare = BARE.match(text, at, scan.end)
    if bare is None:
        return 0
    value = Value(at, bare.end(), "", bare.end() >= scan.end)
    if verdict.grade == WEAKLY and benign.weight(text[at : bare.end()]) != benign.HEAVY:
        return 0
    return take(scan, value, verdict, "")


def _prose(scan: Scan, at: int, verdict: Verdict) -> int:
    """`the password is X`: X needs weight, or quotes."""
    text = scan.text
    if QUOTE.match(text, at, scan.end):
        value = quoted(scan, at)
        if value is None or value.is_open or value.end - value.start > 128:
            return 0
        content = text[value.start : value.end]
        if not _is_literal(content) and not (" " in content and verdict.kind == "passphrase"):
            return 0
        return take(scan, value, verdict, "")
    bare = BARE.match(text, at, scan.end)
    if bare is None:
        return 0
    stop = bare.end()
    while stop > at and text[stop - 1] in TRAIL:
        stop -= 1
    content = text[at:stop]
    if verdict.grade == CODE:
        if content.isdigit() and 4 <= len(content) <= 10:
            return scan.add(at, stop, verdict.kind, RULE)
        return 0
    if not benign.weight(content) or (verdict.grade == WEAKLY and benign.weight(content) < 2):
        return 0
    return take(scan, Value(at, stop, "", stop >= scan.end), verdict, "")


def _cell(scan: Scan, first: int, at: int, verdict: Verdict) -> int:
    """`| password | x |`: the cell to the right, unless this is a heading."""
    text = scan.text
    stop = text.find("|", at, min(scan.end, at + 256))
    line = line_end(text, at, scan.end)
    if stop < 0 or stop > line:
        stop = line
    content = text[at:stop].strip().strip("`*")
    if not content or not benign.weight(content) or verdict.grade == NONE:
        return 0
    start = text.find(content, at)
    return take(scan, Value(start, start + len(content), "|", False), verdict, "")


_ARGUMENTS_BEFORE = re.compile(r"[\w.\[\]&]{1,40},[ ]{0,4}")


def _argument(scan: Scan, at: int, verdict: Verdict) -> int:
    """`.password("x")`, `jwt.sign(payload, "x")`: literals of a call need weight."""
    skipped = _ARGUMENTS_BEFORE.match(scan.text, at, scan.end)
    return _literals(scan, skipped.end() if skipped is not None else at, verdict)


def _read(scan: Scan, first: int, at: int, verdict: Verdict, name_quote: str, op: str) -> int:
    """Read the value behind a separator."""
    text = scan.text
    if at >= scan.end:
        return 0
    if verdict.kind == "authorization":
        return authorization(scan, at, verdict)
    if verdict.kind == "cookie" and not name_quote and op == ":":
        return cookie(scan, at)
    char = text[at]
    if not name_quote and first and text[first - 1] in "\"'" and _closes(text, first, at):
        return 0
    if op[0] == ":" and first and text[first - 1] == ":":
        return 0  # `arn:...:secret:name`
    if char == "(" and QUOTE.match(text, at + 1, scan.end):
        return _tuple(scan, at + 1, verdict)
    if char in "\n\r" or (char == "\\" and text[at + 1 : at + 2] == "n"):
        return _below(scan, at, verdict, op)
    if char == "|" or char == ">":
        block = _BLOCK_SCALAR.match(text, at, scan.end)
        if block is not None:
            bare = BARE.match(text, block.end(), scan.end)
            stop = bare.end() if bare is not None else block.end()
            return take(scan, Value(block.end(), stop, "\n", stop >= scan.end), verdict, "")
    if char == "[":
        return _first_of_list(scan, at, verdict, name_quote)
    tag = LITERAL_TAG.match(text, at, scan.end)
    if tag is not None:
        at = tag.end()
    if QUOTE.match(text, at, scan.end):
        value = quoted(scan, at)
        if value is None:
            return 0
        if value.quote == "`" and " " in text[value.start : value.end]:
            return 0  # a command, not a literal
        done = take(scan, value, verdict, "")
        return done or _fallback(scan, value.end + len(value.quote), verdict)
    return _unquoted(scan, first, at, verdict, name_quote, op)


def _closes(text: str, first: int, at: int) -> bool:
    """`"Password: "`: the quote behind the colon closes the label, it opens no value."""
    before = first - 1
    while before > 0 and text[before - 1] == "\\" and first - before < 16:
        before -= 1
    return text.startswith(text[before:first], at)


def _tuple(scan: Scan, at: int, verdict: Verdict) -> int:
    """`("x")`, `auth=("user", "x")`: the last literal that has the weight."""
    return _literals(scan, at, verdict)


_ARGUMENT_NEXT = re.compile(r"[ \t\n]{0,12},[ \t\n]{0,12}(?=[rbfuL@$]{0,2}\\{0,15}[\"'`])")


def _literals(scan: Scan, at: int, verdict: Verdict) -> int:
    text = scan.text
    done = 0
    for _ in range(4):
        tag = LITERAL_TAG.match(text, at, scan.end)
        if tag is not None:
            at = tag.end()
        value = quoted(scan, at)
        if value is None or value.is_open:
            return done
        after = value.end + len(value.quote)
        if text[after : after + 1] not in (")", ",", " ", "}", ";", "\n", ""):
            return done
        if _is_literal(text[value.start : value.end]):
            strong = Verdict(SURE, verdict.kind, verdict.words)
            done = take(scan, value, strong, "") or done
        more = _ARGUMENT_NEXT.match(text, after, scan.end)
        if more is None:
            return done
        at = more.end()
    return done


def _below(scan: Scan, at: int, verdict: Verdict, op: str) -> int:
    """A heading and the value alone on the next line."""
    if op not in (":", "="):
        return 0
    literal = _NEXT_LITERAL.match(scan.text, at, scan.end)
    if literal is not None:
        value = quoted(scan, literal.end())
        if value is None or not _is_literal(scan.text[value.start : value.end]):
            return 0
        return take(scan, value, verdict, "")
    found = _NEXT_LINE.match(scan.text, at, scan.end)
    if found is None:
        return 0
    stop = line_end(scan.text, found.end(), scan.end)
    while stop > found.end() and scan.text[stop - 1] in " \t\r":
        stop -= 1
    if benign.weight(scan.text[found.end() : stop]) != benign.HEAVY:
        return 0
    return take(scan, Value(found.end(), stop, "\n", stop >= scan.end), verdict, "")


def _first_of_list(scan: Scan, at: int, verdict: Verdict, name_quote: str) -> int:
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
        done = take(scan, value, verdict, "") or done
        at = value.end + len(value.quote)
    return done


def _unquoted(scan: Scan, first: int, at: int, verdict: Verdict, name_quote: str, op: str) -> int:
    text = scan.text
    if name_quote and op in (":", "=>", "=", "->"):
        number = _NUMBER.match(text, at, scan.end)
        if number is not None:
            return _number(scan, at, number.end(), verdict, name_quote)
    typed = _TYPE_THEN.match(text, at, scan.end) if op == ":" else None
    if typed is not None:
        return _read(scan, first, typed.end(), verdict, "", "=")
    default = _BRACE_DEFAULT.match(text, at, scan.end)
    if default is not None:
        stop = text.find("}", default.end(), min(scan.end, default.end() + 256))
        if stop > 0:
            return take(scan, Value(default.end(), stop, "}", False), verdict, "")
        return 0
    wrapper = _WRAPPER.match(text, at, scan.end)
    if wrapper is not None:
        return _wrapped(scan, wrapper.end(), verdict)
    if verdict.kind == "credential":
        couple = _COUPLE.match(text, at, scan.end)
        if couple is not None and _is_literal(couple.group(1)):
            password = Value(couple.start(1), couple.end(1), "", couple.end() >= scan.end)
            return take(scan, password, Verdict(SURE, "password", verdict.words), op)
    bare = BARE.match(text, at, scan.end)
    if bare is None:
        return 0
    scan.effort += (bare.end() - at) >> 5
    if op == "->" and not _is_literal(bare.group()):
        return 0  # the type that a function returns
    stop = trimmed(scan, first, at, bare.end(), op)
    if stop <= at:
        return 0
    if verdict.kind == "passphrase" or verdict.kind == "password":
        stop = words_of(scan, first, at, stop, verdict)
    value = Value(at, stop, "", stop >= scan.end)
    return take(scan, value, verdict, op) or _fallback(scan, stop, verdict)


_COUPLE = re.compile(r"[\w.@+-]{1,64}(?:[ ]/[ ]|[:/|])([^\s\"'`<>,;\\]{6,128})")


def _wrapped(scan: Scan, at: int, verdict: Verdict) -> int:
    """`String::from("x")`, `env('X', 'default')`: the literals of a call need weight."""
    text = scan.text
    for _ in range(4):
        tag = LITERAL_TAG.match(text, at, scan.end)
        if tag is not None:
            at = tag.end()
        value = quoted(scan, at)
        if value is None or value.is_open:
            return 0
        content = text[value.start : value.end]
        if len(content) >= 8 and _is_literal(content) and (done := take(scan, value, verdict, "")):
            return done
        at = value.end + len(value.quote)
        more = re.compile(
            r"[ \t\n)]{0,12}(?:,|\|\||\?\?|\bor\b)[ \t\n]{0,12}(?=\\{0,15}[\"'`])"
        ).match(text, at, scan.end)
        if more is None:
            return 0
        at = more.end()
    return 0


def _fallback(scan: Scan, at: int, verdict: Verdict) -> int:
    """`process.env.X || "default"`."""
    found = _FALLBACK.match(scan.text, at, scan.end)
    if found is None or scan.text[found.start() : found.end()].strip() == ",":
        return 0
    value = quoted(scan, found.end())
    if value is None or value.is_open:
        return 0
    return take(scan, value, verdict, "")


def _number(scan: Scan, at: int, stop: int, verdict: Verdict, quote: str) -> int:
    """A bare number in a JSON text: the marker must be quoted, or the text no longer parses."""
    if not counts_as_secret(stop - at, verdict):
        return 0
    closing = quote
    return scan.add(at, stop, verdict.kind, RULE, closing)
