"""Key blocks and JSON web tokens: PEM whole, escaped, on one line, cut or in base64; PuTTY; JWK."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

import base64
import binascii
import re

from bridge.redact.spans import Scan

BLOCK_MAX = 16_384  # characters of one key block; a PEM of an 8192-bit RSA key has 6,400
JWT_MAX = 8_192

_BEGIN = re.compile(
    r"-{4,5} ?BEGIN ((?:[A-Z0-9]{1,20} ){0,5}(?:PRIVATE KEY(?: BLOCK)?|Static key V1)) ?-{4,5}",
    re.I,
)
_END_OF = re.compile(
    r"-{4,5} ?END (?:[A-Z0-9]{1,20} ){0,5}(?:PRIVATE KEY(?: BLOCK)?|Static key V1) ?-{4,5}", re.I
)
# What stands between the lines of a block: line ends real and escaped, string joints of code.
_LEAD = re.compile(r"(?:\s|\\+[nr]|[\"'+,>|#*]|&#10;|%0[AaDd]){0,40}")
_BODY = re.compile(
    r"(?:[A-Za-z0-9+/=:;,.()@ \t\r\n>|#*+\"'_-]|\\+[nrt\"'/]|\\+u00[0-9a-f]{2}|%[0-9A-Fa-f]{2}|<br ?/?>|&#1[03];)"
    r"{0,16384}+"
)
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,8192}+(?:\.[A-Za-z0-9_-]{0,8192}+){0,4}(?:%3[Dd]|=){0,2}")
_B64_RUN = re.compile(r"(?:[A-Za-z0-9+/_-]|\\+[nr]|\s(?=[A-Za-z0-9+/]{20})|\\/){16,24576}+={0,2}")
_PUTTY = re.compile(r"(?:\s|\\+[rn]){1,4}((?:[A-Za-z0-9+/=]{1,80}(?:\s|\\+[rn]){0,4}){1,400})")
_JWK_MEMBER = re.compile(
    r"(\\{0,7}[\"'])(?:d|p|q|dp|dq|qi|k|oth)\1\s{0,8}:\s{0,8}(\\{0,7}[\"'])([A-Za-z0-9_=+/-]{8,4096}+)"
)
JWK_LOOK = 6_000
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=]{16}")
_COUNT = re.compile(r":\s?\d{1,4}")


def begin(scan: Scan, start: int, _end: int, _data: object) -> int:
    """`-----BEGIN`: redact the body of a private key up to END, or to the end of the text."""
    text = scan.text
    found = _BEGIN.match(text, start, scan.end)
    if found is None:
        return 0
    first = _LEAD.match(text, found.end(), scan.end).end()  # type: ignore[union-attr]
    closing = _END_OF.search(text, first, min(scan.end, first + BLOCK_MAX))
    if closing is not None:
        last = closing.start()
        resume = closing.end()
    else:
        last = _BODY.match(text, first, min(scan.end, first + BLOCK_MAX)).end()  # type: ignore[union-attr]
        resume = last
    while last > first and text[last - 1] in " \t\r\n\"'+,\\|>#*":
        last -= 1
    if closing is not None and text[last - 1 : last] in "nr" and _escaped(text, last - 1):
        last -= 1
        while last > first and text[last - 1] == "\\":
            last -= 1
    if text.startswith("...[truncated", last - 3):
        last -= 3  # upstream's mark, its line end escaped
        while last > first and (text[last - 1] == "\\" or text[last - 2 : last] in ("\\n", "\\r")):
            last -= 1
    if last - first < 8 or text.startswith(("[REDACTED", "..."), first):
        return resume
    body = text[first:last]
    if closing is not None and _KEY_LINE.search(body) is None:
        return resume  # the two lines named in code, nothing between them
    if len(body) < 64 and ("..." in body or "…" in body or "<" in body):
        return resume
    scan.add(first, last, "private-key", "pem", is_cut=closing is None)
    return resume


def _escaped(text: str, at: int) -> bool:
    return at > 0 and text[at - 1] == "\\"


def end(scan: Scan, start: int, _end: int, _data: object) -> int:
    """`-----END` without a BEGIN: the head of the block was cut off; redact the lines before it."""
    text = scan.text
    found = _END_OF.match(text, start, scan.end)
    if found is None:
        return 0
    low = max(scan.spans[-1].end if scan.spans else 0, start - BLOCK_MAX)
    first = _block_start(text, low, start)
    last = start
    while last > first and (text[last - 1] in " \t\r\n\"'+,\\"):
        last -= 1
    if last - first >= 16:
        scan.add(first, last, "private-key", "pem", is_cut=True)
    return found.end()


_PIECE = re.compile(r"\\+[nr]|[A-Za-z0-9+/=]{1,20000}|[\s\"'+,>|#*]{1,200}|.", re.S)


def _block_start(text: str, low: int, start: int) -> int:
    """Walk back over base64 lines with real or escaped line ends between them.

    A line of a block has 40 characters or more, but for the last and, when the text begins in its
    middle, the first.
    """
    first = start
    lines = 0
    for piece in reversed(list(_PIECE.finditer(text, low, start))):
        chars = piece.group()
        if chars[0].isalnum() or chars[0] in "+/=":
            if len(chars) < 40 and lines and piece.start() > 0:
                break
            if len(chars) < 4:
                break
            lines += 1
            first = piece.start()
        elif not (chars[0] == "\\" and len(chars) > 1) and chars.strip("\"'+,>|#* \t\r\n"):
            break
    return first


def jwt(scan: Scan, start: int, _end: int, _data: object) -> int:
    """`eyJ`: a JSON web token, whole or cut; other base64 of a JSON object passes."""
    text = scan.text
    if start and (text[start - 1].isalnum() or text[start - 1] in "_-/+"):
        before = text[start - 1]
        if not (before in "nrtD" and start > 1 and text[start - 2] in "\\3"):
            return 0
    found = _JWT.match(text, start, min(scan.end, start + JWT_MAX * 3))
    if found is None:
        return 0
    stop = found.end()
    while stop > start and text[stop - 1] in ".-" and stop < scan.end:
        stop -= 1
    parts = text[start:stop].split(".")
    at_end = stop >= scan.end
    if len(parts) >= 2 and (len(parts[1]) >= 8 or at_end) and _is_jose(parts[0]):
        return scan.add(start, stop, "jwt", "jwt", is_cut=at_end and len(parts) < 3)
    if at_end and stop - start >= 12 and _is_jose(parts[0]):
        return scan.add(start, stop, "jwt", "jwt", is_cut=True)
    return 0


_JOSE = ("alg", "typ", "kid", "enc", "cty", "jku", "x5t")


def _is_jose(head: str) -> bool:
    raw = head[: len(head) // 4 * 4][:160]
    try:
        plain = base64.urlsafe_b64decode(raw)
    except (binascii.Error, ValueError):
        return False
    return any(b'"' + word.encode() + b'"' in plain for word in _JOSE)


def base64_pem(scan: Scan, start: int, _end: int, _data: object) -> int:
    """`LS0tLS1CRUdJT`: base64 of a PEM header; only private keys are redacted."""
    text = scan.text
    found = _B64_RUN.match(text, start, scan.end)
    if found is None:
        return 0
    run = re.sub(r"\\+[nr/]|\s", "", found.group()[:160])
    try:
        plain = base64.b64decode(run[: len(run) // 4 * 4])
    except (binascii.Error, ValueError):
        return found.end()
    is_cut = found.end() >= scan.end
    if b"PRIVATE" in plain or (is_cut and len(plain) < 30 and b"BEGIN" in plain):
        return scan.add(start, found.end(), "private-key", "pem", is_cut=is_cut)
    return found.end()


def putty(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`Private-Lines: 8`: the lines that follow."""
    head = _COUNT.match(scan.text, end, scan.end)
    if head is None:
        return 0
    found = _PUTTY.match(scan.text, head.end(), min(scan.end, head.end() + BLOCK_MAX))
    if found is None:
        return 0
    last = found.end(1)
    tail = scan.text.find("Private-MAC", found.start(1), last + 16)
    if tail > 0:
        last = tail
    while last > found.start(1) and scan.text[last - 1] in " \r\n\\":
        last -= 1
    return scan.add(found.start(1), last, "private-key", "pem")


def jwk(scan: Scan, start: int, end: int, _data: object) -> int:
    """`kty` in a JSON text: the private members of the key around it."""
    text = scan.text
    low = text.rfind("{", max(0, start - JWK_LOOK), start)
    high = text.find("}", end, min(scan.end, end + JWK_LOOK))
    if high < 0:
        high = min(scan.end, end + JWK_LOOK)
    found = 0
    for member in _JWK_MEMBER.finditer(text, max(0, low), high):
        scan.add(member.start(3), member.end(3), "private-key", "jwk")
        found = end
    return found
