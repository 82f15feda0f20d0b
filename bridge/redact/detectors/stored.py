"""Secrets by the layout they are kept in: crypt hashes, `.pgpass`, Kubernetes Secrets, `AUTH` lines."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

import re
from typing import Final

from bridge.redact.names.classifier import NONE
from bridge.redact.spans import Scan
from bridge.redact.values import harmless
from bridge.redact.values.judge import RULE

SECRET_LOOK = 4_000  # characters of a Kubernetes Secret that are read
SECRET_LINES_MAX = 60

# Hashes of passwords, each by the mark of its scheme (crypt(5), Apache, LDAP, Django): whoever has
# one can search for the password.
_SALTED = r"[./A-Za-z0-9]"
HASHES: Final[dict[str, re.Pattern[str]]] = {
    **dict.fromkeys(("$2a$", "$2b$", "$2x$", "$2y$"), re.compile(rf"\d\d\${_SALTED}{{53}}")),
    "$1$": re.compile(rf"{_SALTED}{{1,8}}\${_SALTED}{{22}}"),
    "$8$": re.compile(rf"{_SALTED}{{14}}\${_SALTED}{{43}}"),
    "$9$": re.compile(rf"{_SALTED}{{14}}\${_SALTED}{{43}}|[./A-Za-z0-9-]{{10,200}}(?=[\"\\;])"),
    "$apr1$": re.compile(rf"{_SALTED}{{1,8}}\${_SALTED}{{22}}"),
    "$5$": re.compile(rf"(?:rounds=\d{{1,9}}\$)?{_SALTED}{{1,16}}\${_SALTED}{{43}}"),
    "$6$": re.compile(rf"(?:rounds=\d{{1,9}}\$)?{_SALTED}{{1,16}}\${_SALTED}{{86}}"),
    "$y$": re.compile(rf"{_SALTED}{{1,40}}\${_SALTED}{{1,86}}\${_SALTED}{{43}}"),
    "$7$": re.compile(rf"{_SALTED}{{12,90}}\${_SALTED}{{43}}|\d{{1,6}}\$[A-Za-z0-9+/=]{{8,64}}\$[A-Za-z0-9+/=]{{40,100}}"),
    "$p$": re.compile(rf"{_SALTED}{{31}}(?!{_SALTED})"),
    "$argon2": re.compile(r"(?:id|i|d)\$v=\d{1,3}\$m=\d{1,10},t=\d{1,6},p=\d{1,4}\$[A-Za-z0-9+/]{8,128}\$[A-Za-z0-9+/]{16,128}"),
    "$scrypt$": re.compile(r"ln=\d{1,3},r=\d{1,3},p=\d{1,3}\$[A-Za-z0-9+/]{8,128}\$[A-Za-z0-9+/]{16,128}"),
    "$pbkdf2": re.compile(r"(?:-sha(?:1|256|512))?\$\d{1,9}\$[./A-Za-z0-9]{8,128}\$[./A-Za-z0-9]{16,128}"),
    **dict.fromkeys(
        ("pbkdf2_sha256$", "pbkdf2_sha1$", "pbkdf2_sha512$"),
        re.compile(r"\d{1,9}\$[A-Za-z0-9]{6,64}\$[A-Za-z0-9+/]{20,100}={0,2}"),
    ),
    **dict.fromkeys(("{sha}", "{ssha}", "{ssha256}", "{ssha512}", "{smd5}"), re.compile(r"[A-Za-z0-9+/]{20,140}={0,2}")),
}  # fmt: skip


_CUT_HASH = re.compile(r"(?=[a-z0-9=,]{0,20}\d)[./A-Za-z0-9$=,+]{12,200}")


def hashed(scan: Scan, start: int, end: int, data: object) -> int:
    """A password hash, mark and all."""
    assert isinstance(data, re.Pattern)
    text = scan.text
    if start and text[start] == "$" and text[start - 1].isalnum():
        return 0
    found = data.match(text, end, scan.end) or _CUT_HASH.fullmatch(text, end, scan.end)
    if found is None:
        return 0
    is_cut = found.re is _CUT_HASH
    return scan.add(start, found.end(), "password-hash", RULE, is_cut=is_cut)


# Literal -> what stands before the password and the password itself, from the literal on.
# libpq's `.pgpass`: host:port:database:user:password. Oracle's thin driver: user/password@.
FIELDS: Final[dict[str, re.Pattern[str]]] = {
    **dict.fromkeys(
        (":5432:", ":5433:", ":6432:", ":*:*:", ":*:"),
        re.compile(r"(?:(?<=:\*:)[\w*.-]{1,64}:|[\w*.-]{1,64}:(?=[\w*.-]{1,64}:))?[\w*.-]{1,64}:(?P<secret>[^\s:\"'\\]{4,128})(?=[\s\"'\\]|\Z)"),
    ),
    ":oci:": re.compile(r"\w{1,40}/(?P<secret>[^\s@/\"']{3,100})@"),
    ":thin:": re.compile(r"\w{1,40}/(?P<secret>[^\s@/\"']{3,100})@"),
    "ssws ": re.compile(r"(?P<secret>[A-Za-z0-9_-]{20,100})"),
    "auth plain ": re.compile(r"(?P<secret>[A-Za-z0-9+/]{8,512}={0,2})(?=[\s\"'\\]|\Z)"),
    "auth login ": re.compile(r"(?P<secret>[A-Za-z0-9+/]{8,512}={0,2})(?=[\s\"'\\]|\Z)"),
    "auth default ": re.compile(r"(?P<secret>\S{6,256})(?=[\s\"'\\]|\Z)"),
    " login ": re.compile(r"\S{1,64}@\S{3,64}[ ](?P<secret>[^\s\"'\\]{6,64})(?=[\s\"'\\]|\Z)"),
    "ftp> user ": re.compile(r"\S{1,64}[ ](?P<secret>[^\s\"'\\]{6,64})(?=[\s\"'\\]|\Z)"),
    "identify ": re.compile(r"(?P<secret>[^\s\"'\\]{6,64})(?=[\s\"'\\]|\Z)"),
    # Redis: `ACL SETUSER name on >x ~keys +@all`, and the same lines in its file.
    "acl setuser ": re.compile(r"\S{1,64}(?:[ ]{1,3}(?!>)[^\s>]{1,64}){0,12}?[ ]{1,3}>(?P<secret>[^\s\"'\\]{6,128})"),
    " on >": re.compile(r"(?P<secret>[^\s\"'\\./]{6,128})(?=[ ]{1,3}(?:[~&+@%>#-]|all|reset|nopass|sanitize)|[\s\"'\\]|\Z)"),
    "random_password": re.compile(r"[^\0]{0,300}?\bresult\s{1,12}=\s{1,4}\\{0,7}\"(?P<secret>[^\"\\\n]{4,200})"),
    "::add-mask::": re.compile(r"(?P<secret>[^\s\"'\\]{4,512})"),
    "issecret=true]": re.compile(r"(?P<secret>[^\s\"'\\]{4,512})"),
    "snmp-server community ": re.compile(r"(?P<secret>[^\s\"'\\]{4,64})(?=[\s\"'\\]|\Z)"),
}  # fmt: skip


def field(scan: Scan, _start: int, end: int, data: object) -> int:
    """A value by its place in a line of a known layout."""
    assert isinstance(data, re.Pattern)
    found = data.match(scan.text, end, scan.end)
    if found is None:
        return 0
    secret = found.group("secret")
    if not harmless.weight(secret) or not harmless.has_digit(secret):
        return 0
    if harmless.harmless_code(secret, ("password",), ""):
        return 0
    return scan.add(found.start("secret"), found.end("secret"), "password", RULE)


# Commands that print one secret and nothing else.
PRINTERS: Final[dict[str, None]] = dict.fromkeys(
    (
        "op read op://", "pass show ", "wg genkey", "wg genpsk", "initial-password", "gh auth token", "heroku auth:token",
        "auth print-access-token", "auth print-identity-token", "get-login-password", "get-access-token", "account keys list",
        "bw get password", "find-generic-password", "kubectl create token", "kv get -field=", "gopass show ", "secrets versions access ", "rails secret", "key:generate --show", "lpass show ", "pwgen",
    )
)  # fmt: skip
_PRINTED = re.compile(
    r"[^\n\\]{0,200}(?:\n|\\{1,3}n)\\{0,7}\"?(?P<secret>[^\s\"'\\]{12,4096})\\{0,7}\"?(?=\s|\\|\"|\Z)"
)


def printed(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`$ op read op://prod/db/password` and the line below it."""
    found = _PRINTED.match(scan.text, end, scan.end)
    if found is None:
        return 0
    scan.effort += 1
    secret = found.group("secret")
    if harmless.weight(secret) != harmless.HEAVY or harmless.harmless_code(
        secret, ("password",), ""
    ):
        return 0
    first, last = found.span("secret")
    return scan.add(first, last, "secret", RULE, is_cut=last >= scan.end)


_REDIS = re.compile(r"(?P<secret>[^\s\"'\\]{6,128})(?=[\s\"'\\]|\Z)")


def redis(scan: Scan, start: int, end: int, _data: object) -> int:
    """`AUTH x` at the start of a line, as it is typed to a server."""
    text = scan.text
    if text[start:end] != "AUTH ":
        return 0
    if (
        start
        and text[start - 1] not in "\n>\"'"
        and text[max(0, start - 2) : start] not in ("\\n", "> ")
    ):
        return 0
    return field(scan, start, end, _REDIS)


_LINE = re.compile(
    r"[ \t]{1,12}(?P<name>[\w.-]{1,128}):[ \t]{1,4}\\{0,7}[\"']?(?P<value>[A-Za-z0-9+/]{4,8192}={0,2})\Z"
)
_DATA = re.compile(r"(?:\n|\\{1,15}n)data:[ \t]{0,4}(?=\n|\\)")
_BREAK = re.compile(r"\r?\n|\\{1,15}r?\\{0,15}n")


def kubernetes(scan: Scan, start: int, end: int, _data: object) -> int:
    """`kind: Secret`: every value of its `data`, whatever its name; the text may be cut."""
    text = scan.text
    # `kubectl` sorts: the data may stand before the kind. From one object to the next, no further.
    first = max(0, start - SECRET_LOOK)
    low = max(first, scan.low.rfind("kind: ", first, start), text.rfind("---", first, start))
    after = scan.low.find("kind: ", end, min(scan.end, end + SECRET_LOOK))
    limit = after if after >= 0 else min(scan.end, end + SECRET_LOOK)
    block = _DATA.search(text, low, limit)
    if block is None:
        return 0
    at = block.end()
    scan.effort += 4
    done = 0
    for _ in range(SECRET_LINES_MAX):
        broken = _BREAK.match(text, at, limit)
        if broken is None:
            break
        start_of_line = broken.end()
        following = _BREAK.search(text, start_of_line, limit)
        stop = following.start() if following is not None else limit
        line = _LINE.match(text[start_of_line:stop].rstrip(" \\\"',}"))
        if line is None:
            break
        if _is_public(scan, line.group("name"), line.group("value")):
            at = stop
            continue
        first, last = start_of_line + line.start("value"), start_of_line + line.end("value")
        scan.add(first, last, "secret", RULE, is_cut=last >= scan.end)
        done = end
        at = stop
    return done


def _is_public(scan: Scan, name: str, value: str) -> bool:
    """Certificates and user names lie beside the secrets."""
    if value.startswith("LS0tLS1CRUdJTiBDRVJ") or name in ("username", "user", "ca.crt", "tls.crt"):
        return True
    return len(value) < 8 and scan.names.verdict(name).grade == NONE
