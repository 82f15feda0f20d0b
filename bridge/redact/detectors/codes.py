"""Codes that are used once or few times: lists of backup codes, PIN and PUK, codes in messages."""

# ruff: noqa: E501 - a pattern is read on one line

from __future__ import annotations

import re
from typing import Final

from bridge.redact.detectors.detector import Detector, literals
from bridge.redact.expressions import Lazy, lazy
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import Scan

CODES_MAX: Final = 24  # of one list

_HEAD = lazy(
    r"s?(?:\\{0,7}[\"'])?[ \t]{0,4}(?:\([^()\n]{1,60}\)|are|(?:for|of|to)(?:[ ][\w.@-]{1,40}){1,5})?[ \t]{0,4}(?:\*{1,2})?[:=]?(?:\*{1,2})?[ \t]{0,4}\[?"
    r"(?:(?:\r?\n|\\{1,7}n)[-=~ \t]{0,60}){0,3}"
)
_CODE = lazy(
    r"[ \t]{0,12}(?:\d{1,2}[.)][ \t]{1,4}|[-*•][ \t]{1,4}|\[[ x]\][ \t])?(?:\\{0,7}[\"'`])?"
    r"(?P<code>[0-9A-Za-z]{3,6}(?:[-][0-9A-Za-z]{3,6}){1,3}|\d{3,5}[ ]\d{3,5}|(?=[0-9A-Za-z]{0,11}\d)[0-9A-Za-z]{6,16})(?![\w-])(?:\\{0,7}[\"'`])?"
    r"(?:[ \t]{0,3},[ \t]{0,3}|[ \t]{0,8}(?:\r?\n|\\{1,7}n)|[ \t]{1,12}|(?=[\]},.;]|\\{0,7}[\"']|\Z))"
)


def backup_codes(scan: Scan, _start: int, end: int, _data: object) -> int:
    """The codes below or behind a heading: at least two, unless the heading ends in a colon."""
    text = scan.text
    head = _HEAD().match(text, end, scan.end)
    if head is None:
        return 0
    scan.effort += 1
    at = head.end()
    found: list[re.Match[str]] = []
    while len(found) < CODES_MAX:
        code = _CODE().match(text, at, scan.end)
        if code is None or code.end() == at:
            break
        found.append(code)
        at = code.end()
        if text.startswith(("\n", "\r\n"), at) and len(found) > 1:
            at += 1  # codes in two blocks
    is_list = len(found) > 1 or (len(found) == 1 and ":" in head.group())
    if not is_list or not any(char.isdigit() for code in found for char in code.group("code")):
        return 0
    for code in found:
        scan.add(*code.span("code"), "otp", ASSIGNMENT.id, is_cut=code.end("code") >= scan.end)
    return found[-1].end("code")


_SHORT = lazy(
    r"[12]?(?:[ ]code)?(?:[ ](?:is|was))?[ ]{0,2}[:=]?[ ]{0,2}(?P<code>\d{4,8})(?![\w.-])"
)


def pin(scan: Scan, start: int, end: int, _data: object) -> int:
    """`PIN 4318 PUK 09213938`, in capitals."""
    text = scan.text
    if not text[start:end].isupper() or (
        start and (text[start - 1].isalnum() or text[start - 1] in "_-")
    ):
        return 0
    found = _SHORT().match(text, end, scan.end)
    return scan.add(*found.span("code"), "otp", ASSIGNMENT.id) if found is not None else 0


_TOLD: Final[dict[str, Lazy]] = {
    " is your ": lazy(r"(?:[\w .-]{0,40}[ ])?(?:code|otp|passcode|pin)\b", re.I),
    "use code ": lazy(
        r"(?P<code>\d{4,8})(?![\w.-])(?=[^\n]{0,24}\b(?:sign|log|verify|confirm|complete|continue|authenticate)\b)"
    ),
    "enter ": lazy(
        r"(?:(?:the[ ])?code[ ])?(?P<code>\d{4,8})(?![\w.-])(?=[ ]{1,2}(?:to|in|on|at)\b[^\n]{0,30}\b(?:sign|log|verify|confirm|complete|authenticate|login|prompt)\b)"
    ),
    " as your ": lazy(r"(?:[\w .-]{0,40}[ ])?(?:code|otp|passcode|pin)\b", re.I),
    "your code is": lazy(r"[: ]{1,3}(?P<code>\d{4,8})(?![\w.-])"),
    "your code: ": lazy(r"(?P<code>\d{4,8})(?![\w.-])"),
}
_BEFORE = lazy(r"(?<![\w.-])(?:[A-Z]-)?(?P<code>\d{4,8})\Z")


def told(scan: Scan, start: int, end: int, data: Lazy) -> int:
    """A code in the sentence of a message."""
    text = scan.text
    found = data().match(text, end, scan.end)
    if found is None:
        return 0
    if "code" in found.re.groupindex:
        return scan.add(*found.span("code"), "otp", ASSIGNMENT.id)
    before = _BEFORE().search(text, max(0, start - 12), start)
    return scan.add(*before.span("code"), "otp", ASSIGNMENT.id) and end if before is not None else 0


BACKUP_CODES = Detector(
    name="backup-codes",
    rule=ASSIGNMENT,
    literals=literals(
        "backup code", "recovery code", "scratch code", "emergency code", "backup_code", "backupcode", "recovery_code", "recoverycode"
    ),
    look=backup_codes,
    finds=("Backup codes:\n1. ⟦{l5}-{d5}⟧\n2. ⟦{l5}-{d5}⟧\n", "Scratch codes:\n  ⟦d8⟧\n  ⟦d8⟧\n"),
    leaves=("Backup codes can be made in the settings.", "recovery code path: src/recover.py"),
)  # fmt: skip
PINS = Detector(
    name="pins",
    rule=ASSIGNMENT,
    literals=literals("pin", "puk"),
    look=pin,
    finds=("PIN ⟦d4⟧ PUK ⟦d8⟧",),
    leaves=("pin 1234 of the chip", "GPIO_PIN 1234", "SPIN 4000"),
)
TOLD_CODES = Detector(
    name="told-codes",
    rule=ASSIGNMENT,
    literals=_TOLD,
    look=told,
    finds=("⟦d6⟧ is your verification code", "Use code ⟦d6⟧ to sign in"),
    leaves=("8080 is your port", "Use code 404 to say that", "Enter 2024 in the field"),
)
