"""JSON web tokens, whole and cut, and PASETO."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from bridge.redact.detectors.detector import Detector, literals
from bridge.redact.expressions import lazy
from bridge.redact.rule import Rule
from bridge.redact.spans import Scan

JWT_MAX = 32_768  # characters of a whole token
_JWT = lazy(r"eyJ[A-Za-z0-9_-]{8,32768}+(?:\.[A-Za-z0-9_-]{0,32768}+){0,4}(?:%3[Dd]|=){0,2}")


def jwt(scan: Scan, start: int, _end: int, _data: object) -> int:
    """`eyJ`: a JSON web token, whole or cut; other base64 of a JSON object passes."""
    text = scan.text
    if start and (text[start - 1].isalnum() or text[start - 1] in "_-/+"):
        before = text[start - 1]
        if not (before in "nrtD" and start > 1 and text[start - 2] in "\\3"):
            return 0
    found = _JWT().match(text, start, min(scan.end, start + JWT_MAX))
    if found is None:
        return 0
    stop = found.end()
    scan.effort += (stop - start) >> 5
    while stop > start and text[stop - 1] in ".-" and stop < scan.end:
        stop -= 1
    parts = text[start:stop].split(".")
    at_end = stop >= scan.end
    if len(parts) >= 2 and (len(parts[1]) >= 8 or at_end) and _is_jose(parts[0]):
        return scan.add(start, stop, "jwt", JWT.id, is_cut=at_end and len(parts) < 3)
    if at_end and stop - start >= 12 and _is_jose(parts[0]):
        return scan.add(start, stop, "jwt", JWT.id, is_cut=True)
    return 0


_JOSE = ("alg", "typ", "kid", "enc", "cty", "jku", "x5t")


def _is_jose(head: str) -> bool:
    raw = head[: len(head) // 4 * 4][:160]
    try:
        plain = base64.urlsafe_b64decode(raw)
    except (binascii.Error, ValueError):
        return False
    return any(b'"' + word.encode() + b'"' in plain for word in _JOSE)


JWT: Final = Rule("jwt", "JSON web tokens")
WEB_TOKENS = Detector(
    name="jwt",
    rule=JWT,
    literals=literals("eyj"),
    look=jwt,
    finds=("see ⟦eyJhbGciOiJIUzI1NiJ9.{a40}.{a43}⟧ now",),
    leaves=("eyJuYW1lIjoiZGFuYSJ9 is an object",),
)

_PASETO = lazy(r"v[1-4]\.(?:local|public)\.[A-Za-z0-9_-]{40,32768}+(?:\.[A-Za-z0-9_-]{1,4096})?")


def paseto(scan: Scan, start: int, _end: int, _data: object) -> int:
    """`v4.local.x.footer`: as github.com/paseto-standard/paseto-spec has it."""
    text = scan.text
    if start and (text[start - 1].isalnum() or text[start - 1] in "_-."):
        return 0
    found = _PASETO().match(text, start, scan.end)
    if found is None:
        return 0
    scan.effort += (found.end() - start) >> 5
    return scan.add(start, found.end(), "token", JWT.id, is_cut=found.end() >= scan.end)


PASETO = Detector(
    name="paseto",
    rule=JWT,
    literals=literals(*(f"v{n}.{use}." for n in range(1, 5) for use in ("local", "public"))),
    look=paseto,
    finds=("see ⟦v4.local.{w80}⟧ now", 'x = "⟦v2.public.{w80}.{w20}⟧"'),
    leaves=("v2.public.example.com", "conv4.local.settings"),
)
