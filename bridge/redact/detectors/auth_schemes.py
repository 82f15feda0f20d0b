"""`Bearer x` and `Basic x` anywhere in a text."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

import base64
import binascii

from bridge.redact.detectors.detector import Detector, literals, shorter
from bridge.redact.expressions import lazy
from bridge.redact.rule import AUTH_SCHEME
from bridge.redact.spans import Scan
from bridge.redact.values import harmless

_BEARER = lazy(
    r"[\"']?(?:[ \t]{1,4}|%20|\+|:[ \t]?|=[ \t]?|,[ \t]{1,2})(?:token[ \t:=]{1,3})?(?=[A-Za-z0-9._~+/=%-]{8})(?P<value>[A-Za-z0-9._~+/=%:|-]{8,32768}+)"
)
_BASIC = lazy(r"(?:[ \t]{1,4}|%20|\+)(?P<value>[A-Za-z0-9+/_-]{8,32768}+={0,2})")


def bearer(scan: Scan, start: int, end: int, _data: object) -> int:
    """`Bearer x` outside a header line."""
    text = scan.text
    if start and text[start - 1].isalnum() and text[start - 2 : start - 1] not in ("\\", "3", "2"):
        return 0
    found = _BEARER().match(text, end, scan.end)
    if found is None:
        return 0
    first, last = found.span("value")
    while last > first and text[last - 1] in ".:,|" and last < scan.end:
        last -= 1
    value = text[first:last]
    scan.effort += len(value) >> 5
    weight = harmless.weight(value)
    if weight == harmless.NO_WEIGHT or harmless.harmless_code(
        value, ("token", "bearer"), text[last : last + 1]
    ):
        return 0
    if weight == harmless.SOME_WEIGHT and len(value) < 12:
        return 0
    return scan.add(first, last, "authorization", AUTH_SCHEME.id, is_cut=last >= scan.end)


def basic(scan: Scan, start: int, end: int, _data: object) -> int:
    """`Basic x`: base64 of `user:password`."""
    text = scan.text
    if start and text[start - 1].isalnum() and text[start - 2 : start - 1] not in ("\\", "3", "2"):
        return 0
    found = _BASIC().match(text, end, scan.end)
    if found is None:
        return 0
    first, last = found.span("value")
    value = text[first:last]
    scan.effort += len(value) >> 5
    raw = value.rstrip("=")
    at_end = last >= scan.end
    try:
        plain = base64.b64decode(
            raw[: len(raw) // 4 * 4], altchars=b"-_" if "-" in raw or "_" in raw else None
        )
    except (binascii.Error, ValueError):
        return 0
    if b":" in plain and all(9 <= byte < 127 or byte > 159 for byte in plain):
        return scan.add(first, last, "authorization", AUTH_SCHEME.id, is_cut=at_end)
    if at_end and len(value) >= 8 and all(32 <= byte < 127 for byte in plain):
        return scan.add(first, last, "authorization", AUTH_SCHEME.id, is_cut=True)
    return 0


BEARER = Detector(
    name="bearer",
    rule=AUTH_SCHEME,
    literals=literals("bearer"),
    look=bearer,
    finds=("sent Bearer ⟦a40⟧",),
    leaves=("Bearer authentication is required", "bearer ${TOKEN}"),
)
BASIC = Detector(
    name="basic",
    rule=AUTH_SCHEME,
    literals=literals("basic "),
    look=shorter(basic),
    finds=("sent Basic ⟦BP⟧",),
    leaves=("Basic realm=api", "basic authentication"),
)
