"""Structure: which values of a JSON tree lie below a name, and what shape that name takes.

Object members, `{name, value}` pairs, `[name, value]` lists, flat header lists, argument lists,
environment maps and `K=V` lists. Decides where; the engine decides what replaces it.
"""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line
# ruff: noqa: PLR0911 - a detector is a row of early exits

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from bridge.redact.detectors.command_line import PROGRAMS, program
from bridge.redact.detectors.printed import is_about
from bridge.redact.expressions import lazy
from bridge.redact.names.classifier import (
    BARE_KEY,
    CODE,
    ENV,
    FORCED,
    NONE,
    PLAIN,
    SURE,
    WEAKLY,
    Verdict,
)
from bridge.redact.spans import Scan, Span
from bridge.redact.values import harmless
from bridge.redact.values.cookies import are_pairs, cookies
from bridge.redact.values.judge import (
    SECRET_ID,
    behind_user,
    counts_as_secret,
    is_bare_key_secret,
    is_issued,
    is_url,
    looks_made,
    stands_for_another,
)
from bridge.redact.values.spoken import is_common_password
from bridge.redact.values.whole import tells_itself

# `{"name": "API_TOKEN", "value": "x"}` in the spellings of HAR, Kubernetes, CloudFormation, Postman.
NAME_MEMBERS: Final = ("name", "key", "Name", "Key", "header", "field", "variable", "param", "k",
                       "ParameterKey", "OptionName", "id", "label", "var")  # fmt: skip
VALUE_MEMBERS: Final = frozenset(
    (
        "value",
        "Value",
        "val",
        "values",
        "content",
        "default",
        "v",
        "ParameterValue",
        "secret",
        "plaintext",
    )
)

# Members of a credential object that are no secret themselves.
BESIDE: Final = frozenset(
    """user username login name host hostname port region type kind scheme url uri endpoint email
    account accountid accountname id clientid tenant tenantid project projectid database db dbname
    ssl sslmode method algorithm alg format description desc title scope scopes expires expiresat
    expiresin expiration createdat updatedat lastused lastseen created updated version provider
    issuer audience enabled required in example pattern properties namespace path file arn
    keyid kid tokentype grant granttype status state message code error reason count limit
    role roles label hint placeholder default enum zone bucket owner org organization team
    environment stage realm domain protocol driver dialect charset timezone service appid
    rotation rotated active valid source ref reference public publickey certificate fingerprint
    clientemail authuri tokenuri universedomain size length ttl max min scopesrequested profile policy samesite""".split()
)


def secret_places(item: str, verdict: Verdict) -> list[tuple[int, int]]:
    """Where secrets stand in a text below a name: mostly all of it, or nowhere."""
    if verdict.kind == "cookie" and are_pairs(item, 0, len(item)):
        return cookies(item, 0, len(item))
    if not is_secret_value(item, verdict):
        return []
    at = behind_user(item, verdict)
    if at and stands_for_another(item[at:]):
        return []
    return [(at, len(item))]


def is_secret_value(value: str, verdict: Verdict) -> bool:
    """Is a string below this name a secret? Whole strings: no delimiter has to be guessed."""
    if not value:
        return False
    if verdict.grade == FORCED:
        return not harmless.is_marked(value) or len(value) > 64
    if verdict.grade == SURE:
        if value[0] == "{" and tells_itself(value):
            return False  # its own names are read
        return not harmless.harmless_text(value, verdict.words)
    if verdict.grade == CODE:
        bare = value.replace("-", "").replace(" ", "")
        if bare.isdigit():
            return 3 <= len(bare) <= 16
        return harmless.weight(value) > 0 and not harmless.harmless_text(value, verdict.words)
    if verdict.grade == BARE_KEY:
        return is_bare_key_secret(value, harmless.weight(value))
    if verdict.grade == WEAKLY:
        return _weak_value(value, verdict)
    return False


def _weak_value(value: str, verdict: Verdict) -> bool:
    if verdict.words[-2:] == SECRET_ID:
        return harmless.is_uuid(value)
    if verdict.words[-1:] == ("dsn",) and is_url(value):
        return False  # read as the URL it is, and keeps its host
    weight = harmless.weight(value)
    if not weight or len(value) > 512 or harmless.harmless_text(value, verdict.words):
        return False
    if verdict.kind == "password":
        return True
    return weight == harmless.HEAVY and (not harmless.is_uuid(value) or is_issued(verdict.words))


def as_text(number: Any) -> str:
    """A number in digits; one too long for that, which Python refuses to write, in hex."""
    return hex(number) if type(number) is int and number.bit_length() > 10_000 else str(number)


def is_secret_number(number: str, verdict: Verdict) -> bool:
    """Numbers below `password`, `pin`, `token`: enough digits make a secret, fewer a count."""
    return counts_as_secret(len(number.lstrip("-").replace(".", "")), verdict)


def left_codes(old: list[Any], new: list[Any]) -> list[int]:
    """Codes of a list that happen to have no digit: as long as those that were replaced."""
    sizes = {len(a) for a, b in zip(old, new, strict=True) if a is not b and type(a) is str}
    return [
        at
        for at, (a, b) in enumerate(zip(old, new, strict=True))
        if a is b and type(a) is str and len(a) in sizes and " " not in a
    ]


def is_public_env(name: str, value: str) -> bool:
    """Is this variable of an environment public by name, or no secret by the look of its value?

    Environments hold tokens below names of services (`STRIPE`), and far more settings.
    """
    if is_about(name) or _OF_BUILD.search(name) is not None or harmless.plain_setting(value):
        return True
    if "," in value and value.count(",") < ITEMS_MAX:
        items = [item.strip() for item in value.split(",")]
        return all(not harmless.weight(item) or harmless.plain_setting(item) for item in items)
    if harmless.weight(value) == harmless.HEAVY or looks_made(value):
        return False
    return len(value) < MADE_MIN or not (
        value.replace("_", "").isalnum() and harmless.weight(value) and harmless.has_digit(value)
    )


_OF_BUILD: Final = re.compile(r"(?i)(?:commit|image|hash|build|release|revision|etag|trace|span)\Z")
ITEMS_MAX: Final = 64  # of one variable that holds a list
MADE_MIN: Final = 8  # characters of a value that a person made to be secret


def pair_name(obj: Mapping[str, Any]) -> str | None:
    """The name of a `{name, value}` pair, or None."""
    for member in NAME_MEMBERS:
        name = obj.get(member)
        if type(name) is str and 0 < len(name) <= 96:
            return name
    return None


def is_beside(key: str) -> bool:
    """Is this member of a credential object about the credential only?"""
    return "".join(char for char in key.lower() if char.isalnum()) in BESIDE


Classifier = Callable[[str], Verdict]

# Members whose presence asks for a closer look at an object.
SPECIAL: Final = frozenset(
    (
        "value",
        "Value",
        "val",
        "ParameterValue",
        "kty",
        "v",
        "content",
        "default",
        "selector",
        "element",
        "kind",
    )
)


def may_explain(names: Collection[str]) -> bool:
    """May one member of an object of these names say what another one is?

    A payload of upstream has a `kind`, which alone says nothing: both sides of a rule must be there.
    """
    return not SPECIAL.isdisjoint(names) and (
        "kty" in names
        or ("kind" in names and _has_one(SECRET_MAPS, names))
        or (_has_one(TYPED_INTO, names) and _has_one(TYPED, names))
        or (_has_one(NAME_MEMBERS, names) and _has_one(VALUE_MEMBERS, names))
    )


def _has_one(members: Iterable[str], names: Collection[str]) -> bool:
    return any(member in names for member in members)


# What a browser is told to type, and the member that says into which field.
TYPED_INTO: Final = ("selector", "element", "locator")
TYPED: Final = ("text", "value")
_SELECTED = lazy(r"[A-Za-z][A-Za-z0-9_-]{1,40}")

SECRET_MAPS: Final = ("data", "stringData")  # of a Kubernetes Secret
PUBLIC_IN_SECRET: Final = frozenset(("username", "user", "ca.crt", "tls.crt", "namespace"))
# Names of a container that say of everything in it that it is secret.
ALL_SECRET: Final = frozenset(("secrets", "creds", "credentials", "passwords"))


def typed_into(obj: Mapping[str, Any], verdict_of: Classifier) -> Verdict:
    """What `{"selector": "#password", "text": "x"}` says about its text."""
    for member in TYPED_INTO:
        target = obj.get(member)
        if type(target) is str and len(target) <= 200:
            for word in _SELECTED().findall(target):
                verdict = verdict_of(word)
                if verdict.grade in (SURE, CODE):
                    return verdict
    return PLAIN


def secret_values(obj: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Map, name and value of every text in a Kubernetes Secret."""
    for member in SECRET_MAPS:
        values = obj.get(member)
        if type(values) is dict:
            for name, value in values.items():
                if type(value) is str and len(value) >= 4 and name not in PUBLIC_IN_SECRET:
                    yield member, name, value


def explained(items: Sequence[Any], verdict_of: Classifier) -> Iterator[tuple[int, Verdict]]:
    """Yield positions of strings that the string before names, with what the name says."""
    flat = names_then_values(items)
    for at in range(len(items) - 1):
        name, item = items[at], items[at + 1]
        if type(name) is not str or type(item) is not str or not name or not item:
            continue
        if name[0] == "-":
            verdict = flag_verdict(name, verdict_of)
            if item[0] == "-" and len(item) < 8:
                continue
        elif flat and at % 2 == 0:
            verdict = verdict_of(name)
            if len(items) > 2 and not harmless.weight(item.rsplit(" ", 1)[-1]):
                continue
        else:
            continue
        if verdict.grade not in (NONE, ENV):
            yield at + 1, verdict


def flag_verdict(item: str, verdict_of: Classifier) -> Verdict:
    """The verdict on an argument that is a flag without its value, else `PLAIN`."""
    name = item.lstrip("-")
    if "=" in item or not 3 <= len(name) <= 64:
        return PLAIN
    return verdict_of(name)


COMMAND_ITEMS_MAX = 64  # arguments of a command that are read as one line


def command_line(items: Sequence[Any]) -> tuple[str, list[int]]:
    """A list of arguments of a known program as a line, and where each begins; or nothing."""
    if len(items) > COMMAND_ITEMS_MAX or items[0].rsplit("/", 1)[-1] not in PROGRAMS:
        return "", []
    if not all(type(item) is str and "\n" not in item and len(item) < 512 for item in items):
        return "", []
    starts: list[int] = []
    total = 0
    for item in items:
        starts.append(total)
        total += len(item) + 1
    return " ".join(items), starts


def in_command(obj: Sequence[Any]) -> Iterator[tuple[int, int, Span]]:
    """Secrets among the arguments of a program: the argument, where in it one begins, and its span."""
    line, starts = command_line(obj)
    if not line:
        return
    scan = Scan(line, line.lower())
    name = obj[0].rsplit("/", 1)[-1]
    program(scan, len(obj[0]) - len(name), len(obj[0]), PROGRAMS[name])
    for span in scan.spans:
        for at, start in enumerate(starts):
            if start <= span.start < start + len(obj[at]):
                yield at, span.start - start, span


def _is_cell(item: str, verdict: Verdict) -> bool:
    """A column of words is one of words: `token`, `count`."""
    if not is_secret_value(item, verdict):
        return False
    return harmless.weight(item) > 0 or (verdict.kind == "password" and is_common_password(item))


ROWS_MAX: Final = 4_096  # of a table that are read
COLUMNS_MAX: Final = 64


def cells(rows: Sequence[Any], verdict_of: Classifier) -> Iterator[tuple[int, int, Verdict]]:
    """Cells of a table whose first row has names: row, column, and what the name says."""
    head = rows[0]
    if len(rows) < 2 or not 2 <= len(head) <= COLUMNS_MAX:
        return
    if not all(type(name) is str and _NAME().match(name) for name in head):
        return
    named = [(at, verdict_of(name)) for at, name in enumerate(head)]
    named = [(at, verdict) for at, verdict in named if verdict.grade == SURE]
    if not named or len(named) == len(head):
        return
    for number, row in enumerate(rows[1 : ROWS_MAX + 1], 1):
        if type(row) is not list or len(row) != len(head):
            continue
        for at, verdict in named:
            if type(row[at]) is str and _is_cell(row[at], verdict):
                yield number, at, verdict


_NAME = lazy(r"[^\W\d][\w.\- \u200b-\u200d\ufeff]{0,63}\Z")


def names_then_values(items: Sequence[Any]) -> bool:
    """Is this a flat list of header names and values, as Node's `rawHeaders`?"""
    if len(items) % 2 or not 2 <= len(items) <= 256:
        return False
    return all(type(item) is str for item in items) and all(
        0 < len(name) <= 64 and _NAME().match(name) for name in items[::2]
    )
