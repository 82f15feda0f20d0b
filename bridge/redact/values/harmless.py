"""The gate: values that stand below a secret's name and are none.

References (`$X`, `${{ }}`, `process.env.X`, `vault:...`), placeholders, masks, type names, code,
sentences. The other half of the quality of a redactor: a reader who sees `token: string` replaced
stops to trust the output. Every check is linear in the value and looks at `LOOK_MAX` characters.
"""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

import re
from functools import lru_cache
from operator import ne
from typing import Final

from bridge.redact.names.words import STOP, UI, WORD_VALUES
from bridge.redact.values.code import is_code, is_code_name, is_told
from bridge.redact.values.labels import is_label
from bridge.redact.values.placeholders import is_placeholder
from bridge.redact.values.references import is_reference

LOOK_MAX = 256  # characters of a value that the gate reads; longer ones are never placeholders

# What a value is made of, from "a word" to "made by a machine".
NO_WEIGHT: Final = 0
SOME_WEIGHT: Final = 1  # a person's password: letters with digits or signs
HEAVY: Final = 2  # a machine's: long, mixed, no words

_MARK = re.compile(
    r"(?i)\[?redacted\b|\[truncated|\[filtered\]|\[masked\]|\[hidden\]|\[secret\]|\(hidden\)"
    r"|\(redacted\)|\(sensitive|<redacted|<hidden|<masked|<sensitive|<secret|\*{3}|•{3}|●{3}|█{2}"
)
_RUN = re.compile(r"(.)\1{2,255}[\W_]?\Z|[xX*.•#_?0\-=~+/ ]{1,255}\Z", re.S)
_RUN_SIGNS: Final = "xX*.•#_?0-=~+/ "

# Whole values that are no secret: one pattern, because a call costs more than a branch that fails.
_FORM = re.compile(
    r"""
    \#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\Z  # a color
  | (?i:(?:sha(?:1|224|256|384|512)|md5|h1|blake2[bs]?|crc32)[-:=])  # a digest
  | [dq]word:[0-9a-f]{8,16}\Z | @[\w.-]{1,60}@\Z  # a number of a registry, what Maven fills in
  | [A-Z][A-Z0-9]{0,30}+(?:_[A-Z0-9]{1,30}+){1,9}\Z  # a variable of the environment
  | \[[A-Z_/]{2,16}\d{0,3}\]\Z  # a token of a model
  | \d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d[\d:.,Z+-]{0,24})?\Z  # a time
  | \d{1,9}(?:\.\d{1,9}){2,20}\Z  # an object identifier, an address
  | (?i:(?:n?var(?:char|binary)2?|n?char|character(?:[ ]varying)?|text|(?:var)?binary|decimal|numeric
      |bit|enum|(?:big|small|tiny)?int)\s?\(\d{1,6}(?:,\s?\d{1,3})?\)(?:[ ,]|\Z))  # a type of SQL
    """,
    re.X,
)
# The same of values without quotes. No identifier gives back letters: nothing behind it is one.
_CODE = re.compile(
    r"""
    (?:(?:new|await|typeof|not|async|yield|return|lambda|func|function|fn|go|raise|throw)\s{1,4})?
      [A-Za-z_$][\w$]{0,63}+(?:(?:\??\.|::|->)[A-Za-z_$][\w$]{0,63}+){0,8}+!?\s?[(\[{<]  # a call
  | (?!.*\d\d\Z)[A-Za-z_$][A-Za-z_$]{0,40}+[0-9]{0,2}+(?:(?:\??\.|::|->)[A-Za-z_$][A-Za-z_$]{0,40}+[0-9]{0,2}+){1,8}+\Z
  | [A-Za-z_]\w{0,60}+(?:\.\w{1,60}+){0,4}\.[A-Z]\w{0,60}(?:Key|Token|Secret|Password|Credential)\w{0,20}\b
  | (?:Read|Get|New|ConvertTo|ConvertFrom|Import|Invoke|Select|Unprotect|Join)-[A-Z][A-Za-z]{2,40}\Z
    """,
    re.X,
)
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z")
_PATH = re.compile(r"(?:\.{1,2}|~|[A-Za-z]:|@|[a-z0-9_-]{1,32})?[/\\]{1,2}")
_IDENT = re.compile(r"[A-Za-z_$][A-Za-z_$]{0,63}[0-9]{0,2}\Z")
_URL = re.compile(r"(?:https?|wss?|ftp|git|ssh|fileb?)://")
# Every branch begins with a sign, so that it is searched for at the speed of a set.
_REGEX = re.compile(
    r"\[(?<=\A\[)[^\]]{1,120}\][+*?{]|%[YmdHMSjB][-/:. T_]{0,2}%[a-zA-Z]|\(\?[:=!<P]|\[\^|\\[wdsbS][+*{\])]|\[a-z0-9A-Z]-[a-zA-Z0-9]|\.[*+][?)$]|\)\?|\{\d{1,3},\d{0,4}\}|\A/\^"
)
_ANNOTATION = re.compile(r"@[A-Za-z.]{1,40}\(|\d{0,3}\*{1,2}[a-zA-Z_][\w.]{0,60}\Z")
_NUMBER = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,20})?(?:[smhd]|ms|%|[kKMG]i?B?)?\Z")
_HOST_PORT = re.compile(r"[A-Za-z][A-Za-z0-9.-]{0,80}:\d{2,5}/?\Z")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}\Z")
_VERSION = re.compile(r"[v^~=]?\d{1,5}(?:\.\d{1,6}){1,3}(?:[-+][\w.]{1,30})?\Z")
_TEMPLATE = re.compile(r"\{[A-Za-z_][\w.\[\]()]{0,60}(?:![rsa])?(?::[^{}]{0,20})?\}")
_WORDS = re.compile(r"[A-Za-z']{1,40}")
_PARTS = re.compile(r"[A-Z]{1,40}(?![a-z])|[A-Z]?[a-z]{1,60}|[0-9]{1,40}")


def _kind(char: str) -> str:
    return "l" if char.islower() else "u" if char.isupper() else "d" if char.isdigit() else "s"


_SHAPE = str.maketrans({char: _kind(char) for char in map(chr, range(128))})
_HEX = re.compile(r"(?=[0-9]{0,120}[a-f])[0-9a-f]{32,128}\Z")
_SIGNS = re.compile(
    r"(?<=[A-Za-z])[!#$%^*@&+=~](?=[A-Za-z])|[A-Za-z]{2}[_-][A-Za-z]{0,20}[a-z][A-Z]{2}"
)
_RUNS = re.compile(r"l+|u+|d+|s+|[^luds]+")
_SEGMENT = re.compile(r"[^-_./:\s]{8,256}+")


@lru_cache(maxsize=8)  # one value is weighed three times on its way: alone, by the gate, as an echo
def weight(value: str) -> int:  # noqa: PLR0911 - one exit per look of a value
    """Return how much the value looks like something made to be secret."""
    size = len(value)
    if size < 6 or " " in value:
        return NO_WEIGHT
    if size > LOOK_MAX:
        value = value[:LOOK_MAX]
        size = LOOK_MAX
    shape = value.translate(_SHAPE)
    lower, upper, digit = shape.count("l"), shape.count("u"), shape.count("d")
    sign = size - lower - upper - digit
    if digit == size:
        return NO_WEIGHT
    if size >= 32 and not upper and not sign and _HEX.match(value):
        return HEAVY
    if not digit and value.replace("_", "").isalpha() and not (lower and upper and not sign):
        return HEAVY if size >= 20 and "_" not in value and _is_unspeakable(value) else NO_WEIGHT
    if size >= 12 and sign * 3 <= size and len(set(value)) >= 7 and _is_mixed(value, shape, sign):
        return HEAVY
    if not digit and not sign and size >= 8 and lower and upper and not _CAMEL.match(shape):
        return SOME_WEIGHT
    if (digit and (lower or upper)) or (sign and (digit or (lower and upper))):
        return SOME_WEIGHT
    return NO_WEIGHT


def _is_unspeakable(value: str) -> bool:
    """Letters of one case with too few vowels for words."""
    low = value.lower()
    return len(set(low)) >= 8 and sum(map(low.count, "aeiou")) * 4 < len(low)


def _is_mixed(value: str, shape: str, sign: int) -> bool:
    """Do letters of both cases and digits change as often as only chance changes them?"""
    if not sign:
        return _turns_enough(shape)
    for part in _SEGMENT.finditer(value):
        first, last = part.span()
        if _turns_enough(shape[first:last]):
            return True
    # Signs of base64 and of generated passwords, not of names: `h^r6Jic8rTL9!n%W`.
    return sign <= 8 and _turns_enough(shape) and not _NAME_LIKE.match(value)


_NAME_LIKE = re.compile(r"[A-Za-z0-9]{1,40}(?:[-_./:][A-Za-z0-9]{1,40}){1,20}\Z")


# Shape of a name in capitals and small letters: chance puts more capitals side by side.
_CAMEL = re.compile(r"l{0,40}(?:u{1,5}l{2,40}|ul(?=u)){1,20}u{0,3}\Z")


def _turns(shape: str) -> int:
    """Runs of one kind; a sum costs a third of a search, but tells other letters apart."""
    return 1 + sum(map(ne, shape, shape[1:])) if shape.isascii() else len(_RUNS.findall(shape))


def _turns_enough(shape: str) -> bool:
    size = len(shape)
    digit = shape.count("d")
    if digit >= 2 and size - digit >= 3:
        return _turns(shape) * 3 >= size - 6 if size <= 32 else _turns(shape) * 5 >= size
    if digit and size >= 16:
        return _turns(shape) * 4 >= size
    if size < 20 or _CAMEL.match(shape):
        return False
    return "l" in shape and "u" in shape


def is_chancy(value: str) -> bool:
    """Letters without a digit that no name and no word has: capitals anywhere, signs inside."""
    shape = value.translate(_SHAPE)
    if "l" not in shape or "u" not in shape or " " in value:
        return False
    return _CAMEL.match(shape) is None and ("s" not in shape or _SIGNS.search(value) is not None)


def has_digit(value: str) -> bool:
    """Return whether a decimal digit of any script is in the value."""
    return any(char.isdigit() for char in value)


def is_uuid(value: str) -> bool:
    """Return whether the value is one UUID in its usual form with four hyphens."""
    return len(value) == 36 and _UUID.match(value) is not None


def _may_hold_mark(look: str) -> bool:
    """Plain searches for what every alternative of `_MARK` has: nearly every value has none."""
    return (
        "[" in look
        or "(" in look
        or "<" in look
        or "***" in look
        or not look.isascii()
        or "redacted" in look.lower()
    )


def is_marked(value: str) -> bool:
    """Was this already replaced or masked, by us, by the server or by somebody else?"""
    look = value[:LOOK_MAX]
    if _may_hold_mark(look) and _MARK.search(look) is not None:
        return True
    if (look[:1] in _RUN_SIGNS or look[:1] == look[1:2]) and _RUN.match(look) is not None:
        return True
    # `mog_AbCdEfGh...`: what is shown of a masked secret is meant to be shown.
    return len(look) <= 40 and ("..." in look[:17] or "…" in look[:15])


def harmless_text(value: str, words: tuple[str, ...]) -> bool:
    """Is a quoted or structured value below a sure name visibly no secret?

    `words` are the words of the name: `password: "Password"` is a label.
    """
    look = value[:LOOK_MAX].strip()
    if len(look) < 3 or is_marked(look) or is_reference(look):
        return True
    if len(value) > LOOK_MAX:
        return False
    low = look.lower()
    if look.isalnum() and look.isascii():  # most secrets: nothing below is without signs
        is_word = low in WORD_VALUES or low in words or is_placeholder(look)
        return (
            is_word
            or is_label(look, low, words)
            or _is_named_after(look)
            or _is_code(look, words, is_bare=False)
        )
    if (
        is_placeholder(look)
        or low in WORD_VALUES
        or low in words
        or _FORM.match(look)
        or ("{" in look and _is_template(look))
        or (len(look) < 16 and _VERSION.match(look))
        or _is_code(look, words, is_bare=False)
    ):
        return True
    if " " in look:
        return is_label(look, low, words) or is_sentence(look)
    return (
        is_label(look, low, words)
        or _is_named_after(look)
        or _is_location(look)
        or _REGEX.search(look) is not None
    )


def _is_code(look: str, words: tuple[str, ...], *, is_bare: bool) -> bool:
    if is_told(look, words):
        return True
    return is_code(look, words, is_bare=is_bare) and not any(
        weight(part) == HEAVY for part in _ALNUM.findall(look)
    )


_ALNUM = re.compile(r"[A-Za-z0-9]{1,256}+")


def is_sentence(look: str) -> bool:
    """Is this text for people: two words of grammar, or nothing but the words of a form?"""
    found = _WORDS.findall(look.lower())
    if len(found) < 2:
        return False
    stops = sum(word in STOP for word in found)
    has_digit = any(char.isdigit() for char in look)
    if stops >= 2 or (stops and len(found) >= 3 and not has_digit):
        return True
    return all(word in UI or word in STOP for word in found)


def _is_template(look: str) -> bool:
    """`share-{owner}-{kind}`: what is filled in is not there yet."""
    rest, holes = _TEMPLATE.subn(" ", look)
    return holes > 0 and not any(weight(part) == HEAVY for part in rest.split())


def _is_named_after(look: str) -> bool:
    """`api-key`, `userPassword`, `github_token`: a name of a secret instead of a secret."""
    if look[-1:].isdigit() and "v" in look[-4:]:
        look = _NUMBERED.sub("", look)
    if look.isascii() and not look.rstrip(_SIGNS_ALL).lower().endswith(_NAMES_TUPLE):
        return False
    digits = look.translate(_SHAPE).count("d")
    if len(look) > 64 or digits > 5 or (digits and not look.isalnum()) or look[:1].isdigit():
        return False
    parts = [part.lower() for part in _PARTS.findall(look)]
    return (
        bool(parts)
        and len(parts) <= 8
        and parts[-1] in _NAMES
        and sum(map(len, parts)) > len(look) * 3 // 4
    )


_NUMBERED = re.compile(r"[-_.]v\d{1,3}\Z")  # `my-secret-v2`: the name of one of several
_NAMES = frozenset(
    """password passwd passphrase secret secrets token tokens key keys credential credentials auth
    cookie apikey id ref name path file header field input param value url uri env var label hash
    string data""".split()
)
_NAMES_TUPLE = tuple(_NAMES)
_SIGNS_ALL = "".join(char for char in map(chr, range(128)) if not char.isalnum())


def _is_location(look: str) -> bool:
    """A path, a plain URL or an address: no part of it looks made to be secret."""
    if "://" in look and _URL.match(look):
        if (query := _SECRET_QUERY.search(look)) is not None:
            look = look[: query.start()]  # its parameter is read by its own name
        return "@" not in look and not any(weight(part) == HEAVY for part in look.split("/")[3:])
    if ":" in look and _HOST_PORT.match(look):
        return True
    if "@" in look and _EMAIL.match(look) and not look[0].isupper():
        return look.count(".") >= 1 and look.rsplit(".", 1)[1].isalpha()
    if (
        ("/" in look or "\\" in look)
        and _PATH.match(look)
        and '"' not in look
        and ("/" in look[1:] or "\\" in look[1:] or "." in look)
    ):
        if "+" in look or "=" in look:
            return False
        parts = look.replace("\\", "/").split("/")
        return all(weight(part) != HEAVY and len(part) < 32 for part in parts)
    return False


_SECRET_QUERY = re.compile(
    r"[?#](?:[\w.-]{1,40}=[^&#]{0,80}&){0,4}[\w.-]{0,30}(?:token|key|secret|password|signature|jwt)="
    r"|#[a-z][a-z]{2,20}[-.\d]{0,12}\Z"  # or a section of a page
)


_AFTER_NAMES = frozenset("([,)|=]")


def harmless_code(value: str, words: tuple[str, ...], after: str) -> bool:
    """The same for a value without quotes, where code and prose come in.

    `after` is the character behind the value, or nothing at the end.
    """
    if harmless_text(value, words):
        return True
    look = value[:LOOK_MAX]
    if look.isalnum() and look.isascii() and after not in _AFTER_NAMES:
        return _NUMBER.match(look) is not None
    if (
        (after in ("(", "[") and _IDENT.match(look.rsplit(".", 1)[-1]))
        or is_code_name(look, after)
        or (_ANNOTATION.match(look) and (look[0] == "@" or not weight(look.lstrip("0123456789*"))))
        or _CODE.match(look)
        or _VERSION.match(look)
        or _is_code(look, words, is_bare=True)
    ):
        return True
    if look[0] in "=&(" and is_behind_sign(look):
        return False
    if look[0] in "({[<&|=>" or _NUMBER.match(look):
        return True
    return look.rstrip(".,;:!?)").lower() in WORD_VALUES


def is_behind_sign(look: str) -> bool:
    """`&x7Kd92LmQ`, `(x9kLmQ2pR4`, `=x...`: a sign that opens code, and no code behind it.

    Base64 that begins like its own end, a separator of three signs, a generated password.
    """
    rest = look.lstrip("=") if look[0] == "=" else look[1:]
    if weight(rest) == HEAVY:
        return look[0] == "=" or not any(char in "()[]{}<>.:,;&=" for char in rest)
    shape = rest.translate(_SHAPE)
    return look[0] != "=" and len(rest) >= 8 and rest.isalnum() and {"l", "u", "d"} <= set(shape)


def is_identifier(value: str) -> bool:
    """Return whether the value could be a variable's name: letters, and two digits at most."""
    return _IDENT.match(value) is not None


def plain_setting(value: str) -> bool:
    """Is this the value of an ordinary variable: a switch, a word, a size, a place?"""
    look = value[:LOOK_MAX]
    if len(value) < 4 or (len(value) <= 12 and look.isalpha() and look.islower()):
        return True  # `warn`, `production`
    if is_marked(look) or _NUMBER.match(look) or _VERSION.match(look):
        return True
    if is_reference(look) or is_placeholder(look, LOOK_MAX):
        return True
    return _is_location(look) or look.lower() in WORD_VALUES
