"""Private members of JSON web keys."""

from __future__ import annotations

from typing import Final

from bridge.redact.detectors.detector import Detector, literals
from bridge.redact.expressions import lazy
from bridge.redact.rule import Rule
from bridge.redact.spans import Scan

_JWK_MEMBER = lazy(
    r"(\\{0,7}[\"'])(?:d|p|q|dp|dq|qi|k|oth)\1\s{0,8}:\s{0,8}(\\{0,7}[\"'])([A-Za-z0-9_=+/-]{8,32768}+)"
)
JWK_LOOK = 6_000


def jwk(scan: Scan, start: int, end: int, _data: object) -> int:
    """`kty` in a JSON text: the private members of the key around it."""
    text = scan.text
    low = text.rfind("{", max(0, start - JWK_LOOK), start)
    high = text.find("}", end, min(scan.end, end + JWK_LOOK))
    if high < 0:
        high = min(scan.end, end + JWK_LOOK)
    found = 0
    for member in _JWK_MEMBER().finditer(text, max(0, low), high):
        scan.add(member.start(3), member.end(3), "private-key", JWK.id)
        found = end
    return found


JWK: Final = Rule("jwk", "private members of JSON web keys")
WEB_KEYS = Detector(
    name="jwk",
    rule=JWK,
    literals=literals('"kty"', "'kty'", "kty\\"),
    look=jwk,
    finds=('{"kty":"EC","crv":"P-256","x":"⟨a43⟩","d":"⟦a43⟧"}x',),
    leaves=('{"kty":"EC","crv":"P-256","x":"⟨a43⟩","y":"⟨a43⟩"}x',),
)
