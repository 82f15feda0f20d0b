"""`Das Passwort für den Server lautet x`, `数据库密码是 x`: what sentences of other languages tell.

A word for a password, then in the same sentence a verb, a colon or a particle, and behind it
something that is no word. The English sentences are read by `blanks.py`.
"""

# ruff: noqa: E501 - a pattern is read on one line

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from bridge.redact.detectors.detector import Detector, literals
from bridge.redact.detectors.reading import COUPLE
from bridge.redact.expressions import lazy
from bridge.redact.fold import fold
from bridge.redact.names import languages as said
from bridge.redact.names.words import WORD_VALUES
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import MARK_OPEN, Scan
from bridge.redact.values import harmless
from bridge.redact.values.extent import TRAIL
from bridge.redact.values.judge import is_literal

REACH: Final = 120  # characters of a sentence behind the word
TIES_MAX: Final = 8  # verbs, colons, particles of a sentence that are tried
_QUOTES: Final = tuple("「『《〈【«„“")
# Letters from the first on, and those of Thai, are written without blanks between words.
_FAR: Final = 0x2E80
_THAI: Final = range(0x0E00, 0x0E80)


def _folded(words: Iterable[str]) -> Iterator[str]:
    for word in dict.fromkeys(words):
        if fold(word).isascii() and not word.isascii():
            continue  # `токен` is `token` to who reads it, and an English word
        yield fold(word).lower()
        plain = fold(word.replace("'", "’")).lower()
        if plain != word:
            yield plain


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, _folded(words)), key=len, reverse=True))


_OPEN = r"[ ]{0,2}[\"'`«»„“”‚‘’「『《〈【(*_]{0,3}[ ]?"
_ENDING = re.compile(r"[^\W\d_]{0,12}")
_STOP = re.compile(r"[\n\r]|[.!?;](?=[ \t]|\Z)|[。！？；]|\\n")
# The words of all languages are joined when one of them first stands before a digit.
# `to` is the tie of a change, `none` that of a word right behind the name.
_TIE = lazy(
    lambda: (
        rf"(?P<colon>[ ]{{0,3}}(?:[:=：]|[-–—→⇒]>?(?=[ ]))[ ]{{0,3}})"
        rf"|(?<=[ ])(?P<verb>{_any(said.SAY)})(?:[ ](?:{_any(said.NOW)})){{0,3}}[ ]{{0,2}}:?[ ]{{1,2}}"
        rf"|(?<=[ ])(?P<to>{_any(said.TO)})[ ]{{1,2}}"
        rf"|(?P<particle>{_any(said.PARTICLES)})[ ]{{0,2}}"
    ),
    re.I,
)
_CHANGE = lazy(lambda: rf"\b(?:{_any(said.CHANGE)})")
_DIGIT = re.compile(r"\d")
_WITH = lazy(
    lambda: rf"(?:\b(?:{_any(said.WITH)})[ ](?:[^\W\d_]{{1,6}}[ ])?|[,/][ ]?)(?:\w{{0,20}}-?)?\Z",
    re.I,
)
_NO_WORD = r"(?P<secret>[!#-&*-;=?-\[\]^a-z{-~À-ɏ][!#-&()*-;=?-\[\]^_a-z{-~À-ɏ]{5,127})"
_VALUE = lazy(_OPEN + _NO_WORD)
_CODE = lazy(
    _OPEN
    + r"\[?(?:[A-Z]{1,3}-)?(?P<secret>\d{4,8}|\d{3}[ -]\d{3,4})(?![\w.-]*\w)|"
    + _OPEN
    + r"(?P<far>\d{4,8})(?=[^\x00-\u2e7f])"
)
_BEFORE = lazy(
    lambda: (
        rf"(?:\A|[\s(\"'«„“「『]){_NO_WORD}[\"'`»“”」』)]{{0,2}}[ ]?(?:(?:{_any((*said.SAY, 'er', 'om'))})(?:[ ][^\W\d_]{{1,12}}){{0,3}}[ ]|(?:{_any(('が', 'は', '是', '이', '가', '为', '為'))})[ ]?[^\x00-\u2e7f]{{0,8}})\Z"
    ),
    re.I,
)
_CODE_BEFORE = lazy(
    lambda: (
        rf"(?<![\w.-])(?:[A-Z]{{1,3}}-)?(?P<secret>\d{{4,8}})[ ](?:{_any(said.SAY)})(?:[ ][^\W\d_]{{1,12}}){{0,4}}[ ]\Z|(?<![\w.-])(?P<far>\d{{4,8}})[ ]?(?:が|は|是|이|가|为|為)[ ]?[^\x00-\u2e7f]{{0,8}}\Z"
    ),
    re.I,
)
_ERROR = lazy(r"[A-Z]{1,8}[-_]?\d{1,8}[A-Z]?\Z|\d{1,8}[-_]?[A-Z]{1,4}\Z")
_YEAR = lazy(r"(?:19|20)\d\d\Z")
_PRODUCT = lazy(r"[A-Z][A-Za-z]{1,20}[-_ ]?\d{1,4}\Z")  # `PostgreSQL15`
_MADE = lazy(r"\S{6,128}[ ](?:olarak|oldu|dır|dir|と|に)\b")  # the verb stands at the end
_SIGNED = lazy(r"[!#$%&*+=?@^~]")


def told(scan: Scan, start: int, end: int, kind: object) -> int:
    """A value behind the word, or before it."""
    text = scan.text
    ending = _ENDING.match(text, end, scan.end)
    last = ending.end() if ending is not None and not _is_far(text, end - 1) else end
    limit = min(scan.end, last + REACH)
    stop = _STOP.search(text, last, limit)
    close = stop.start() if stop is not None else limit
    scan.effort += 1
    if _DIGIT.search(text, max(0, start - 100), close + 8) is None:
        return 0  # no value without one
    scan.effort += 4
    if kind == "otp":
        return _code(scan, start, last, close)
    done = 0
    for tie in _tied(scan, start, last, close):
        noted = _value(scan, tie, str(kind))
        done = noted or done
        # A marker was a value when the text was read first.
        is_value = noted or text.startswith(MARK_OPEN, tie.at)
        if is_value and not _is_changed(scan, start, close):
            break  # a change tells the old one and the new one
    return done or (_before(scan, start, str(kind)) and last)


def _is_far(text: str, at: int) -> bool:
    return ord(text[at]) >= _FAR or ord(text[at]) in _THAI


# `otter-walrus-42`, as people are told to make them.
_PHRASE = lazy(r"[A-Za-z]{3,12}(?:[-_.][A-Za-z]{3,12}){1,4}[-_.]?\d{2,4}\Z")


class _Tie(NamedTuple):
    """Where a value may begin, and how much the sentence says that it is one.

    `near`: right behind the word, or `with password x`; `said`: by a verb or a colon; `changed`: by
    a preposition in a sentence that changes something; `beside`: by nothing.
    """

    at: int
    by: str


def _is_changed(scan: Scan, start: int, close: int) -> bool:
    return _CHANGE().search(scan.low, max(0, start - 60), min(scan.end, close + 40)) is not None


def _tied(scan: Scan, start: int, last: int, close: int) -> Iterator[_Tie]:
    """Where values may begin that the sentence ties to the word."""
    text = scan.text
    is_change: bool | None = None
    if text[last : last + 1] in _QUOTES:
        yield _Tie(last, "said")
    if text[last : last + 1] == " ":
        is_with = _WITH().search(text, max(0, start - 24), start) is not None
        yield _Tie(last, "near" if is_with or _MADE().match(text, last + 1) else "beside")
    at = last
    for _ in range(TIES_MAX):
        tie = _TIE().search(text, at, close)
        if tie is None:
            return
        if tie.group("to") is None:
            yield _Tie(tie.end(), "near" if tie.start() <= last + 1 else "said")
            at = max(tie.end() - 1, tie.start() + 1)
            continue
        if is_change is None:
            is_change = _is_changed(scan, start, close)
        if is_change:
            yield _Tie(tie.end(), "changed")
        at = max(tie.end() - 1, tie.start() + 1)


def _value(scan: Scan, tie: _Tie, kind: str) -> int:
    found = _VALUE().match(scan.text, tie.at, scan.end)
    if found is not None:
        done = _note(scan, *found.span("secret"), kind, tie.by)
        if done:
            return done
    couple = COUPLE().match(scan.text, tie.at, scan.end) if tie.by in ("near", "said") else None
    return _note(scan, *couple.span(1), kind, "said") if couple is not None else 0


def _note(scan: Scan, first: int, stop: int, kind: str, by: str) -> int:
    text = scan.text
    if stop < scan.end and text[stop].isalpha() and not _is_far(text, stop):
        return 0  # the beginning of a word
    while stop > first and text[stop - 1] in TRAIL:
        stop -= 1
    if not is_told(text[first:stop], kind, by):
        return 0
    return scan.add(first, stop, kind, ASSIGNMENT.id, is_cut=stop >= scan.end)


def is_told(content: str, kind: str, by: str) -> bool:
    """Is this no word, no name of a thing, no code of an error?

    `by`: how it is tied to the word (`_Tie`); the less that says, the more the value must.
    """
    if len(content) < 6 or harmless.harmless_code(content, ("password",), ""):
        return False
    if any(part in WORD_VALUES for part in re.split(r"[-_/]", content.lower())):
        return False  # `SHA256-gehasht`
    heavy = harmless.weight(content) == harmless.HEAVY
    if kind != "password":
        return heavy
    if _ERROR().match(content) or not is_literal(content):
        return False
    return heavy or by == "near" or _looks_made(content, by)


def _looks_made(content: str, by: str) -> bool:
    """A password of a person: letters of both cases, digits, best a sign."""
    if by == "said" and _PHRASE().match(content) is not None:
        return True
    digits = sum(char.isdigit() for char in content)
    if len(content) < 8 or not digits or content.lower() == content or content.upper() == content:
        return False
    if _SIGNED().search(content) is not None or (by == "said" and digits >= 2):
        return True
    return digits >= 3 and _PRODUCT().match(content) is None


def _before(scan: Scan, start: int, kind: str) -> int:
    """`x ist das Passwort`."""
    low = max(0, start - 100)
    found = _BEFORE().search(scan.text[low:start])
    if found is None:
        return 0
    first, stop = found.span("secret")
    return _note(scan, low + first, low + stop, kind, "said")


def _code(scan: Scan, start: int, last: int, close: int) -> int:
    """`Dein Bestätigungscode lautet 123456`, `123456 is je inlogcode`."""
    text = scan.text
    ties = [_Tie(last, "near"), *_tied(scan, start, last, close)]
    for tie in ties:
        found = _CODE().match(text, tie.at, scan.end) if tie.by != "changed" else None
        if found is None:
            continue
        group = "secret" if found.group("secret") else "far"
        if tie.by == "near" or not _YEAR().match(found.group(group)):
            return scan.add(*found.span(group), "otp", ASSIGNMENT.id)
    low = max(0, start - 60)
    found = _CODE_BEFORE().search(text[low:start])
    if found is None:
        return 0
    first, stop = found.span("secret" if found.group("secret") else "far")
    scan.add(low + first, low + stop, "otp", ASSIGNMENT.id)
    return last


OTHER_LANGUAGES = Detector(
    name="other-languages",
    rule=ASSIGNMENT,
    literals={
        **literals(*_folded(said.PASSWORDS), data="password"),
        **literals(*_folded(said.KEYS), data="api-key"),
        **literals(*_folded(said.CODES), data="otp"),
    },
    look=told,
    finds=(
        "Das Passwort für den Server lautet ⟦PA⟧.", "La contraseña del panel de control es ⟦PA⟧",
        "数据库密码是⟦PA⟧，请保管", "Dein Bestätigungscode lautet ⟦d6⟧.", "Пароль от стенда: ⟦PA⟧",
        "Le mot de passe a été changé en ⟦PA⟧", "管理者のパスワードは「⟦PA⟧」です",
    ),
    leaves=(
        "Das Passwort für den Server lautet anders als gestern.", "La contraseña caduca en 90 días",
        "密码长度至少 8 位", "Das Passwort ist SHA256-gehasht.", "Passwort abgelaufen: ORA-28001",
        "El código de verificación es incorrecto",
    ),
)  # fmt: skip
