"""Key blocks and JSON web tokens: PEM whole, escaped, on one line, cut or in base64; PuTTY; JWK."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

from bridge.redact.detectors.detector import Detector, Look, literals
from bridge.redact.expressions import lazy
from bridge.redact.rule import Rule
from bridge.redact.spans import Scan

BLOCK_MAX = 32_768  # characters of one key block; a PEM of an 8192-bit RSA key has 6,400

_BEGIN = lazy(
    r"-{4,5} ?BEGIN ((?:[A-Z0-9]{1,20} ){0,5}(?:PRIVATE KEY(?: BLOCK)?|Static key V1)) ?-{4,5}",
    re.I,
)
_END_OF = lazy(
    r"-{4,5} ?END (?:[A-Z0-9]{1,20} ){0,5}(?:PRIVATE KEY(?: BLOCK)?|Static key V1) ?-{4,5}", re.I
)
# What stands between the lines of a block: line ends real and escaped, string joints of code.
_LEAD = lazy(r"(?:\s|\\+[nr]|[\"'+,>|#*]|&#10;|%0[AaDd]){0,40}")
_BODY = lazy(
    r"(?:[A-Za-z0-9+/=:;,.()@ \t\r\n>|#*+\"'_-]|\\+[nrt\"'/]|\\+u00[0-9a-f]{2}|%[0-9A-Fa-f]{2}|<br ?/?>|&#1[03];)"
    r"{0,32768}+"
)
_B64_RUN = lazy(r"(?:[A-Za-z0-9+/_-]|\\+[nr]|\s(?=[A-Za-z0-9+/]{20})|\\/){16,32768}+={0,2}")
_PUTTY = lazy(r"(?:\s|\\+[rn]){1,4}((?:[A-Za-z0-9+/=]{1,80}(?:\s|\\+[rn]){0,4}){1,400})")
_KEY_LINE = lazy(r"[A-Za-z0-9+/=]{16}")
_COUNT = lazy(r":\s?\d{1,4}")


def begin(scan: Scan, start: int, _end: int, _data: object) -> int:
    """`-----BEGIN`: redact the body of a private key up to END, or to the end of the text."""
    text = scan.text
    found = _BEGIN().match(text, start, scan.end)
    if found is None:
        return 0
    first = _LEAD().match(text, found.end(), scan.end).end()  # type: ignore[union-attr]
    # Another block begins before this one ends: so all is read once, however many begin.
    limit = min(scan.end, first + BLOCK_MAX)
    other = scan.low.find("-begin ", first, limit)
    closing = _END_OF().search(text, first, limit if other < 0 else other)
    if closing is not None:
        last = closing.start()
        resume = closing.end()
    else:
        last = _BODY().match(text, first, limit).end()  # type: ignore[union-attr]
        resume = last
    while last > first and text[last - 1] in " \t\r\n\"'+,\\|>#*":
        last -= 1
    if closing is not None and text[last - 1 : last] in "nr" and _escaped(text, last - 1):
        last -= 1
        while last > first and text[last - 1] == "\\":
            last -= 1
    last = _before_mark(text, first, last)
    if last - first < 8 or text.startswith(("[REDACTED", "..."), first):
        return resume
    body = text[first:last]
    if closing is not None and _KEY_LINE().search(body) is None:
        return resume  # the two lines named in code, nothing between them
    if len(body) < 64 and ("..." in body or "…" in body or "<" in body):
        return resume
    scan.add(first, last, "private-key", PEM.id, is_cut=closing is None)
    return resume


def _before_mark(text: str, first: int, last: int) -> int:
    """Where a body ends that a tool or upstream cut, without the mark of what is left out."""
    if text.startswith("... [", last - 3):
        last -= 3
        while last > first and text[last - 1] in " \t\r\n":
            last -= 1
    elif text.startswith("...[truncated", last - 3):
        last -= 3  # its line end is escaped
        while last > first and (text[last - 1] == "\\" or text[last - 2 : last] in ("\\n", "\\r")):
            last -= 1
    return last


def _escaped(text: str, at: int) -> bool:
    return at > 0 and text[at - 1] == "\\"


def end(scan: Scan, start: int, _end: int, _data: object) -> int:
    """`-----END` without a BEGIN: the head of the block was cut off; redact the lines before it."""
    text = scan.text
    found = _END_OF().match(text, start, scan.end)
    if found is None:
        return 0
    low = max(scan.spans[-1].end if scan.spans else 0, start - BLOCK_MAX)
    # No block reaches over the end of another: so all is read once, however many ends there are.
    first = _block_start(text, max(low, scan.low.rfind("-end ", low, start)), start)
    last = start
    while last > first and (text[last - 1] in " \t\r\n\"'+,\\"):
        last -= 1
    if last - first >= 16:
        scan.add(first, last, "private-key", PEM.id, is_cut=True)
    return found.end()


_PIECE = lazy(r"\\++[nr]?|[A-Za-z0-9+/=]{1,20000}|[\s\"'+,>|#*]{1,200}|.", re.S)


def _block_start(text: str, low: int, start: int) -> int:
    """Walk back over base64 lines with real or escaped line ends between them.

    A line of a block has 40 characters or more, but for the last and, when the text begins in its
    middle, the first.
    """
    first = start
    lines = 0
    for piece in reversed(list(_PIECE().finditer(text, low, start))):
        chars = piece.group()
        if chars[0].isalnum() or chars[0] in "+/=":
            if len(chars) < 40 and lines and piece.start() > 0:
                break
            if len(chars) < 4:
                break
            lines += 1
            first = piece.start()
        elif chars[-1] not in "nr" and chars.strip("\"'+,>|#* \t\r\n"):
            break
    return first


def base64_pem(scan: Scan, start: int, _end: int, _data: object) -> int:
    """`LS0tLS1CRUdJT`: base64 of a PEM header; only private keys are redacted."""
    text = scan.text
    found = _B64_RUN().match(text, start, scan.end)
    if found is None:
        return 0
    run = re.sub(r"\\+[nr/]|\s", "", found.group()[:160])
    try:
        plain = base64.b64decode(run[: len(run) // 4 * 4])
    except (binascii.Error, ValueError):
        return found.end()
    is_cut = found.end() >= scan.end
    if b"PRIVATE" in plain or (is_cut and len(plain) < 30 and b"BEGIN" in plain):
        return scan.add(start, found.end(), "private-key", PEM.id, is_cut=is_cut)
    return found.end()


def putty(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`Private-Lines: 8`: the lines that follow."""
    head = _COUNT().match(scan.text, end, scan.end)
    if head is None:
        return 0
    found = _PUTTY().match(scan.text, head.end(), min(scan.end, head.end() + BLOCK_MAX))
    if found is None:
        return 0
    last = found.end(1)
    tail = scan.text.find("Private-MAC", found.start(1), last + 16)
    if tail > 0:
        last = tail
    while last > found.start(1) and scan.text[last - 1] in " \r\n\\":
        last -= 1
    return scan.add(found.start(1), last, "private-key", PEM.id)


def _dashes(look: Look) -> Look:
    """The literal is the last dash and the word; give the detector the whole row of dashes."""

    def wider(scan: Scan, start: int, end: int, data: Any) -> int:
        first = start + 1
        while first > 0 and scan.text[first - 1] == "-" and start - first < 8:
            first -= 1
        return look(scan, first, end, data)

    return wider


PEM: Final = Rule("pem", "private key blocks")
KEY_BEGIN = Detector(
    name="pem-begin",
    rule=PEM,
    literals=literals("-begin "),
    look=_dashes(begin),
    finds=("-----BEGIN PRIVATE~KEY-----\n⟦{b64}\n{b64}⟧\n-----END PRIVATE~KEY-----",),
    leaves=("-----BEGIN CERTIFICATE-----\n⟨b64⟩\n-----END CERTIFICATE-----",),
)
KEY_END = Detector(
    name="pem-end",
    rule=PEM,
    literals=literals("-end "),
    look=_dashes(end),
    finds=("⟦{b64}\n{b64}⟧\n-----END PRIVATE~KEY-----",),
    leaves=("⟨b64⟩\n-----END CERTIFICATE-----",),
)
PUTTY = Detector(
    name="putty",
    rule=PEM,
    literals=literals("private-lines"),
    look=putty,
    finds=("Private-Lines: 2\n⟦{b64}\n{b64}⟧\nPrivate-MAC: ⟨h40⟩",),
    leaves=("Public-Lines: 1\n⟨b64⟩",),
)
BASE64_PEM = Detector(
    name="pem-base64",
    rule=PEM,
    literals=literals("ls0tls1crudjt"),
    look=base64_pem,
    finds=("key: ⟦LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0t{b80}⟧ end",),
    leaves=("ca: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t⟨b80⟩ end",),
)
