"""Hashes of passwords, each by the mark of its scheme: whoever has one can search for the password."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

from typing import Final

from bridge.redact.detectors.detector import Detector
from bridge.redact.expressions import Lazy, lazy
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import Scan

_SALTED = r"[./A-Za-z0-9]"
HASHES: Final[dict[str, Lazy]] = {
    **dict.fromkeys(("$2a$", "$2b$", "$2x$", "$2y$"), lazy(rf"\d\d\${_SALTED}{{53}}")),
    "$1$": lazy(rf"{_SALTED}{{1,8}}\${_SALTED}{{22}}"),
    "$8$": lazy(rf"{_SALTED}{{14}}\${_SALTED}{{43}}"),
    "$9$": lazy(rf"{_SALTED}{{14}}\${_SALTED}{{43}}|[./A-Za-z0-9-]{{10,200}}(?=[\"\\;])"),
    "$apr1$": lazy(rf"{_SALTED}{{1,8}}\${_SALTED}{{22}}"),
    "$5$": lazy(rf"(?:rounds=\d{{1,9}}\$)?{_SALTED}{{1,16}}\${_SALTED}{{43}}"),
    "$6$": lazy(rf"(?:rounds=\d{{1,9}}\$)?{_SALTED}{{1,16}}\${_SALTED}{{86}}"),
    "$y$": lazy(rf"{_SALTED}{{1,40}}\${_SALTED}{{1,86}}\${_SALTED}{{43}}"),
    "$7$": lazy(rf"{_SALTED}{{12,90}}\${_SALTED}{{43}}|\d{{1,6}}\$[A-Za-z0-9+/=]{{8,64}}\$[A-Za-z0-9+/=]{{40,100}}"),
    "$p$": lazy(rf"{_SALTED}{{31}}(?!{_SALTED})"),
    "$argon2": lazy(r"(?:id|i|d)\$v=\d{1,3}\$m=\d{1,10},t=\d{1,6},p=\d{1,4}\$[A-Za-z0-9+/]{8,128}\$[A-Za-z0-9+/]{16,128}"),
    "$scrypt$": lazy(r"ln=\d{1,3},r=\d{1,3},p=\d{1,3}\$[A-Za-z0-9+/]{8,128}\$[A-Za-z0-9+/]{16,128}"),
    "$pbkdf2": lazy(r"(?:-sha(?:1|256|512))?\$\d{1,9}\$[./A-Za-z0-9]{8,128}\$[./A-Za-z0-9]{16,128}"),
    **dict.fromkeys(
        ("pbkdf2_sha256$", "pbkdf2_sha1$", "pbkdf2_sha512$"),
        lazy(r"\d{1,9}\$[A-Za-z0-9]{6,64}\$[A-Za-z0-9+/]{20,100}={0,2}"),
    ),
    **dict.fromkeys(("{sha}", "{ssha}", "{ssha256}", "{ssha512}", "{smd5}"), lazy(r"[A-Za-z0-9+/]{20,140}={0,2}")),
}  # fmt: skip


_CUT_HASH = lazy(r"(?=[a-z0-9=,]{0,20}\d)[./A-Za-z0-9$=,+]{12,200}")


def hashed(scan: Scan, start: int, end: int, data: Lazy) -> int:
    """A password hash, mark and all."""
    text = scan.text
    if start and text[start] == "$" and text[start - 1].isalnum():
        return 0
    found = data().match(text, end, scan.end) or _CUT_HASH().fullmatch(text, end, scan.end)
    if found is None:
        return 0
    is_cut = found.re is _CUT_HASH()
    return scan.add(start, found.end(), "password-hash", ASSIGNMENT.id, is_cut=is_cut)


PASSWORD_HASHES = Detector(
    name="password-hashes",
    rule=ASSIGNMENT,
    literals=HASHES,
    look=hashed,
    finds=("dana:⟦$2y$10${a53}⟧",),
    leaves=("costs $2a and $6 each", "sha512-⟨b86⟩=="),
)
