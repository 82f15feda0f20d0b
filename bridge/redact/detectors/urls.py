"""User information of URLs and connection strings."""


# ruff: noqa: PLR0911 - a detector is a row of early exits

from __future__ import annotations

import re
from typing import Final

from bridge.redact.detectors.detector import Detector, literals
from bridge.redact.expressions import lazy
from bridge.redact.rule import Rule
from bridge.redact.spans import Scan
from bridge.redact.values import harmless

URL_MAX = 2_048

_USERINFO = re.compile(
    r"(?P<user>[^\s/:@?#\"'<>`\\]{0,256}):(?P<password>[^\s\"'<>`@\\]{1,512}+"
    r"(?:@(?=[^\s\"'<>`@/\\]{0,256}@))?[^\s\"'<>`@\\]{0,512}+)@"
)
_USER_ONLY = lazy(r"(?P<user>[^\s/:@?#\"'<>`\\,]{16,512}):?@")
_CUT_USERINFO = lazy(r"(?P<user>[^\s/:@?#\"'<>`\\]{1,256}):(?P<password>[^\s\"'<>`@/\\]{1,512})\Z")
_CUT_USER = lazy(r"[A-Za-z0-9_-]{20,512}\Z")
_PORT_AND_SETTINGS = lazy(
    r"\d{1,5};\w{1,40}="
)  # `jdbc:sqlserver://db:1433;user=...`: no user information
_HOST = lazy(r"[a-z0-9]{1,60}(?:-[a-z0-9]{1,60})+\Z")  # of a machine or a bucket
_PORT = lazy(r"\d{1,5}(?:[/?#].*)?\Z", re.S)


def url(scan: Scan, start: int, end: int, _data: object) -> int:
    """`://`: user information of a URL, whole or cut at the end of the text."""
    text = scan.text
    if start == 0 or not text[start - 1].isalnum():
        return 0
    limit = min(scan.end, end + URL_MAX)
    at = text.find("@", end, limit)
    if at < 0:
        return _cut_userinfo(scan, end, limit)
    found = _USERINFO.match(text, end, limit)
    if found is None:
        return _lone_user(scan, end, limit)
    password = found.group("password")
    if _PORT_AND_SETTINGS().match(password):
        return 0
    if _PORT().match(password) and (not password.isdigit() or _is_host(found.group("user"))):
        return 0
    if password in _URL_PLACEHOLDERS:
        return 0
    if "/" in password and ("." in found.group("user") or "?" in password):
        return 0
    done = 0
    if _is_token(found.group("user")):
        done = scan.add(*found.span("user"), "url-credential", URL_USERINFO.id)
    if harmless.is_marked(password) or (
        harmless.harmless_text(password, ("password",)) and not _weak_word(password)
    ):
        return done
    return scan.add(*found.span("password"), "url-credential", URL_USERINFO.id)


def _is_token(user: str) -> bool:
    """Is the name of a user a token? An address of a mail is none, its sign escaped."""
    return len(user) >= 20 and "%40" not in user and harmless.weight(user) == harmless.HEAVY


def _is_host(user: str) -> bool:
    return "." in user or user in ("localhost", "")


def _weak_word(password: str) -> bool:
    """In a URL a word is a password: `postgres://app:secret@db`. Placeholders are not."""
    return password.isalnum() and password.islower() and password not in _URL_PLACEHOLDERS


_URL_PLACEHOLDERS = frozenset(
    """password pass passwd pwd secret token key yourpassword mypassword xxx xxxx changeme example
    username user apikey none null placeholder redacted test bar""".split()
)


def _lone_user(scan: Scan, end: int, limit: int) -> int:
    """`https://<token>@host`: a user name with the weight of a token."""
    found = _USER_ONLY().match(scan.text, end, limit)
    if found is None:
        return 0
    user = found.group("user")
    if harmless.weight(user) == harmless.HEAVY and not harmless.harmless_text(user, ()):
        return scan.add(found.start("user"), found.end("user"), "url-credential", URL_USERINFO.id)
    return 0


def _cut_userinfo(scan: Scan, end: int, limit: int) -> int:
    """`postgres://app:par` at the end of a text: the host was cut off."""
    if limit != scan.end or limit - end > 600:
        return 0
    found = _CUT_USERINFO().match(scan.text[end:limit])
    if found is None:
        alone = _CUT_USER().match(scan.text, end, limit)
        if alone is None or harmless.weight(alone.group()) != harmless.HEAVY:
            return 0
        if harmless.is_uuid(alone.group()) or _HOST().match(alone.group()):
            return 0  # `buildkite://<uuid>`, `s3://acme-61bcl5-artifacts`: names of things
        return scan.add(end, limit, "url-credential", URL_USERINFO.id, is_cut=True)
    password = found.group("password")
    if _PORT_AND_SETTINGS().match(password):
        return 0
    if password.isdigit() or _is_host(found.group("user")) or len(password) < 3:
        return 0
    if harmless.harmless_text(password, ("password",)):
        return 0
    start = end + found.start("password")
    return scan.add(start, limit, "url-credential", URL_USERINFO.id, is_cut=True)


def mysql_dsn(scan: Scan, start: int, _end: int, _data: object) -> int:
    """`app:x@tcp(db:3306)/shop`: how the Go driver of MySQL is told."""
    scan.effort += 4
    before = scan.text[max(0, start - 200) : start]
    word = before[1 + max(before.rfind(char) for char in " \t\n\"'`/\\=") :]
    user, colon, password = word.partition(":")
    if not user or not colon or harmless.harmless_text(password, ("password",)):
        return 0
    return scan.add(start - len(password), start, "url-credential", URL_USERINFO.id)


_THIN = lazy(r"\w{1,40}/(?P<password>[^\s@/\"'$<{]{3,32768}+)@")


def oracle(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`jdbc:oracle:thin:scott/x@//db:1521/orcl`."""
    found = _THIN().match(scan.text, end, scan.end)
    if found is None or harmless.harmless_text(found.group("password"), ("password",)):
        return 0
    return scan.add(*found.span("password"), "url-credential", URL_USERINFO.id)


_ESCAPED = lazy(
    r"(?:%(?!2[fF3]|3[aAfF]|40)[0-9A-Fa-f]{2}|[^\s/:@%\"'<>&`\\]){0,256}%3[aA]"
    r"(?P<password>(?:%(?!2[fF3]|3[fF]|40)[0-9A-Fa-f]{2}|[^\s/@%\"'<>&`\\]){3,512}+)%40"
)


def escaped(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`url=postgres%3A%2F%2Fapp%3Ax%40db`: a URL inside a URL."""
    found = _ESCAPED().match(scan.text, end, scan.end)
    if found is None:
        return 0
    password = found.group("password")
    if harmless.harmless_text(password, ("password",)) and not _weak_word(password):
        return 0
    return scan.add(*found.span("password"), "url-credential", URL_USERINFO.id)


URL_USERINFO: Final = Rule("url-userinfo", "user:password@ in a URL or connection string")
USERINFO = Detector(
    name="url-userinfo",
    rule=URL_USERINFO,
    literals=literals("://"),
    look=url,
    finds=("postgres://app:⟦PU⟧@db:5432/shop", "https://⟦a40⟧@git.example.com/x.git"),
    leaves=("https://example.com:8443/a@b", "postgres://app:password@localhost/shop"),
)
ESCAPED_USERINFO = Detector(
    name="url-userinfo-escaped",
    rule=URL_USERINFO,
    literals=literals("%3a%2f%2f"),
    look=escaped,
    finds=("url=postgres%3A%2F%2Fapp%3A⟦PA⟧%40db%3A5432%2Fshop",),
    leaves=(
        "next=https%3A%2F%2Fexample.com%3A8443%2Fa%40b",
        "url=postgres%3A%2F%2Fapp%3Apassword%40db",
    ),
)
MYSQL_DSN = Detector(
    name="mysql-dsn",
    rule=URL_USERINFO,
    literals=literals("@tcp(", "@unix("),
    look=mysql_dsn,
    finds=("app:⟦PA⟧@tcp(db:3306)/shop",),
    leaves=("app:password@tcp(db:3306)/shop",),
)
ORACLE = Detector(
    name="oracle-thin",
    rule=URL_USERINFO,
    literals=literals("jdbc:oracle:thin:", "jdbc:oracle:oci:"),
    look=oracle,
    finds=(
        "jdbc:oracle:thin:scott/⟦A12⟧@//db:1521/orcl",
        "jdbc:oracle:thin:scott/⟦PA⟧@db:1521:orcl",
    ),
    leaves=("jdbc:oracle:thin:@//db:1521/orcl", "jdbc:oracle:thin:scott/${PASSWORD}@db:1521:orcl"),
)
