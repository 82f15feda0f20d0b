"""`log in as admin / x`, `root password (x)`: a password beside a name in a sentence."""

# ruff: noqa: E501 - a pattern is read on one line

from __future__ import annotations

from typing import Final

from bridge.redact.detectors.detector import Detector, literals
from bridge.redact.expressions import lazy
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import Scan
from bridge.redact.values import harmless
from bridge.redact.values.extent import TRAIL
from bridge.redact.values.judge import is_literal, looks_made
from bridge.redact.values.spoken import is_common_password

_COUPLE = lazy(
    r"(?:the[ ])?(?:user(?:name)?[ ])?[\"'`(]{0,2}[A-Za-z][\w.@+-]{1,60}[\"'`]?(?:[ ]{0,2}[/|][ ]{0,2}|[ ]?:(?!//)[ ]?)[\"'`]?(?P<secret>[^\s\"'`<>,;()\\]{6,128})"
)
# The same in words, where only what a person was told to make is a password.
_WITH = lazy(
    r"[\"'`]?[A-Za-z][\w.@+-]{1,60}[\"'`]?(?:,[ ]|[ ](?:and|with|using)[ ](?:the[ ])?(?:(?:password|passphrase|pw|pass)[ ])?)[\"'`]?(?P<secret>[^\s\"'`<>,;()\\]{8,128})"
)
_OWNER = lazy(r"[\w@./-]{1,40}(?:[ ][\w@.-]{1,20}){0,3}(?:[ ]are)?:?[ ](?=\S{2,60}[ ]{0,2}[:/|])")
_FILE = lazy(r"\.[a-z]{1,4}(?::\d{1,6})?\Z")
WORDS: Final = (
    "log in as ", "login as ", "log in with ", "login with ", "sign in as ", "sign in with ", "login: ", "login (", "logins: ", "log on as ", "logged in with ", "logged in as ", "credentials: ",
    "credentials are ", "credentials (", "the credentials ", "with credentials ", "using credentials ", "these credentials ", "creds are ", "the creds ", "with creds ", "using creds ", "creds for ", "credentials for ", "login for ", "logins for ", "default login ", "use the login ", "admin login ", "login is ", "logins are ", "account (",
    "admin is ", "admin user is ", "admin account is ", "basic auth ", "basic auth: ", "basic auth with ",
    "stats auth ", "]:25 ", "]:465 ", "]:587 ",
)  # fmt: skip


def couple(scan: Scan, _start: int, end: int, _data: object) -> int:
    """A user name, a stroke or a colon, and a password."""
    text = scan.text
    owner = _OWNER().match(text, end, scan.end) if text[end - 4 : end] == "for " else None
    found = _COUPLE().match(text, end if owner is None else owner.end(), scan.end)
    if found is None:
        return _with(scan, end)
    first, last = found.span("secret")
    if text[end - 3 : end] == "is " and "/" not in text[end:first]:
        return 0  # `admin is online: 14:32`
    while last > first and text[last - 1] in TRAIL and last < scan.end:
        last -= 1
    content = text[first:last]
    if is_common_password(content):
        return scan.add(first, last, "password", ASSIGNMENT.id, is_cut=last >= scan.end)
    if not is_literal(content) or "/" in content or _FILE().search(content):
        return 0
    if harmless.harmless_code(content, ("password",), text[last : last + 1]):
        return 0
    return scan.add(first, last, "password", ASSIGNMENT.id, is_cut=last >= scan.end)


def _with(scan: Scan, at: int) -> int:
    """`log in with dana@example.com and x`."""
    found = _WITH().match(scan.text, at, scan.end)
    if found is None:
        return 0
    first, last = found.span("secret")
    while last > first and scan.text[last - 1] in TRAIL and last < scan.end:
        last -= 1
    content = scan.text[first:last]
    if not looks_made(content) or "/" in content or _FILE().search(content):
        return 0
    return scan.add(first, last, "password", ASSIGNMENT.id, is_cut=last >= scan.end)


_BRACKETED = lazy(r"[\"'`]?(?P<secret>[^\s\"'`()]{6,32768}+)[\"'`]?\)")


def bracketed(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`the root password (x) was changed`."""
    found = _BRACKETED().match(scan.text, end, scan.end)
    if found is None:
        return 0
    content = found.group("secret")
    if not is_literal(content) or harmless.harmless_code(content, ("password",), ")"):
        return 0
    return scan.add(*found.span("secret"), "password", ASSIGNMENT.id)


BRACKETED = Detector(
    name="bracketed",
    rule=ASSIGNMENT,
    literals=literals("password (", "passphrase (", "passwd ("),
    look=bracketed,
    finds=("the root password (⟦PA⟧) was changed",),
    leaves=("the password (optional) is read", "password (see part2.txt)"),
)
_IDENTIFIED = lazy(
    r"(?i)\w{1,40} (?:by|as) (?P<quote>['\"])(?P<secret>[^'\"\n\\]{4,32768}+)(?P=quote)"
)


def identified(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`IDENTIFIED WITH sha256_password BY 'x'`: ClickHouse, MySQL."""
    found = _IDENTIFIED().match(scan.text, end, scan.end)
    if found is None or harmless.harmless_text(found.group("secret"), ("password",)):
        return 0
    return scan.add(*found.span("secret"), "password", ASSIGNMENT.id)


IDENTIFIED = Detector(
    name="identified",
    rule=ASSIGNMENT,
    literals=literals("identified with "),
    look=identified,
    finds=("CREATE USER a IDENTIFIED WITH sha256_password BY '⟦PA⟧'",),
    leaves=("IDENTIFIED WITH auth_socket", "IDENTIFIED WITH mysql_native_password BY '<password>'"),
)
LOGINS = Detector(
    name="logins",
    rule=ASSIGNMENT,
    literals=literals(*WORDS),
    look=couple,
    finds=(
        "log in as admin / ⟦PA⟧",
        "the default login (admin:⟦PA⟧) works",
        "the seeded admin is dana@example.com / ⟦PA⟧",
    ),
    leaves=(
        "log in as admin / operator",
        "login: src/auth2.ts",
        "admin is online: 14:32:01",
        "basic auth is:on2",
        "log in with GitHub / GitLab",
    ),
)
