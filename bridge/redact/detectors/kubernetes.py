"""`kind: Secret`: every value of its data, whatever its name."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

import re

from bridge.redact.detectors.detector import Detector, literals
from bridge.redact.expressions import lazy
from bridge.redact.names.classifier import NONE
from bridge.redact.names.words import BESIDE_WORDS, META
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import Scan
from bridge.redact.values import harmless

JSON_LOOK = 4_000  # characters of one in JSON, to each side of its kind
SECRET_LOOK = 40_000  # characters of a Kubernetes Secret that are read
SECRET_LINES_MAX = 60

_BREAK = lazy(r"\r?\n|\\{1,15}r?\\{0,15}n")
_BLOCK = lazy(r"(?:\A|\n|\\{1,15}n)(?P<map>data|stringData):[ \t]{0,4}(?=\r?\n|\\)")
_MEMBER = lazy(
    r"(?P<indent>[ \t]{1,12})(?P<name>[\w.-]{1,128}):(?:[ \t]{1,4}(?P<value>\S.*))?\Z", re.S
)
_ENCODED = lazy(r"\\{0,7}[\"']?(?P<value>[A-Za-z0-9+/]{4,32768}={0,2})\Z")
_SCALAR = lazy(r"\\{0,7}(?P<quote>[\"']?)(?P<value>.{1,32768}?)\\{0,7}(?P=quote)\Z", re.S)
_INNER = lazy(
    r"[ \t]{1,40}[\"']?(?P<name>[\w.-]{1,128})[\"']?[ \t]{0,8}(?:[:=]|:=)[ \t]{0,8}[\"']?(?P<value>[^\s\"'{}\[\]|>&*#\\][^\s\"'\\]{3,32768})"
)
_PUBLIC = ("username", "user", "ca.crt", "tls.crt", "namespace")


def kubernetes(scan: Scan, start: int, end: int, _data: object) -> int:
    """`kind: Secret`: the values of `data` and `stringData`; the text may be cut."""
    text = scan.text
    # `kubectl` sorts: the data may stand before the kind. From one object to the next, no further.
    first = max(0, start - SECRET_LOOK)
    low = max(first, scan.low.rfind("kind: ", first, start), text.rfind("---", first, start))
    after = scan.low.find("kind: ", end, min(scan.end, end + SECRET_LOOK))
    limit = after if after >= 0 else min(scan.end, end + SECRET_LOOK)
    done = 0
    for block in _BLOCK().finditer(text, low, limit):
        scan.effort += 4
        if _values(scan, block.end(), limit, is_plain=block.group("map") == "stringData"):
            done = end
    return done


def _values(scan: Scan, at: int, limit: int, *, is_plain: bool) -> bool:
    """The members of one map, and the lines of a file that one of them holds."""
    text = scan.text
    found = False
    indent = ""
    for _ in range(SECRET_LINES_MAX):
        broken = _BREAK().match(text, at, limit)
        if broken is None:
            break
        begin = broken.end()
        following = _BREAK().search(text, begin, limit)
        at = following.start() if following is not None else limit
        line = text[begin:at].rstrip(" \\\"',}" if not is_plain else " \r\\")
        member = _MEMBER().match(line)
        if member is None or (indent and len(member.group("indent")) > len(indent)):
            if not is_plain or line[:1] not in " \t":
                break
            found = _config(scan, begin, line) or found
            continue
        indent = member.group("indent")
        value = member.group("value")
        if value is not None:
            where = begin + member.start("value")
            found = _member(scan, where, member.group("name"), value, is_plain=is_plain) or found
    return found


def _member(scan: Scan, where: int, name: str, value: str, *, is_plain: bool) -> bool:
    match = (_SCALAR if is_plain else _ENCODED)().match(value)
    if match is None:
        return False
    content = match.group("value")
    if is_plain:
        if content[0] in "|>" or name in _PUBLIC or not _is_plain_secret(name, content):
            return False
    elif _is_public(scan, name, content):
        return False
    scan.effort += len(content) >> 5
    first, last = where + match.start("value"), where + match.end("value")
    scan.add(first, last, "secret", ASSIGNMENT.id, is_cut=last >= scan.end)
    return True


def _config(scan: Scan, begin: int, line: str) -> bool:
    """A line of a file in a Secret: `thing: x`, `thing = x`."""
    match = _INNER().match(line)
    if match is None or not _is_plain_secret(match.group("name"), match.group("value")):
        return False
    content = match.group("value")
    if not harmless.weight(content) or "://" in content:
        return False  # a URL has a detector of its own
    scan.add(begin + match.start("value"), begin + match.end("value"), "secret", ASSIGNMENT.id)
    return True


def _is_plain_secret(name: str, value: str) -> bool:
    last = re.split(r"[._-]", name.lower())[-1]
    if last in META or last in BESIDE_WORDS or len(value) < 4:
        return False
    return not harmless.harmless_text(value, ()) and not harmless.plain_setting(value)


def _is_public(scan: Scan, name: str, value: str) -> bool:
    """Certificates and user names lie beside the secrets."""
    if value.startswith("LS0tLS1CRUdJTiBDRVJ") or name in _PUBLIC:
        return True
    return len(value) < 8 and scan.names.verdict(name).grade == NONE


_JSON_DATA = lazy(r"\\{0,7}\"(?P<map>data|stringData)\\{0,7}\"\s{0,4}:\s{0,4}\{")
_JSON_MEMBER = lazy(
    r"\s{0,40},?\s{0,40}\\{0,7}\"(?P<name>[\w.-]{1,128})\\{0,7}\"\s{0,4}:\s{0,4}\\{0,7}\"(?P<value>[^\"\\]{4,32768})\\{0,7}\""
)


def in_json(scan: Scan, start: int, end: int, _data: object) -> int:
    """`"kind":"Secret"`: the values of `data`, before it or behind it."""
    done = 0
    for block in _JSON_DATA().finditer(
        scan.text, max(0, start - JSON_LOOK), min(scan.end, end + JSON_LOOK)
    ):
        at = block.end()
        for _ in range(SECRET_LINES_MAX):
            member = _JSON_MEMBER().match(scan.text, at, scan.end)
            if member is None:
                break
            at = member.end()
            name, value = member.group("name"), member.group("value")
            is_plain = block.group("map") == "stringData"
            if _is_plain_secret(name, value) if is_plain else not _is_public(scan, name, value):
                scan.effort += 1 + (len(value) >> 5)
                scan.add(*member.span("value"), "secret", ASSIGNMENT.id)
                done = end
    return done


JSON_SECRETS = Detector(
    name="kubernetes-secret-json",
    rule=ASSIGNMENT,
    literals=literals('kind":"secret', 'kind": "secret', 'kind\\":\\"secret', 'kind\\": \\"secret'),
    look=in_json,
    finds=(
        '{"kind":"Secret","data":{"k":"⟦b32⟧"},"metadata":{"name":"k1"}}',
        '{"data": {"k": "⟦b32⟧"}, "kind": "Secret"}',
    ),
    leaves=('{"kind":"ConfigMap","data":{"k":"⟨b32⟩"}}',),
)
KUBERNETES_SECRETS = Detector(
    name="kubernetes-secret",
    rule=ASSIGNMENT,
    literals=literals("kind: secret"),
    look=kubernetes,
    finds=(
        "kind: Secret\ndata:\n  thing: ⟦b32⟧\n",
        "kind: Secret\nstringData:\n  thing: ⟦PA⟧\n",
        "kind: Secret\nstringData:\n  app.yaml: |\n    host: db.internal\n    thing: ⟦a24⟧\n",
    ),
    leaves=("kind: ConfigMap\ndata:\n  thing: ⟨b32⟩\n",),
)
