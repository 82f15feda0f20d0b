"""`kind: Secret`: every value of its data, whatever its name."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

import re

from bridge.redact.detectors.detector import Detector, literals
from bridge.redact.names.classifier import NONE
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import Scan

SECRET_LOOK = 40_000  # characters of a Kubernetes Secret that are read
SECRET_LINES_MAX = 60

_LINE = re.compile(
    r"[ \t]{1,12}(?P<name>[\w.-]{1,128}):[ \t]{1,4}\\{0,7}[\"']?(?P<value>[A-Za-z0-9+/]{4,32768}={0,2})\Z"
)
_DATA = re.compile(r"(?:\n|\\{1,15}n)data:[ \t]{0,4}(?=\n|\\)")
_BREAK = re.compile(r"\r?\n|\\{1,15}r?\\{0,15}n")


def kubernetes(scan: Scan, start: int, end: int, _data: object) -> int:
    """`kind: Secret`: every value of its `data`, whatever its name; the text may be cut."""
    text = scan.text
    # `kubectl` sorts: the data may stand before the kind. From one object to the next, no further.
    first = max(0, start - SECRET_LOOK)
    low = max(first, scan.low.rfind("kind: ", first, start), text.rfind("---", first, start))
    after = scan.low.find("kind: ", end, min(scan.end, end + SECRET_LOOK))
    limit = after if after >= 0 else min(scan.end, end + SECRET_LOOK)
    block = _DATA.search(text, low, limit)
    if block is None:
        return 0
    at = block.end()
    scan.effort += 4
    done = 0
    for _ in range(SECRET_LINES_MAX):
        broken = _BREAK.match(text, at, limit)
        if broken is None:
            break
        start_of_line = broken.end()
        following = _BREAK.search(text, start_of_line, limit)
        stop = following.start() if following is not None else limit
        line = _LINE.match(text[start_of_line:stop].rstrip(" \\\"',}"))
        if line is None:
            break
        if _is_public(scan, line.group("name"), line.group("value")):
            at = stop
            continue
        first, last = start_of_line + line.start("value"), start_of_line + line.end("value")
        scan.add(first, last, "secret", ASSIGNMENT.id, is_cut=last >= scan.end)
        done = end
        at = stop
    return done


def _is_public(scan: Scan, name: str, value: str) -> bool:
    """Certificates and user names lie beside the secrets."""
    if value.startswith("LS0tLS1CRUdJTiBDRVJ") or name in ("username", "user", "ca.crt", "tls.crt"):
        return True
    return len(value) < 8 and scan.names.verdict(name).grade == NONE


KUBERNETES_SECRETS = Detector(
    name="kubernetes-secret",
    rule=ASSIGNMENT,
    literals=literals("kind: secret"),
    look=kubernetes,
    finds=("kind: Secret\ndata:\n  thing: ⟦b32⟧\n",),
    leaves=("kind: ConfigMap\ndata:\n  thing: ⟨b32⟩\n",),
)
