"""Commands that print one secret and nothing else, and the line below them."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

import re
from typing import Final

from bridge.redact.detectors.detector import Detector
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import Scan
from bridge.redact.values import harmless

# Commands that print one secret and nothing else.
PRINTERS: Final[dict[str, None]] = dict.fromkeys(
    (
        "op read op://", "pass show ", "wg genkey", "wg genpsk", "initial-password", "gh auth token", "heroku auth:token",
        "auth print-access-token", "auth print-identity-token", "get-login-password", "get-access-token", "account keys list",
        "bw get password", "find-generic-password", "kubectl create token", "kv get -field=", "gopass show ", "secrets versions access ", "rails secret", "key:generate --show", "lpass show ", "pwgen",
    )
)  # fmt: skip
_PRINTED = re.compile(
    r"[^\n\\]{0,200}(?:\n|\\{1,3}n)\\{0,7}\"?(?P<secret>[^\s\"'\\]{12,4096})\\{0,7}\"?(?=\s|\\|\"|\Z)"
)


def printed(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`$ op read op://prod/db/password` and the line below it."""
    found = _PRINTED.match(scan.text, end, scan.end)
    if found is None:
        return 0
    scan.effort += 1
    secret = found.group("secret")
    if harmless.weight(secret) != harmless.HEAVY or harmless.harmless_code(
        secret, ("password",), ""
    ):
        return 0
    first, last = found.span("secret")
    return scan.add(first, last, "secret", ASSIGNMENT.id, is_cut=last >= scan.end)


PRINTED = Detector(
    name="printed",
    rule=ASSIGNMENT,
    literals=PRINTERS,
    look=printed,
    finds=("$ op read op://prod/db/password\n⟦a24⟧",),
    leaves=("$ pass show db\nError: db is not in the password store.",),
)
