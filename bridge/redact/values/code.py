"""Values that are pieces of a program: what stands behind a name in code and is no secret.

A second look at values that nothing else told to be harmless. Each form was found below the name of
a secret in the source code, the logs and the manuals of well-known programs. There is one way at
most for a row to match a text: no repetition may end where it could also go on.
"""

# ruff: noqa: E501 - a row of a pattern is read on one line

from __future__ import annotations

import re
from typing import Final

from bridge.redact.expressions import Lazy, lazy

_VERSION: Final = lazy(
    r"[v=]?(?:\d{1,10}[:!]\d{1,8}(?:\.\d{1,8}){1,4}|\d{1,8}(?:\.\d{1,8}){1,4}(?=[-+~]))"
    r"(?:[-+~][a-z0-9]{1,12}(?:\.[a-z0-9]{1,8}){0,3}){0,6}"
)
# Whole values, quoted or not.
_FORM: Final = lazy(
    "|".join((
        r"(?=[^%{]{0,40}[%{])(?:%[-\d.]{0,4}[a-zA-Z]|%\(\w{1,40}\)[a-z]|\{\w{0,20}\}|[\s:@/.,|_-]){1,40}",  # holes of a format
        r"[A-Za-z_]{2,40}=(?:None|True|False|null|true|false)[)\],.:;]{0,3}",  # arguments
        r"[a-z_]{2,40}=\d{1,4}\)(?:\.[a-z]{1,20}\()?",
        r"[\w.]{2,60}=[A-Z][a-z]{2,20}\(\)",
        r"[A-Za-z]{2,40}=[a-z]{2,10}(?:,[A-Za-z]{2,40}=[a-z]{2,10}){1,20}",
        r"[\"']?[ ]{0,4}[+.][ ]{1,4}[$A-Za-z_][A-Za-z_$.>()-]{0,60}(?:[ ]{1,4}[+.][ ]{0,4}[\"'])?",  # joined strings
        r";[ ]{0,4}(?:(?:expires|path|domain|max-age|samesite)=|secure|httponly)",
        r"[\\\"']{1,6}\$\{?[A-Za-z_]{1,40}\}?[\\\"']{0,6}",
        r"(?:[A-Za-z_]{2,40}::){2,6}[A-Za-z_]{2,40}[-:(]?",  # names of C++, Perl, Ruby, CloudFormation
        r"(?i:list|dict|set|tuple|type|optional|sequence|iterable|union)\[[A-Za-z_.\[\], ]{1,60}",  # a generic type
        r"(?i:gh|bpo|pr|rfc|pep|iso|cve)[-# ]\d[\d-]{0,12}",
        r"_{2}[a-z]{2,20}_{2}",  # of Python
        r"-?(?i:utf-?(?:8|16|32)|latin-?1|iso-?8859-\d{1,2}|cp\d{3,4}|(?:scram-)?sha-?(?:1|256|384|512)|md5|base64|aes-?(?:128|192|256)(?:-[a-z]{3})?|[hrep]s(?:256|384|512)|ed25519|rsa-?\d{3,4})",
        r"(?=[^(^]{0,40}[(^])[a-zA-Z_?()^$:]{1,60}(?:\|[a-zA-Z_?()^$:]{1,60}){2,40}",  # alternatives of an expression
        r"(?:[a-z_]{2,20}\.){1,4}(?:cookies|parser|py|js|ts|go|rb|json|yaml|yml|toml)",  # a module, a file
    ))
)  # fmt: skip
# Values without quotes: a person's password may look like these.
_BARE_FORM: Final = lazy(
    "|".join((
        r"(?:[A-Za-z_]{1,40}(?:\d{1,2}[a-z_]{1,40})?\.){1,6}[A-Za-z_]{2,60}[:,)]?",
        r"[A-Za-z_]{2,40}\[\d?\],?", r"\d{1,2}\]\.[a-z]{1,20}",  # an item
        r"-W[a-z-]{3,40}",
    ))
)  # fmt: skip
# A line below `pass` or the head of a class: no value.
_BELOW: Final = lazy(
    r"(?:@|#[ ]?)_?[A-Za-z][\w.]{1,60}(?:\(|[ \t]{0,8}\r?\n\s{0,40}(?:@|def |class |async ))"
)
_PACKAGE: Final = re.compile(
    r"@?[a-z0-9][a-z0-9._/-]{0,80}@\d{1,5}(?:\.\d{1,6}){2}(?:-[a-z0-9.]{1,30})?"
)
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}\Z")  # of a contract or an account
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
# Names under which a client sends an id that it generated, to repeat a request safely.
_GENERATED: Final = frozenset((("client", "token"), ("request", "token"), ("action", "token")))
_NAME: Final = re.compile(r"[\w-]{1,80}\Z")
_CAMEL: Final = re.compile(r"[a-z][A-Z]")
_SIGNS: Final = re.compile(r"[\W_]+")
NAME_MIN: Final = 6  # characters of a name that its value may repeat
FORMS: Final[tuple[Lazy, ...]] = (_VERSION, _FORM, _BARE_FORM)


def is_code(look: str, words: tuple[str, ...], *, is_bare: bool) -> bool:
    """Is a value a piece of code, a format, or words around its own name?

    Args:
        look: The value. The caller makes sure that no part of it looks generated.
        words: Those of its name, in small letters.
        is_bare: It stands without quotes.
    """
    if _repeats(look, words):
        return True
    if look.isalnum() and look.isascii():
        return False
    if _FORM().fullmatch(look) is not None:
        return True
    return is_bare and _BARE_FORM().fullmatch(look) is not None


def is_told(look: str, words: tuple[str, ...]) -> bool:
    """A version, an address, an id that a client generated, its own name: none is a secret."""
    bare = _SIGNS.sub("", look).lower()
    if len(bare) >= NAME_MIN and "".join(words).endswith(bare) and _NAME.match(look) is not None:
        return True
    if look.isalnum() and look.isascii():
        return _ADDRESS.match(look) is not None
    if words[-2:] in _GENERATED and _UUID.match(look) is not None:
        return True
    return _VERSION().fullmatch(look) is not None or _PACKAGE.fullmatch(look) is not None


def is_decorator(text: str, at: int) -> bool:
    """Does a decorator stand here, or a call that a comment switched off?"""
    return text[at : at + 1] in ("@", "#") and _BELOW().match(text, at) is not None


def _repeats(look: str, words: tuple[str, ...]) -> bool:
    """`'NSHTTPCookie', 'NSHTTPCookieStorage'`: the name, and words before or behind it."""
    name = "".join(words)
    if len(words) < 2 or len(name) < NAME_MIN or _NAME.match(look) is None:
        return False
    if _CAMEL.search(look) is None:
        return False
    bare = _SIGNS.sub("", look).lower()
    rest = bare.removeprefix(name) if bare.startswith(name) else bare.removesuffix(name)
    return len(rest) < len(bare) and rest.isalpha() and len(rest) <= 20


_TYPE_NAME = re.compile(
    r"[A-Z][A-Za-z0-9]{0,60}(?:Key|Token|Secret|Password|Credential|Auth)[A-Za-z]{0,20}\Z"
)
_DIGITS = re.compile(r"\d{1,20}")
_SNAKE_NAME = re.compile(
    r"_?[a-z]{2,20}(?:_[a-z0-9]{1,20}){0,5}_(?:key|token|secret|password|hash|id)\Z"
)


def is_code_name(look: str, after: str) -> bool:
    """`Ed25519PrivateKey,`, `_pep_440_key`: names of types and variables, digits and all."""
    if after in (",", ")", "|", "=", "[", "]") and _TYPE_NAME.match(look):
        return True
    return _SNAKE_NAME.match(look) is not None and len(_DIGITS.findall(look)) < 2
