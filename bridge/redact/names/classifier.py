"""Classifies a key name by its words: `dbPassword`, `X-Api-Key` and `max_tokens` told apart.

Words, never substrings: a substring rule also eats `author`, `tokenizer` and every token count
(the vendor's own rule does). Pure and cacheable: the verdict depends on the name alone.
"""

# ruff: noqa: PLR0911 - a detector is a row of early exits

from __future__ import annotations

import re
from typing import Final, NamedTuple

from bridge.redact.fold import fold, plain_letters
from bridge.redact.names.issuers import ABOUT, ISSUERS
from bridge.redact.names.words import (
    CARRIER,
    CODE_BEFORE,
    CODES,
    ENV_KEYS,
    FOREIGN,
    KEY_BEFORE,
    KEY_HARMLESS,
    META,
    NOT_A_VALUE,
    STRONG,
    TOKEN_HARMLESS,
    WEAK,
    WHOLE,
)
from bridge.redact.spans import MARK_OPEN

NAME_CHARS_MAX = 96  # longest name that is classified; real ones stay below 64
NAME_WORDS_MAX = 16  # a name of more words is a sentence

NONE: Final = 0  # nothing follows from this name
SURE: Final = 1  # any value that is not visibly harmless is a secret
WEAKLY: Final = 2  # only a value with weight is
BARE_KEY: Final = 6  # `key` and nothing else: the value needs more weight still
CODE: Final = 3  # a short number or code is
ENV: Final = 4  # a mapping or list below it is an environment
FORCED: Final = 5  # the policy says so: any value


class Verdict(NamedTuple):
    """What a name says about its value. `kind` is the word in the marker."""

    grade: int
    kind: str
    words: tuple[str, ...] = ()


PLAIN = Verdict(NONE, "")

_WORD = re.compile(r"[A-Z]{1,40}(?![a-z])|[A-Z]?[a-z]{1,60}|[0-9]{1,20}|[^\W\d_a-zA-Z]{1,40}")
_SUFFIXES = (
    "password", "passwd", "passwort", "passphrase", "secret", "token", "apikey", "secretkey",
    "accesskey", "privatekey", "signingkey", "masterkey", "encryptionkey", "authkey", "accountkey",
    "sharedkey", "motdepasse", "pwd",
)  # fmt: skip
_SUFFIX_KIND = {
    "password": "password", "passwd": "password", "passwort": "password", "pwd": "password",
    "passphrase": "passphrase", "secret": "secret", "token": "token", "privatekey": "private-key",
    "motdepasse": "password",
}  # fmt: skip


# As written and as folded: homoglyphs turn part of a Cyrillic word into Latin letters.
_FOREIGN = {
    spelling: kind
    for word, kind in FOREIGN.items()
    if not word.isascii()
    for spelling in (word.replace(" ", ""), fold(word).lower().replace(" ", ""))
}


def classify(name: str) -> Verdict:
    """Return what the name says; `PLAIN` for everything that is no name at all."""
    if len(name) > NAME_CHARS_MAX or MARK_OPEN in name:
        return PLAIN
    if not name.isascii():
        foreign = _foreign(name)
        if foreign is not None:
            return foreign
        name = fold(name)
    words = [word.lower() for word in _WORD.findall(name)]
    if words[:4] == ["fs", "azure", "account", "key"]:  # Hadoop: `fs.azure.account.key.<host>`
        return Verdict(SURE, "api-key", tuple(words[:4]))
    if not words or len(words) > NAME_WORDS_MAX:
        return PLAIN
    joined = "".join(words)
    whole = WHOLE.get(joined)
    if whole is not None:
        if not whole:
            return PLAIN
        return Verdict(CODE if whole == "otp" else SURE, whole, tuple(words))
    if joined in ENV_KEYS:
        return Verdict(ENV, "env", tuple(words))
    return _by_words(words, joined)


def _foreign(name: str) -> Verdict | None:
    low = "".join(name.lower().split())
    for candidate in (low, low.replace("_", "").replace("-", "")):
        for word, kind in _FOREIGN.items():
            if word in candidate:
                return Verdict(SURE, kind, (word,))
    plain = plain_letters(low)
    kind = STRONG.get(plain, "")
    return Verdict(SURE, kind, (plain,)) if kind else None


# Anywhere in a name: what it names is no secret, or only the name of one.
_NAMED = frozenset(("public", "existing"))


def _by_words(words: list[str], joined: str) -> Verdict:  # noqa: C901, PLR0912 - one branch per notation
    every = tuple(words)
    while len(words) > 1 and (words[-1] in CARRIER or words[-1].isdigit()):
        words = words[:-1]
    last = words[-1]
    before = words[-2] if len(words) > 1 else ""
    if before == "secret" and last == "id":
        return Verdict(
            WEAKLY, "secret", every
        )  # of Vault and Consul: UUIDs only, `judge.SECRET_ID`
    if words == ["sessionid"]:
        return Verdict(BARE_KEY, "cookie", every)  # Django's cookie; `session_id` names a session
    if last in META or (words[0] in NOT_A_VALUE and len(words) > 1) or not _NAMED.isdisjoint(words):
        return PLAIN
    if last == "key":
        return _key(words, before, every)
    if last in ("code", "codes"):
        return Verdict(CODE, "otp", every) if before in CODE_BEFORE else PLAIN
    if last in CODES:
        return Verdict(CODE, "otp", every)
    kind = STRONG.get(last)
    if kind is not None:
        return _sure(words, before, last, kind, every)
    weak = WEAK.get(last)
    if weak is not None:
        return _weak(words, last, weak, every)
    for suffix in _SUFFIXES:
        if last.endswith(suffix):
            return Verdict(SURE, _SUFFIX_KIND.get(suffix, "api-key"), every)
    if joined in STRONG:  # `ToKeN`, `PassWord`: capitals that mark no words
        return Verdict(SURE, STRONG[joined], every)
    tail = "".join(words[-3:])
    for suffix in ("motdepasse", "onetimepassword", "seedphrase", "recoveryphrase", "secretphrase"):
        if tail.endswith(suffix):
            return Verdict(SURE, "passphrase" if "phrase" in suffix else "password", every)
    # `tokenGithub`, `SECRET_STRIPE`: the strong word is there, what follows is no meta word.
    for word in words[:-1]:
        kind = STRONG.get(word)
        if kind is not None:
            return Verdict(WEAKLY, kind, every)
    if not ISSUERS.isdisjoint(words) and ABOUT.isdisjoint(words):
        return Verdict(WEAKLY, "token", every)
    if joined.startswith(("password", "passwd")) and len(joined) < 24:
        return Verdict(WEAKLY, "password", every)
    return PLAIN


def _sure(words: list[str], before: str, last: str, kind: str, every: tuple[str, ...]) -> Verdict:
    if last == "token" and before in TOKEN_HARMLESS:
        return PLAIN
    if last == "bearer" and len(words) == 1:
        return Verdict(WEAKLY, kind, every)
    return Verdict(SURE, kind, every)


def _weak(words: list[str], last: str, kind: str, every: tuple[str, ...]) -> Verdict:
    """Names that need a second look: plurals, `pass`, `auth`, `hash`."""
    if last == "pass":
        return Verdict(SURE, kind, every) if words[0] != "by" else PLAIN
    if last == "hash":
        named = any(word in STRONG for word in words[:-1])
        return Verdict(WEAKLY, "password", every) if named else PLAIN
    if last in ("seed", "verifier") and len(words) == 1:
        return PLAIN
    if last == "keys" and not (len(words) > 1 and words[-2] in KEY_BEFORE):
        return PLAIN
    return Verdict(WEAKLY, kind, every)


def _key(words: list[str], before: str, every: tuple[str, ...]) -> Verdict:
    if not before:
        return Verdict(BARE_KEY, "api-key", every)
    if "public" in words or before in KEY_HARMLESS:
        return PLAIN
    if before == "private" or (before in ("ssh", "rsa", "pgp", "gpg", "dsa")):
        return Verdict(SURE, "private-key", every)
    if before in KEY_BEFORE or before in STRONG:
        return Verdict(SURE, "api-key", every)
    return Verdict(WEAKLY, "api-key", every)
