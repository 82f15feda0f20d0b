"""Reads the value behind a separator, in whatever form its notation gives it."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line
# ruff: noqa: PLR0911 - a detector is a row of early exits

from __future__ import annotations

import re

from bridge.redact.detectors.headers import authorization, cookie
from bridge.redact.detectors.lines import below_name, items_in_brackets, plain_value
from bridge.redact.expressions import lazy
from bridge.redact.names.classifier import SURE, Verdict
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import Scan
from bridge.redact.values import harmless
from bridge.redact.values.extent import (
    BARE,
    LITERAL_TAG,
    QUOTE,
    TRAIL,
    Value,
    quoted,
    trimmed,
    words_of,
)
from bridge.redact.values.judge import PASSWORDY, counts_as_secret, is_literal, take
from bridge.redact.values.spoken import is_common_password

_TYPE_THEN = re.compile(
    r"[A-Za-z_&*][\w.<>\[\]|?,& *']{0,60}?[ \t]{0,4}(?<![=!<>])=(?![=>])[ \t]{0,8}(?=[rbfuRBFU@$]{0,2}\\{0,15}[\"'`]|[A-Za-z_.]{1,30}\()"
)
_WRAPPER = re.compile(
    r"(?:(?:new|await|return)[ \t]{1,4})?&?(?:\[\])?[A-Za-z_$][\w$]{0,40}+(?:(?:\.|::|->)[A-Za-z_$][\w$]{0,40}+){0,5}+!?"
    r"\([ \t\n]{0,12}(?:(?:default|value)[ ]?=[ ]?)?(?=[rbfuRBFU@$]{0,2}\\{0,15}[\"'`])"
)
_FALLBACK = re.compile(r"[ \t]{0,4}(?:\|\||\?\?|\?:|\bor\b|,|:-)[ \t]{0,4}(?=\\{0,15}[\"'`])")
_BRACE_DEFAULT = re.compile(r"\$\{[A-Za-z_]\w{0,64}:?[-=]")
_YAML_TAG = re.compile(r"!{1,2}(?:str|binary|unsafe)[ \t]{1,4}|&\w{1,20}[ \t]{1,4}")
_NUMBER = re.compile(r"-?\d{1,32768}+(?:\.\d{1,40})?(?:[eE][+-]?\d{1,4})?(?![\w.])")
_BLOCK_SCALAR = lazy(r"[|>][+-]?\d?[ \t]{0,8}(?:\n[+-]?|\\{1,15}n)[ \t]{1,40}")
_ESCAPED_BREAK = re.compile(r"\\{1,15}r?\\{0,15}n")
_ARROW = re.compile(r"[ \t]{1,4}(?:->|→|=>|⇒|➜)[ \t]{1,4}(?=[^\s(])")
_LOGPROB = re.compile(r"\\{0,15}\",[ ]{0,2}\\{0,15}\"logprob")  # a unit of a model's text
_NAMES_BEFORE = lazy(
    r"(?:\A|\n|\\n|[\"'`])[ \t+>$-]{0,40}(?:(?:const|let|var|my)[ ])?((?:[\w.$]{1,40},[ ]){1,8})\Z"
)
_INNER_VALUE = lazy(r"\{[^{}]{0,160}?\\{0,15}\"[vV]alue\\{0,15}\"[ ]{0,4}:[ ]{0,4}(?=\\{0,15}\")")
_OPENED = lazy(r"\([ \t\r\n]{0,40}(?=[rbfuL@$]{0,2}\\{0,15}[\"'`])")
_INLINE = lazy(
    r"<(?:code|b|strong|kbd|tt|em|i|span|samp|mark)\b[^<>\n]{0,80}>(?P<secret>[^<>\n]{4,512})</"
)
_VAR_DUMP = lazy(r"\s{0,20}string\(\d{1,6}\)[ ](?=\\{0,7}\")")
_PLUS = lazy(r"[ \t]{0,8}(?:\+|\\(?=\n))(?:[ \t]{0,8}\n)?[ \t]{0,40}(?=[rbfu]?\\{0,15}[\"'])")
_GIVES = lazy(r"(?:async[ ])?\(\)[ ]{0,2}=>[ ]{0,2}(?=\\{0,15}[\"'`])")
_MORE = lazy(r"[ \t\n)]{0,12}(?:,|\|\||\?\?|\bor\b)[ \t\n]{0,12}(?=\\{0,15}[\"'`])")
_COMMA = lazy(r"[ \t\n]{0,12},")
_ARGUMENT_NEXT = lazy(r"[ \t\n]{0,12},[ \t\n]{0,12}(?=[rbfuL@$]{0,2}\\{0,15}[\"'`])")
COUPLE = lazy(r"[\w.@+-]{1,64}(?:[ ]/[ ]|:(?!//)|[/|])([^\s\"'`<>,;\\]{6,128})")


# Literals with delimiters of their own: `[[x]]` of Lua, `q{x}` of Perl, `%q(x)` of Ruby, `~s(x)` of
# Elixir, `r#"x"#` of Rust, `#"x"#` of Swift. The last group is the content.
_DELIMITED = lazy(
    r"\[\[(?P<lua>[^\[\]\n]{4,1024})\]\]|(?:%?[qQ]{1,2}|~[sS])(?:\{(?P<brace>[^{}\n]{4,1024})\}|\((?P<paren>[^()\n]{4,1024})\)"
    r"|\[(?P<square>[^\[\]\n]{4,1024})\]|<(?P<angle>[^<>\n]{4,1024})>|\|(?P<stroke>[^|\n]{4,1024})\||/(?P<slash>[^/\n]{4,1024})/)"
    r"|r?\#{1,3}\"(?P<hash>[^\"\n]{4,1024})\"\#"
)


def read(scan: Scan, first: int, at: int, verdict: Verdict, name_quote: str, op: str) -> int:  # noqa: C901, PLR0912 - one branch per notation
    """Read the value behind a separator."""
    text = scan.text
    if at >= scan.end:
        return 0
    if verdict.kind == "authorization":
        return authorization(scan, at, verdict)
    if verdict.kind == "cookie" and not name_quote and op == ":" and text[at] != "[":
        behind = cookie(scan, at)
        if behind >= 0:
            return behind
    if op[:2] in ("==", "!=") and verdict.kind == "token" and not _has_weight(scan, at):
        return 0  # `if token == "end":` in a parser
    char = text[at]
    if not name_quote and first and text[first - 1] in "\"'" and _closes(text, first, at):
        return 0
    if op == "=" and text[first - 1 : first] in ("?", "&") and QUOTE.match(text, at, scan.end):
        return 0  # `"...?api_key=" + key`: the quote ends the address
    if op[0] == ":" and first and text[first - 1] == ":" and not _is_of_puppet(text, first, at):
        return 0  # `arn:...:secret:name`
    if op == "=" and text[first - 2 : first] == ", ":
        names = _NAMES_BEFORE().search(text, max(0, first - 200), first)
        one = names and _one_of_many(scan, at, names.group(1).count(","), verdict)
        if one is not None:
            return one
    if char == "{" and (inner := _INNER_VALUE().match(text, at, scan.end)) is not None:
        at = inner.end()  # `"password": {"sensitive": true, "value": "x"}`
    if op == "=>" and (dumped := _VAR_DUMP().match(text, at, scan.end)) is not None:
        at, char = dumped.end(), '"'  # PHP: `["password"]=> string(14) "x"`
    if char in "(a" and (gives := _GIVES().match(text, at, scan.end)) is not None:
        at = gives.end()  # `token: () => "x"`
    if char == "(" and (opened := _OPENED().match(text, at, scan.end)) is not None:
        return literals(scan, opened.end(), verdict)
    if char in "\n\r" or (char == "\\" and _ESCAPED_BREAK.match(text, at)):
        return below_name(scan, at, verdict, op)
    if char == "<" and (inline := _INLINE().match(text, at, scan.end)) is not None:
        return take(scan, Value(*inline.span("secret"), "<"), verdict)
    if char in "|>":
        block = _BLOCK_SCALAR().match(text, at, scan.end)
        if block is not None:
            bare = BARE.match(text, block.end(), scan.end)
            stop = bare.end() if bare is not None else block.end()
            return take(scan, Value(block.end(), stop, "\n", stop >= scan.end), verdict)
    if char in "[qQ%~r#" and (done := _opened(scan, at, verdict)) is not None:
        return done
    tag = LITERAL_TAG.match(text, at, scan.end)
    if tag is not None:
        at = tag.end()
    if QUOTE.match(text, at, scan.end):
        value = quoted(scan, at)
        if value is None or _LOGPROB.match(text, value.end, scan.end):
            return 0
        if value.quote == "`" and " " in text[value.start : value.end]:
            return 0  # a command, not a literal
        done = take(scan, value, verdict)
        after = value.end + len(value.quote)
        if done:
            done = _joined(scan, after, verdict) or done
        return changed_to(scan, after, verdict) or done or _fallback(scan, after, verdict)
    return _unquoted(scan, first, at, verdict, name_quote, op)


def _opened(scan: Scan, at: int, verdict: Verdict) -> int | None:
    """A list, or a literal with delimiters of its own; None if there is neither."""
    inside = _DELIMITED().match(scan.text, at, scan.end)
    if inside is None:
        if scan.text.startswith("[]string{", at):
            return items_in_brackets(scan, at + len("[]string"), verdict)
        is_list = scan.text[at] == "[" and not scan.text.startswith("[]", at)  # `[]byte("x")` of Go
        return items_in_brackets(scan, at, verdict) if is_list else None
    group = inside.lastgroup or 0
    is_value = is_literal(inside.group(group))
    return take(scan, Value(*inside.span(group), "'"), verdict) if is_value else 0


def _is_of_puppet(text: str, first: int, at: int) -> bool:
    """`profile::db::password: x`: a key of Hiera."""
    return text[first - 2 : first] == "::" and text[at - 1] == " "


def _closes(text: str, first: int, at: int) -> bool:
    """`"Password: "`: the quote behind the colon closes the label, it opens no value."""
    before = first - 1
    while before > 0 and text[before - 1] == "\\" and first - before < 16:
        before -= 1
    return text.startswith(text[before:first], at)


def _has_weight(scan: Scan, at: int) -> bool:
    value = quoted(scan, at)
    if value is not None:
        return harmless.weight(scan.text[value.start : value.end]) > 0
    bare = BARE.match(scan.text, at, scan.end)  # `http e.com token==x`, as HTTPie has it
    return bare is not None and harmless.weight(bare.group().rstrip(TRAIL)) == harmless.HEAVY


def literals(scan: Scan, at: int, verdict: Verdict) -> int:
    """Redact up to four string literals behind `at` that are arguments of a call or values.

    Returns:
        The position behind the last redacted literal; 0 if none was redacted.
    """
    text = scan.text
    done = 0
    for _ in range(4):
        tag = LITERAL_TAG.match(text, at, scan.end)
        if tag is not None:
            at = tag.end()
        value = quoted(scan, at)
        if value is None or value.is_torn(scan):
            return done
        after = value.end + len(value.quote)
        if text[after : after + 1] not in (")", ",", " ", "}", ";", "\n", "\\", '"', ""):
            return done
        if is_literal(text[value.start : value.end]):
            strong = Verdict(SURE, verdict.kind, verdict.words)
            done = take(scan, value, strong) or done
        more = _ARGUMENT_NEXT().match(text, after, scan.end)
        if more is None:
            return done
        at = more.end()
    return done


def _unquoted(scan: Scan, first: int, at: int, verdict: Verdict, name_quote: str, op: str) -> int:  # noqa: C901, PLR0912 - one branch per notation
    text = scan.text
    if name_quote and op in (":", "=>", "=", "->"):
        number = _NUMBER.match(text, at, scan.end)
        if number is not None:
            return _number(scan, at, number.end(), verdict, name_quote)
    typed = _TYPE_THEN.match(text, at, scan.end) if op == ":" else None
    if typed is not None:
        return read(scan, first, typed.end(), verdict, "", "=")
    yaml_tag = _YAML_TAG.match(text, at, scan.end) if op == ":" else None
    if yaml_tag is not None:
        at = yaml_tag.end()
    default = _BRACE_DEFAULT.match(text, at, scan.end)
    if default is not None:
        stop = text.find("}", default.end(), min(scan.end, default.end() + 256))
        if stop > 0:
            return take(scan, Value(default.end(), stop, "}"), verdict)
        return 0
    wrapper = _WRAPPER.match(text, at, scan.end)
    if wrapper is not None:
        return _wrapped(scan, wrapper.end(), verdict)
    if verdict.kind == "credential":
        couple = COUPLE().match(text, at, scan.end)
        if couple is not None and is_common_password(couple.group(1)):
            return scan.add(couple.start(1), couple.end(1), "password", ASSIGNMENT.id)
        if couple is not None and is_literal(couple.group(1)):
            password = Value(couple.start(1), couple.end(1), "", couple.end() >= scan.end)
            return take(scan, password, Verdict(SURE, "password", verdict.words))
    bare = BARE.match(text, at, scan.end)
    if bare is None:
        return 0
    scan.effort += (bare.end() - at) >> 5
    if op == "->" and harmless.weight(bare.group().rstrip(TRAIL)) != harmless.HEAVY:
        return 0  # the type that a function returns
    stop = trimmed(scan, first, at, bare.end(), op)
    if text[at] == "(" and text[stop - 1] == ")" and harmless.is_behind_sign(text[at : stop - 1]):
        at, stop = at + 1, stop - 1  # `token: (x)`
    if stop <= at or (op[:2] in ("==", "!=") and _is_variable(text[at:stop])):
        return 0
    if verdict.kind in PASSWORDY and verdict.words[-1:] != ("pass",):
        stop = words_of(scan, at, stop)
    value = Value(at, stop, "", stop >= scan.end)
    done = take(scan, value, verdict)
    return (changed_to(scan, stop, verdict) or done) if done else _fallback(scan, stop, verdict)


_VARIABLE = re.compile(r"[a-z_$][a-z0-9_$]{0,40}(?:[A-Z][a-z0-9]{1,30}){1,6}\Z|[a-z_]{1,60}\Z")


def _is_variable(content: str) -> bool:
    """`password !== confirmPassword2`: two variables are compared."""
    return _VARIABLE.match(content) is not None


def _wrapped(scan: Scan, at: int, verdict: Verdict) -> int:
    """`String::from("x")`, `env('X', 'default')`: the literals of a call need weight."""
    text = scan.text
    for _ in range(4):
        tag = LITERAL_TAG.match(text, at, scan.end)
        if tag is not None:
            at = tag.end()
        value = quoted(scan, at)
        if value is None or value.is_torn(scan):
            return 0
        content = text[value.start : value.end]
        if len(content) >= 8 and is_literal(content) and (done := take(scan, value, verdict)):
            return done
        at = value.end + len(value.quote)
        more = _MORE().match(text, at, scan.end)
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
    if value is None or value.is_torn(scan):
        return 0
    return take(scan, value, verdict)


def _one_of_many(scan: Scan, at: int, place: int, verdict: Verdict) -> int | None:
    """`KEY, SECRET = "x", "y"`: the value in the place of the name; None when there are fewer."""
    for _ in range(place):
        value = quoted(scan, at)
        if value is None or value.is_torn(scan):
            return 0
        after = value.end + len(value.quote)
        more = _ARGUMENT_NEXT().match(scan.text, after, scan.end)
        if more is None:  # `refreshing, token="x"`: words of a sentence; `"x", None`: no secret
            return 0 if _COMMA().match(scan.text, after, scan.end) else None
        at = more.end()
    value = quoted(scan, at)
    return take(scan, value, verdict) if value is not None and not value.is_torn(scan) else 0


def _joined(scan: Scan, at: int, verdict: Verdict) -> int:
    """`"first half" + "second half"`: what follows the first part of a literal."""
    done = 0
    for _ in range(8):
        found = _PLUS().match(scan.text, at, scan.end)
        value = quoted(scan, found.end()) if found is not None else None
        if value is None or value.is_torn(scan):
            break
        if not is_literal(scan.text[value.start : value.end]):
            break
        done = take(scan, value, verdict)
        at = value.end + len(value.quote)
    return done


def changed_to(scan: Scan, at: int, verdict: Verdict) -> int:
    """`"old" -> "new"`, as Terraform plans a change, with quotes or without."""
    found = _ARROW.match(scan.text, at, scan.end)
    value = plain_value(scan, found.end()) if found is not None else None
    if value is None or not (value.quote or is_literal(scan.text[value.start : value.end])):
        return 0
    return take(scan, value, verdict)


def _number(scan: Scan, at: int, stop: int, verdict: Verdict, quote: str) -> int:
    """A bare number in a JSON text: the marker must be quoted, or the text no longer parses."""
    if not counts_as_secret(stop - at, verdict):
        return 0
    return scan.add(at, stop, verdict.kind, ASSIGNMENT.id, quote)
