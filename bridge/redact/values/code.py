"""Values that are pieces of a program: what stands behind a name in code and is no secret.

A second look for values that nothing else told to be harmless. Each form was found below the name of
a secret in the source code, the logs and the manuals of well-known programs.
"""

# ruff: noqa: E501 - a row of a pattern is read on one line

from __future__ import annotations

import re
from typing import Final

from bridge.redact.expressions import lazy

# Whole values. A short word with a sign before, between or behind is no machine's.
_SEGMENT = r"(?:[A-Z]{1,10}\d?|[A-Z]?[a-z_]{2,30}(?:[A-Z]{1,3}[a-z]{2,30}\d?){0,6})"
_FORM = lazy(
    r"""
    (?:v|=)?(?:\d{1,10}[:!])?\d{1,8}(?:\.\d{1,8}){1,4}(?:[-+~][a-z0-9]{1,12}(?:\.[a-z0-9]{1,8}){0,3}){0,6}  # a version
  | (?:%[-\d.]{0,4}[a-zA-Z]|%\(\w{1,40}\)[a-z]|\{\w{0,20}\}|[\s:@/.,|_-]){1,40}  # holes of a format
  | [A-Za-z_][\w.]{0,60}=(?:None|True|False|null|true|false|\d{1,4}(?=\))|[A-Za-z_][\w.]{0,40}\([^=]{0,40})(?:[)\],].{0,80})?  # an argument
  | [A-Za-z]\w{0,40}=[a-z]{2,20}(?:,[A-Za-z]\w{0,40}=[a-z]{2,20}){1,20} | \d{1,6}=[a-z_]{2,60}
  | ["']?\s{0,4}(?:[+.]\s{1,4}[$A-Za-z_(\"']|;\s{0,4}(?:expires|path|domain|secure|max-age|samesite|httponly)\b).{0,160}  # joined strings
  | [\\"']{1,6}\$\{?[A-Za-z_]\w{0,60}\}?[\\"']{0,6}
  | (?:(?:_SEGMENT::){2,6}|(?=[A-Z])_SEGMENT::(?=[A-Z]))_SEGMENT[-:(]?  # a name of C++, Perl, Ruby, CloudFormation
  | (?:_{0,2}[A-Za-z]{2,40}\d{0,2}[a-z_]{0,40}\.){1,6}(?:Py[A-Z][A-Za-z]{1,40}|(?:[A-Z]{1,4}[a-z]{2,30}){2,6}|[A-Z]{1,30}(?:_[A-Z]{1,30}){1,5})[:,)]?
  | [A-Za-z_]\w{0,60}\[(?:\d{0,4}|[A-Za-z_.]{1,60})\],? | \d{1,4}\][.\w]{0,60}  # an item, a generic type
  | (?:@|\#\s?)[A-Za-z_][\w.]{0,80}\(.{0,200} | @_?[a-z]{1,20}(?:_[a-z0-9]{1,20}){2,12} | @[a-z]{2,20}(?:[A-Z][A-Za-z]{1,20}){2,12}  # a decorator, a call in a comment
  | (?i:gh|bpo|issue|pr|rfc|pep|iso|cve)[-\#\ ]?\d[\d-]{0,12}
  | _{2}[a-z]{2,20}_{2}  # of Python
  | -?(?i:utf-?(?:8|16|32)|latin-?1|iso-?8859-\d{1,2}|cp\d{3,4}|(?:scram-)?sha-?(?:1|256|384|512)|md5|base64|aes-?(?:128|192|256)(?:-[a-z]{3})?|[hrep]s(?:256|384|512)|ed25519|rsa-?\d{3,4})
  | --?[A-Z]?[a-z]{3,20}(?:-[a-z]{2,20}){0,6}  # a flag
  | [\w?()^$:*+.\\-]{1,60}(?<=[a-z?])(?:\|[\w?()^$:*+.\\-]{1,60}){2,40}  # alternatives of a regular expression
  | [A-Za-z]{1,20}\)[A-Za-z]{0,20} | <[a-z]{2,20}\s?
  | (?:[a-z]{2,20}\.){1,4}(?:com|org|net|io|py|js|ts|go|rb|html|json|ya?ml|toml|cookies|parser)  # a module, a file
    """.replace("_SEGMENT", _SEGMENT),
    re.X,
)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}\Z")  # of a contract or an account; a key has 64 digits
_CAMEL: Final = re.compile(r"[a-z][A-Z]")
_NOT_WORDS: Final = re.compile(r"[\W_]+")
# Names under which a client sends an id that it generated, to repeat a request safely.
_MADE_UP: Final = frozenset((("client", "token"), ("request", "token"), ("action", "token")))
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
NAME_MIN: Final = 6  # characters of a name that its value may repeat


def is_code(look: str, words: tuple[str, ...]) -> bool:
    """Is the value a piece of code, a format, a version, or its own name again?

    `words`: of the name, in small letters.
    """
    if look.isalnum() and look.isascii():
        return _ADDRESS.match(look) is not None or _repeats(look, words)
    if words[-2:] in _MADE_UP and _UUID.match(look):
        return True
    return _FORM().fullmatch(look) is not None or _repeats(look, words)


def _repeats(look: str, words: tuple[str, ...]) -> bool:
    """`code_1 = code_1`, `'NSHTTPCookie', 'NSHTTPCookieStorage'`, `PrivateKey as _SomePrivateKey`."""
    name = "".join(words)
    if len(name) < NAME_MIN or len(look) > 2 * len(name) + 20:
        return False
    bare = _NOT_WORDS.sub("", look).lower()
    if len(bare) >= NAME_MIN and name.endswith(bare):
        return True
    return (
        len(words) > 1
        and _CAMEL.search(look) is not None
        and (bare.startswith(name) or bare.endswith(name))
        and not look[-1].isdigit()
    )
