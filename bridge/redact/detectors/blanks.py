"""Values that only blanks, or a table, tie to their name: flags, SQL, netrc, declarations, prose.

Without a separator the name says little; the value must have weight, or the line must be of a kind
that is known to hold one.
"""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line
# ruff: noqa: PLR0911 - a detector is a row of early exits

from __future__ import annotations

import re
from typing import Final

from bridge.redact.detectors.asides import after_aside
from bridge.redact.detectors.reading import COUPLE, changed_to, read
from bridge.redact.detectors.rotation import changed
from bridge.redact.expressions import lazy
from bridge.redact.names.classifier import BARE_KEY, CODE, NONE, SURE, WEAKLY, Verdict
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import Scan
from bridge.redact.values import harmless
from bridge.redact.values.extent import (
    BARE,
    QUOTE,
    TRAIL,
    Value,
    before_far,
    line_end,
    quoted,
    words_of,
)
from bridge.redact.values.judge import (
    PASSWORDY,
    SECRET_ID,
    is_bare_key_secret,
    is_literal,
    is_told_key,
    take,
)
from bridge.redact.values.spoken import is_common_password, is_said_to_be

CELL_MAX: Final = 256  # characters of a table's cell
BARE_KEY_MIN: Final = 32  # characters behind `leaked key` and a blank
_TYPED = re.compile(
    r"[ \t]{0,4}\{[a-z; ]{1,40}\}[ \t]{0,4}=[ \t]{0,8}|"
    r"[ \t]{1,4}\*{0,2}(?:(?:[a-z]{2,10}|As)[ \t])?[A-Za-z_][\w.<>\[\]*?:]{0,40}[ \t]{0,4}:?=(?![=>~])[ \t]{0,8}"
)
_PROSE = lazy(
    r"(?i:[ \t]{1,3}(?:for|of|to|(?:in|on|at)(?=[ ](?:the[ ])?[\w.@'`/-]{1,40}[ ](?:is|was)[ ]))[ \t]{1,3}[\w.@'`\"/ -]{1,40}?)?[ \t]{1,3}(?i:(?:turned out|appears|seems|happens)[ ]to be|has been (?:re)?set to|has been changed to|(?:is|was) generated for \S{1,80}:|to|is|was|are|lautet|ist|est|es|è|é|(?:that[ ])?(?:you|we|i|they)(?:['’][a-z]{1,2})?[ ](?:[a-z']{1,12}[ ]){0,4}?[a-z']{1,12}(?:(?=:)|[ ](?:is|was))|(?:just[ ]|then[ ])?(?:type|enter|try|fill in|put in)(?=[ ])|will be|should be|set to|changed to|reset to|equals|value|as|named|of)"
    r"(?:[ \t]{1,3}(?:now|set to|currently|still|just|like|this|the following))?[ \t]{0,2}[:=]?[ \t]{1,3}"
)
# The heading of a table that shows names and what became of their values.
_DIGEST_COLUMN = lazy(r"\bNAME[ \t]{1,40}(?:[A-Z ]{1,40}[ \t]{1,40})?(?:DIGEST|HASH|CHECKSUM)\b")
_PHRASE = lazy(r"[a-z]{3,12}(?:[ -][a-z]{3,12}){2,11}\Z")  # of words, as Diceware makes it
# `Password for dana: x`
_OWNED = lazy(r"[ ](?:for|of)[ ](?:the[ ])?[\w.@'/-]{1,40}(?:[ ][\w.@-]{1,20})?:[ \t]{1,4}(?=\S)")
# Flags that say what is shown, or where a secret is kept: a name follows them.
_SWITCH = lazy(
    r"\b(?:lpass show\b[^\n|;&]*--(?:password|notes)|gcloud secrets\b[^\n|;&]*--secret|pulumi config set\b[^\n|;&]*--secret"
    r"|(?:docker|podman|nerdctl|buildah|buildctl|buildx|nomad|fly|flyctl|gh|glab)\b[^\n|;&]*--secret|kubectl\b[^\n|;&]*--[a-z-]{0,30}secret|(?:aws|az|gcloud)\b[^\n|;&]*--(?:db-)?secret)\Z"
)
_CONTINUED = lazy(r"[ ]{0,40}(?:[\\^`]\r?\n[ \t>+]{0,40})?")  # a command goes on below
_FUNCTION = lazy(
    r"@[a-z0-9]{2,12}\b|(?:base64|url|uri|html|to_?json|from_?json|b64)[a-z_0-9]{0,10}(?:\W|\Z)|[a-z]{2,12}\d{0,3}[a-z]{0,8}(?:['\"]|[ ]?\}\}|\()"
)
_DASHED_CODE = lazy(r"(?=[0-9A-Za-z-]{0,12}\d)[0-9A-Za-z]{3,6}-[0-9A-Za-z]{3,6}\Z")
_CONFIG_BEFORE = lazy(
    r"(?:login|user|username|account|machine)[ \t]{1,4}\S{1,80}\s{1,4}\Z|(?:\A|\n|\\n|[\"'])[+ >-]{0,3}(?:ENV|setenv|setx|set|PASS)?[ \t]{0,4}\Z"
    r"|(?:config set|configure set|set|put|auth|login|create)[ \t]{1,3}(?:\S{1,30}\.)?\Z"
)
_DIGITS = lazy(r"(?<=[ \t])\d{5,8}(?![\w.:-])")
_FINGERPRINT = lazy(r"(?:0x)?[0-9A-Fa-f:]{8,80}\Z")
_LOGIN = lazy(r"[\w.-]{1,64}@[\w.-]{1,253}(?::\S*)?\Z")
_PAIR = lazy(r"\\{0,7}\"(?:[ \t]|\\{1,7}t){1,40}(?=\\{0,7}\")")
_ENCODING = lazy(r"[0-9][ ](?=\S)")  # network gear: `password 7 <obfuscated>`
_TOLD = lazy(
    r"(?:\b(?:(?:and|with|using)(?:[ ](?:the|my|our|its?|their|this))?|user \S{1,40}|is \S{1,40}|(?i:rotate|replace|revoke|try|typed?|enter(?:ed)?|tried|used?)(?:[ ](?:the|my|our|its?|old|new)){0,2})|,)[ \t]{1,3}\Z"
)


def without_separator(scan: Scan, first: int, last: int, verdict: Verdict, *, is_flag: bool) -> int:
    """Flags, typed declarations, SQL, netrc, prose: only blanks between name and value."""
    text = scan.text
    if last >= scan.end or text[last] not in " \t\n":
        marked = _labelled(scan, first, last, verdict) or _paired(scan, first, last, verdict)
        return marked or after_aside(scan, last, verdict)
    if is_flag and text[last] == " ":
        return _flag(scan, last + 1, verdict)
    typed = _TYPED.match(text, last, scan.end)
    if typed is not None:
        return read(scan, first, typed.end(), verdict, "", "=")
    at = last
    while at < scan.end and text[at] in " \t" and at - last < 24:
        at += 1
    if QUOTE.match(text, at, scan.end) is not None:
        value = quoted(scan, at)
        if value and not value.is_torn(scan) and _blank_fits(text, first, value, verdict):
            taken = take(scan, value, verdict)
            after = value.end + len(value.quote)
            return changed_to(scan, after, verdict) or taken if taken else 0
        return 0
    owned = _OWNED().match(text, last, scan.end) if verdict.grade == SURE else None
    if owned is not None:
        told = read(scan, first, owned.end(), verdict, "", ":")
        return told or changed(scan, first, last, verdict)
    done = changed(scan, first, last, verdict) or _in_prose(scan, last, verdict)
    if done is not None:
        return done or after_aside(scan, last, verdict)
    return after_aside(scan, last, verdict) or _beside(scan, first, last, at, verdict)


def _beside(scan: Scan, first: int, last: int, at: int, verdict: Verdict) -> int:
    """A word behind blanks alone."""
    text = scan.text
    if verdict.grade == CODE and (digits := _DIGITS().match(text, at, scan.end)) is not None:
        return scan.add(at, digits.end(), verdict.kind, ASSIGNMENT.id)  # `2FA code 853736 accepted`
    is_id = verdict.words[-2:] == SECRET_ID
    if at == last or not (
        verdict.grade == SURE
        or is_id
        or _is_variable(text[first:last], verdict)
        or verdict.words[-1:] == ("key",)
    ):
        return 0
    if (typed_as := _ENCODING().match(text, at, scan.end)) is not None:
        at = typed_as.end()
    return _bare(scan, first, at, verdict)


def _in_prose(scan: Scan, last: int, verdict: Verdict) -> int | None:
    """`the password is x`; None where no verb follows the name."""
    prose = _PROSE().match(scan.text, last, scan.end)
    return None if prose is None else prose_value(scan, prose.end(), verdict)


def _paired(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """`"password"  "x"`, as Valve's files and some others pair them."""
    if verdict.grade != SURE or scan.text[first - 1 : first] != '"':
        return 0
    pair = _PAIR().match(scan.text, last, scan.end)
    value = quoted(scan, pair.end()) if pair is not None else None
    if value is None or value.is_torn(scan) or not is_literal(scan.text[value.start : value.end]):
        return 0
    return take(scan, value, verdict)


def _labelled(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """`[API_KEY] x`: a line that is its label and something made by a machine."""
    if verdict.grade != SURE or not scan.text.startswith("] ", last):
        return 0
    at = last + 2
    bare = BARE.match(scan.text, at, scan.end)
    if bare is None or scan.text[first - 1 : first] != "[":
        return 0
    if line_end(scan.text, at, scan.end) != bare.end():
        return 0
    if harmless.weight(bare.group()) != harmless.HEAVY:
        return 0
    return take(scan, Value(at, bare.end(), "", bare.end() >= scan.end), verdict)


def _is_about(text: str, first: int, at: int, value: str) -> bool:
    """`terraform import aws_kms_key.main <id>`, a row of `fly secrets list`: no secret itself."""
    if harmless.is_uuid(value) and "." in text[first:at].strip():
        return True
    return _DIGEST_COLUMN().search(text, max(0, first - 400), first) is not None


def _bare(scan: Scan, first: int, at: int, verdict: Verdict) -> int:
    """A word behind a blank: a token by its weight, a password where the line says so."""
    text = scan.text
    bare = BARE.match(text, at, scan.end)
    if bare is None:
        return 0
    stop = before_far(text, at, bare.end())
    if stop < scan.end:
        while stop > at and text[stop - 1] in TRAIL:
            stop -= 1
    value_text = text[at:stop]
    if "=" in value_text[:-2] or value_text.startswith(("(", "[", "{", "-")):
        return 0
    if verdict.kind == "private-key" and _FINGERPRINT().match(value_text):
        return 0  # `using RSA key <fingerprint>`
    if _is_about(text, first, at, value_text):
        return 0
    if verdict.grade == BARE_KEY and not is_told_key(value_text):
        return 0
    if text[first - 1 : first] == "/" and _LOGIN().match(value_text) is not None:
        return 0  # `ssh -i ~/.ssh/deploy_key deploy@10.0.0.4`
    weight = harmless.weight(value_text)
    if (
        verdict.grade != SURE
        and verdict.words[-1:] == ("key",)
        and (len(value_text) < BARE_KEY_MIN or not is_bare_key_secret(value_text, weight))
    ):
        return 0
    if verdict.kind in PASSWORDY and is_common_password(value_text):
        return scan.add(at, stop, verdict.kind, ASSIGNMENT.id)
    if (
        (weight == harmless.HEAVY and len(value_text) >= 12)
        or harmless.is_uuid(value_text)
        or (weight and (_is_config_line(text, first) or _is_told(text, first, value_text, verdict)))
    ):
        return take(scan, Value(at, stop, "", stop >= scan.end), verdict)
    return 0


def _is_variable(name: str, verdict: Verdict) -> bool:
    """`setx SERVICE_PAT x`: a name in capitals is one of the environment."""
    name = name.rsplit(" ", 1)[-1]
    return verdict.grade == WEAKLY and "_" in name and name.isupper()


def _is_config_line(text: str, first: int) -> bool:
    return _CONFIG_BEFORE().search(text[max(0, first - 120) : first]) is not None


def _is_told(text: str, first: int, content: str, verdict: Verdict) -> bool:
    """`with user dana and password x`."""
    if verdict.kind != "password" or len(content) < 7 or not harmless.has_digit(content):
        return False
    return _TOLD().search(text[max(0, first - 60) : first]) is not None


def _blank_fits(text: str, first: int, value: Value, verdict: Verdict) -> bool:
    """`PASSWORD 'x'` in SQL, `password "x"` in configuration; not `the token "foo" is`."""
    content = text[value.start : value.end]
    if verdict.words == ("pass",):
        return False  # "pass `x` to it" is said in every manual
    if verdict.kind == "passphrase" and _PHRASE().match(content):
        return not harmless.is_sentence(content)
    if value.quote == "`":
        is_told = _is_told(text, first, content, verdict) and is_literal(content)
        return (is_told or harmless.weight(content) == harmless.HEAVY) and "=" not in content
    if is_literal(content) or (verdict.kind in PASSWORDY and is_common_password(content)):
        return True
    line = text[max(0, first - 60) : first].upper()
    return verdict.kind == "password" and any(
        word in line for word in ("ROLE", "USER", "WITH", "IDENTIFIED")
    )


def is_switch(text: str, first: int, last: int) -> bool:
    """`lpass show --password site`, `gcloud secrets … --secret=name`: no value follows this flag."""
    return _SWITCH().search(text, max(0, first - 200), last) is not None


def _flag(scan: Scan, at: int, verdict: Verdict) -> int:
    """`--password x`: the next shell word."""
    text = scan.text
    at = _CONTINUED().match(text, at, scan.end).end()  # type: ignore[union-attr]
    if text.startswith("<<< ", at):
        at += 4
    if at >= scan.end or (text[at] in "-|&;<>\n\\)]" and QUOTE.match(text, at) is None):
        return 0
    if QUOTE.match(text, at, scan.end):
        value = quoted(scan, at)
        return take(scan, value, verdict) if value else 0
    bare = BARE.match(text, at, scan.end)
    if bare is None:
        return 0
    value = Value(at, bare.end(), "", bare.end() >= scan.end)
    if (
        verdict.grade in (WEAKLY, BARE_KEY)
        and harmless.weight(text[at : bare.end()]) != harmless.HEAVY
    ):
        return 0
    return take(scan, value, verdict)


def prose_value(scan: Scan, at: int, verdict: Verdict) -> int:  # noqa: C901 - one branch per notation
    """`the password is X`: X needs weight, or quotes."""
    text = scan.text
    if QUOTE.match(text, at, scan.end):
        value = quoted(scan, at)
        if value is None or value.is_torn(scan) or value.end - value.start > 128:
            return 0
        content = text[value.start : value.end]
        is_word = verdict.kind in PASSWORDY and is_common_password(content)
        is_phrase = " " in content and verdict.kind == "passphrase"
        if not (is_word or is_phrase or is_literal(content)):
            return 0
        return take(scan, value, verdict)
    if verdict.kind == "credential" and (couple := COUPLE().match(text, at, scan.end)):
        if not is_literal(couple.group(1)):
            return 0
        password = Value(couple.start(1), couple.end(1), "", couple.end() >= scan.end)
        return take(scan, password, Verdict(SURE, "password", verdict.words))
    bare = BARE.match(text, at, scan.end)
    if bare is None:
        return 0
    stop = before_far(text, at, bare.end())
    while stop > at and text[stop - 1] in TRAIL:
        stop -= 1
    if verdict.kind == "passphrase":
        stop = words_of(scan, at, stop)
    content = text[at:stop]
    if verdict.grade == CODE:
        is_code = content.isdigit() and 4 <= len(content) <= 10
        if is_code or _DASHED_CODE().match(content):
            return scan.add(at, stop, verdict.kind, ASSIGNMENT.id)
        return 0
    if verdict.grade == SURE and _is_said(text, at, stop, verdict):
        return scan.add(at, stop, verdict.kind, ASSIGNMENT.id)
    is_phrase = " " in content
    needed = harmless.HEAVY if verdict.grade in (WEAKLY, BARE_KEY) else harmless.SOME_WEIGHT
    is_light = harmless.weight(content) < needed and not is_phrase
    if is_light or (verdict.grade == BARE_KEY and not is_told_key(content)):
        return 0
    return take(scan, Value(at, stop, "", stop >= scan.end), verdict)


# A sentence that says what the password is, up to the word; `to` says it of few words.
_SAYS = lazy(r"\b(?:is|was|are|lautet|ist|est|es|è|é)(?:[ ]now|:)?[ ]{1,2}\Z")
_ENDS = lazy(r"(?:[.,;!)][\"')]?)?(?:\Z|\s{0,2}\n|[\"]|[.,;!)]\s)")


def _is_said(text: str, at: int, stop: int, verdict: Verdict) -> bool:
    """`the password is hunter`: a word that ends its clause and is not said of passwords."""
    if verdict.kind not in PASSWORDY:
        return False
    word = text[at:stop]
    if is_common_password(word):
        return True
    return (
        _SAYS().search(text, max(0, at - 24), at) is not None
        and _ENDS().match(text, stop) is not None
        and is_said_to_be(word)
    )


def _is_alternation(text: str, at: int, line: int) -> bool:
    """`secret_key_base|Endpoint`: no blank at the stroke, and no table around it.

    `line`: where the line ends, or what is read of it.
    """
    stroke = text.rfind("|", max(0, at - 26), at)
    if stroke < 1 or text[stroke - 1].isspace() or text[stroke + 1 : stroke + 2].isspace():
        return False
    begin = text.rfind("\n", max(0, stroke - 200), stroke) + 1
    return not text[begin:stroke].lstrip(" >+-").startswith("|") and "| " not in text[begin:line]


def cell(scan: Scan, at: int, verdict: Verdict) -> int:
    """`| password | x |`: the cell to the right, unless this is a heading."""
    text = scan.text
    line = line_end(text, at, scan.end)
    stop = text.find("|", at, min(line, at + CELL_MAX))
    if stop < 0:
        stop = line
    if _is_alternation(text, at, min(line, at + CELL_MAX)):
        return 0
    content = text[at:stop].strip().strip("`*")
    if _FUNCTION().match(content):
        return 0  # of `jq` or of a template
    quote = content[:1]
    is_quoted = (
        quote != "" and quote in "\"'" and harmless.weight(content.strip("\"';>")) < harmless.HEAVY
    )
    if is_quoted and text[max(0, at - 8) : at].rstrip(" |\t").endswith(quote):
        return 0  # `'accessToken' | 'expiresIn'`: literals of a type
    if not content or not harmless.weight(content) or verdict.grade == NONE:
        return 0
    start = text.find(content, at)
    return take(scan, Value(start, start + len(content), "|"), verdict)
