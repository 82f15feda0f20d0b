"""Values by their place in a line of a known layout: `.pgpass`, `AUTH x`, `ACL SETUSER`, masks of CI."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

from typing import Final

from bridge.redact.detectors.detector import Detector, literals
from bridge.redact.expressions import Lazy, lazy
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import Scan
from bridge.redact.values import harmless

# Literal -> what stands before the password and the password itself, from the literal on.
# libpq's `.pgpass`: host:port:database:user:password. Oracle's thin driver: user/password@.
FIELDS: Final[dict[str, Lazy]] = {
    **dict.fromkeys(
        (":5432:", ":5433:", ":6432:", ":*:*:", ":*:"),
        lazy(r"(?:(?<=:\*:)[\w*.-]{1,64}:|[\w*.-]{1,64}:(?=[\w*.-]{1,64}:))?[\w*.-]{1,64}:(?P<secret>[^\s:\"'\\]{4,128})(?=[\s\"'\\]|\Z)"),
    ),
    ":oci:": lazy(r"\w{1,40}/(?P<secret>[^\s@/\"']{3,100})@"),
    ":thin:": lazy(r"\w{1,40}/(?P<secret>[^\s@/\"']{3,100})@"),
    "ssws ": lazy(r"(?P<secret>[A-Za-z0-9_-]{20,100})"),
    "auth plain ": lazy(r"(?P<secret>[A-Za-z0-9+/]{8,512}={0,2})(?=[\s\"'\\]|\Z)"),
    "auth login ": lazy(r"(?P<secret>[A-Za-z0-9+/]{8,512}={0,2})(?=[\s\"'\\]|\Z)"),
    "auth default ": lazy(r"(?P<secret>\S{6,256})(?=[\s\"'\\]|\Z)"),
    " login ": lazy(r"\S{1,64}@\S{3,64}[ ](?P<secret>[^\s\"'\\]{6,64})(?=[\s\"'\\]|\Z)"),
    "ftp> user ": lazy(r"\S{1,64}[ ](?P<secret>[^\s\"'\\]{6,64})(?=[\s\"'\\]|\Z)"),
    "identify ": lazy(r"(?P<secret>[^\s\"'\\]{6,64})(?=[\s\"'\\]|\Z)"),
    # Redis: `ACL SETUSER name on >x ~keys +@all`, and the same lines in its file.
    "acl setuser ": lazy(r"\S{1,64}(?:[ ]{1,3}(?!>)[^\s>]{1,64}){0,12}?[ ]{1,3}>(?P<secret>[^\s\"'\\]{6,128})"),
    " on >": lazy(r"(?P<secret>[^\s\"'\\./]{6,128})(?=[ ]{1,3}(?:[~&+@%>#-]|all|reset|nopass|sanitize)|[\s\"'\\]|\Z)"),
    "random_password": lazy(r"[^\0]{0,300}?\bresult\\{0,7}\"?\s{0,12}[=:]\s{0,4}\\{0,7}\"(?P<secret>[^\"\\\n]{4,200})"),
    "::add-mask::": lazy(r"(?P<secret>[^\s\"'\\]{4,512})"),
    "issecret=true]": lazy(r"(?P<secret>[^\s\"'\\]{4,512})"),
    "snmp-server community ": lazy(r"(?P<secret>[^\s\"'\\]{4,64})(?=[\s\"'\\]|\Z)"),
}  # fmt: skip


def field(scan: Scan, _start: int, end: int, data: Lazy) -> int:
    """A value by its place in a line of a known layout."""
    found = data().match(scan.text, end, scan.end)
    if found is None:
        return 0
    secret = found.group("secret")
    if not harmless.weight(secret) or not harmless.has_digit(secret):
        return 0
    if harmless.harmless_code(secret, ("password",), ""):
        return 0
    return scan.add(found.start("secret"), found.end("secret"), "password", ASSIGNMENT.id)


_REDIS = lazy(r"(?P<secret>[^\s\"'\\]{6,128})(?=[\s\"'\\]|\Z)")


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


LAYOUTS = Detector(
    name="layouts",
    rule=ASSIGNMENT,
    literals=FIELDS,
    look=field,
    finds=("db.internal:5432:shop:app:⟦PA⟧", "::add-mask::⟦a24⟧"),
    leaves=("listening on :5432: ready", "snmp-server community public"),
)
REDIS_AUTH = Detector(
    name="redis-auth",
    rule=ASSIGNMENT,
    literals=literals("auth "),
    look=redis,
    finds=("AUTH ⟦PA⟧",),
    leaves=("auth module loaded", "AUTH required"),
)
