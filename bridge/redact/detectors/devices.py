"""Configuration of network devices, of Windows and of daemons: values by their place in a line.

The table holds what stands before the value, as the vendors' references have it; what needs more
than a line has a function.
"""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

from typing import Final

from bridge.redact.detectors.detector import Detector, literals
from bridge.redact.detectors.layouts import field
from bridge.redact.expressions import Lazy, lazy
from bridge.redact.fold import fold
from bridge.redact.names.classifier import NONE
from bridge.redact.rule import ASSIGNMENT, COMMAND_LINE
from bridge.redact.spans import Scan
from bridge.redact.values import harmless
from bridge.redact.values.extent import line_end
from bridge.redact.values.judge import looks_made

LINES_MAX: Final = 32  # of a list of users
_W: Final = r"\\{0,7}[\"']?(?P<secret>[^\s\"'\\;]{4,128})"


def _row(before: str) -> Lazy:
    return lazy(before + _W)


# Literal -> what stands between it and the value. A digit before the value tells how it is obfuscated.
LINES: Final[dict[str, Lazy]] = {
    "isakmp key ": _row(r"(?:[0-9][ ])?"),
    "pre-shared-key ": _row(r"(?:(?:local|remote|cipher|simple|ascii-text|hexadecimal|(?:address|hostname)[ ]\S{1,64}(?:[ ][\d.]{7,15})?[ ]key)[ ]){0,2}(?:[0-9][ ])?"),
    "option key ": _row(r"(?=[\"']?[^\s\"']{8})"),  # OpenWrt
    "key-string ": _row(r"(?:[0-9][ ])?"),
    **dict.fromkeys(("wpa-psk ", "wpa2-psk ", " set-key "), _row(r"(?:ascii|hex)[ ](?:[0-9][ ])?")),
    **dict.fromkeys(("radius-server host ", "tacacs-server host "), _row(r"\S{1,64}(?:[ ](?!key\b)[\w-]{1,20}){0,8}[ ]key[ ](?:[0-9][ ])?")),
    **dict.fromkeys(("tacacs server ", "radius server "), _row(r"[^\n]{1,60}\n(?:[ \t]{1,8}(?!key[ ])[^\n]{0,100}\n){0,6}[ \t]{1,8}key[ ](?:[0-9][ ])?")),
    **dict.fromkeys((" auth sha", " auth md5", " priv aes", " priv des", " priv 3des"), _row(r"(?:-?\d{1,3}){0,2}[ ](?:\d{3}[ ])?")),
    "authentication md5 ": _row(r"\d{1,3}[ ]key[ ]"),
    "message-digest-key ": _row(r"\d{1,3}[ ]md5[ ](?:[0-9][ ])?"),
    "authentication-key ": _row(r"(?:\d{1,5}[ ](?:md5|sha\w*)[ ]|\d{1,5}[ ]type[ ]\w{2,12}[ ]value[ ]|md5[ ]\d{1,3}[ ])?(?:[0-9][ ])?"),
    **dict.fromkeys(("passwd enc ", "password enc ", "psksecret enc ", "secret enc ", "password cipher ", "irreversible-cipher ", "key cipher ", "secret cipher ", "password simple "), _row("")),
    **dict.fromkeys((" : eap ", " : xauth ", " : ntlm ", " : psk "), _row(r"(?=[\"'])")),
    "334 ugfzc3dvcmq6": lazy(r"(?:\\{1,7}r)?(?:\\{1,7}n|\s){1,3}(?:C:[ ]|>[ ]|-->[ ])?(?P<secret>[A-Za-z0-9+/]{8,512}={0,2})(?![\w+/])"),
    "wifi:": lazy(r"(?:[A-Z]{1,3}:(?:[^;\\\n]|\\.){0,80};){0,5}?P:(?P<secret>[^;\\\n]{4,100});"),
    **dict.fromkeys(
        (fold(word) for word in ("key content", "schlüsselinhalt", "contenido de la clave", "contenu de la clé", "contenuto chiave", "conteúdo da chave", "sleutelinhoud", "zawartość klucza", "содержимое ключа", "关键内容")),
        _row(r"[ \t]{0,24}:[ ]{0,4}"),
    ),
    **dict.fromkeys(("auth.user.info=", "auth.user.info: ", "auth.user.info\": "), lazy(r"\\{0,7}[\"']?[^\s:\"']{1,80}:(?P<secret>[^\s\"'\\]{6,256})")),
}  # fmt: skip

_USER = lazy(
    r"[ \t]{0,12}(?:-[ ]{1,3})?\\{0,7}[\"']?[\w.-]{1,32}:(?P<secret>[^\s:\"'\\]{6,128})\\{0,7}[\"']?[ \t]{0,4}\Z"
)
_LIST = lazy(
    r"(?:[^\n]{0,60}\n){0,3}?[^\n]{0,40}?(?:list:[ ]{0,2}[|>]?[-+]?|<<[-~]?[ ]?['\"]?\w{1,20}['\"]?)[ ]{0,4}\n"
)


def users(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`chpasswd` and lines of `user:password` below it."""
    found = _LIST().match(scan.text, end, scan.end)
    if found is None:
        return 0
    at, done = found.end(), 0
    for _ in range(LINES_MAX):
        stop = line_end(scan.text, at, scan.end)
        user = _USER().match(scan.text, at, stop)
        if user is None:
            break
        scan.effort += 1
        content = user.group("secret")
        if harmless.weight(content) and not harmless.harmless_text(content, ("password",)):
            done = scan.add(*user.span("secret"), "password", ASSIGNMENT.id)
        at = stop + 1
    return done


_PEER = lazy(
    r"[ \t]{0,8}[\"']?[^\s\"'#]{1,64}[\"']?[ \t]{1,16}[\"']?[^\s\"']{1,64}[\"']?[ \t]{1,16}[\"']?(?P<secret>[^\s\"']{6,128})[\"']?(?:[ \t]{1,16}[\"']?[\d.*:/a-f-]{1,40}[\"']?)?[ \t]{0,8}\Z"
)


def peers(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`client server secret addresses`, as pppd has it, below the comment that says so."""
    at, done = line_end(scan.text, end, scan.end) + 1, 0
    for _ in range(LINES_MAX):
        stop = line_end(scan.text, at, scan.end) if at < scan.end else at
        peer = _PEER().match(scan.text, at, stop)
        if peer is not None and _speaks(peer.group("secret")):
            done = scan.add(*peer.span("secret"), "password", ASSIGNMENT.id)
        elif stop <= at or scan.text[at] != "#":
            break
        scan.effort += 1
        at = stop + 1
    return done


def _speaks(content: str) -> bool:
    if harmless.harmless_code(content, ("password",), ""):
        return False
    heavy = len(content) >= 12 and harmless.weight(content) == harmless.HEAVY
    return heavy or looks_made(content)


_PIPED = lazy(r"(?P<quote>[\"'])(?P<secret>[^\"'\n]{4,200})(?P=quote)\s{0,4}\)?\s{0,4}\|\s{0,4}\Z")


def piped_string(scan: Scan, start: int, _end: int, _data: object) -> int:
    """`'x' | ConvertTo-SecureString -AsPlainText`."""
    low = max(0, start - 220)
    found = _PIPED().search(scan.text[low:start])
    if found is None:
        return 0
    content = found.group("secret")
    if not harmless.weight(content) or harmless.harmless_text(content, ("password",)):
        return 0
    first, last = found.span("secret")
    scan.add(low + first, low + last, "password", COMMAND_LINE.id)
    return start


_REGISTRY_NAME = lazy(r"(?P<name>[A-Za-z][\w.-]{1,60})[\"']?[ \t]{1,24}(?:/t[ ]{1,2})?\Z")
_REGISTRY_VALUE = lazy(r"[ \t]{1,24}(?:/d[ ]{1,2})?[\"']?(?P<secret>[^\s\"']{4,256})")


def registry(scan: Scan, start: int, end: int, _data: object) -> int:
    """`DefaultPassword    REG_SZ    x`, `/v DefaultPassword /t REG_SZ /d x`."""
    scan.effort += 2
    low = max(0, start - 100)
    named = _REGISTRY_NAME().search(scan.text[low:start])
    value = _REGISTRY_VALUE().match(scan.text, end, scan.end)
    if named is None or value is None or scan.names.verdict(named.group("name")).grade == NONE:
        return 0
    content = value.group("secret")
    if not harmless.weight(content) or harmless.harmless_text(content, ("password",)):
        return 0
    return scan.add(*value.span("secret"), "password", ASSIGNMENT.id)


_BARE = lazy(_W)
_TOLD_NEAR = lazy(r"passw|passphrase|secret|token|api.?key")


def new_value(scan: Scan, start: int, end: int, _data: object) -> int:
    """`Password for the [x] user reset.` and `New value: x` below it."""
    if _TOLD_NEAR().search(scan.low, max(0, start - 160), start) is None:
        return 0
    found = _BARE().match(scan.text, end, scan.end)
    if found is None or not _speaks(found.group("secret")):
        return 0
    return scan.add(*found.span("secret"), "password", ASSIGNMENT.id)


_IMAP_TAG = lazy(r"(?:\A|\n|\\n|[C>]:?[ ])(?=[A-Za-z.]{0,7}\d|\w[ ])[A-Za-z0-9.]{1,8}[ ]\Z")
_IMAP = lazy(r"\\{0,7}\"?[^\s\"\\]{1,64}\\{0,7}\"?[ ]\\{0,7}\"?(?P<secret>[^\s\"\\]{6,128})")
_MONITORED = lazy(r"(?:\\{0,7}\"\w{1,40}\\{0,7}\"[ ])?\\{0,7}\"(?P<secret>[^\s\"\\]{6,128})")


def spoken_to_server(scan: Scan, start: int, end: int, data: Lazy) -> int:
    """`a1 LOGIN dana x`, `"AUTH" "x"`: as clients say it, in capitals."""
    text = scan.text
    if not text[start : start + 4].isupper():
        return 0
    scan.effort += 2
    if data is _IMAP and _IMAP_TAG().search(text, max(0, start - 12), start) is None:
        return 0
    found = data().match(text, end, scan.end)
    if found is None or not harmless.weight(found.group("secret")):
        return 0
    if harmless.harmless_code(found.group("secret"), ("password",), ""):
        return 0
    return scan.add(*found.span("secret"), "password", ASSIGNMENT.id)


DEVICE_LINES = Detector(
    name="device-lines",
    rule=ASSIGNMENT,
    literals=LINES,
    look=field,
    finds=("crypto isakmp key ⟦PA⟧ address 203.0.113.7", "WIFI:S:lab;T:WPA;P:⟦PA⟧;;", "    Key Content            : ⟦PA⟧"),
    leaves=("crypto isakmp key ring", "wpa-psk ascii off", "WIFI:S:lab2x;T:nopass;;", "snmp-server user mon grp v3 auth sha"),
)  # fmt: skip
USER_LISTS = Detector(
    name="user-lists",
    rule=ASSIGNMENT,
    literals=literals("chpasswd"),
    look=users,
    finds=(
        "chpasswd:\n  list: |\n    root:⟦PA⟧\n  expire: false",
        "chpasswd <<EOF\nroot:⟦PA⟧\nEOF\n",
    ),
    leaves=("chpasswd:\n  list: |\n    root:RANDOM\n", "chpasswd < users22.txt\n"),
)
PEERS = Detector(
    name="peers",
    rule=ASSIGNMENT,
    literals=literals(
        "chap-secrets", "pap-secrets", "client server secret", "client\tserver\tsecret"
    ),
    look=peers,
    finds=('# client server secret addresses\n"jo" * "⟦PA⟧" *',),
    leaves=("chap-secrets is read by pppd\nsee pppd Version2.4.9b for more",),
)
SECURE_STRINGS = Detector(
    name="secure-strings",
    rule=COMMAND_LINE,
    literals=literals("convertto-securestring"),
    look=piped_string,
    finds=("('⟦PA⟧' | ConvertTo-SecureString -AsPlainText -Force)",),
    leaves=("$pw | ConvertTo-SecureString -AsPlainText -Force",),
)
REGISTRY = Detector(
    name="registry",
    rule=ASSIGNMENT,
    literals=literals("reg_sz"),
    look=registry,
    finds=(
        "    DefaultPassword    REG_SZ    ⟦PA⟧",
        "reg add K /v DefaultPassword /t REG_SZ /d ⟦PA⟧ /f",
    ),
    leaves=("    DefaultUserName    REG_SZ    Dana2207x",),
)
NEW_VALUES = Detector(
    name="new-values",
    rule=ASSIGNMENT,
    literals=literals("new value: "),
    look=new_value,
    finds=("Password for the [elastic] user successfully reset.\nNew value: ⟦PA⟧",),
    leaves=("Setting max_conn changed.\nNew value: Pool2207x",),
)
SPOKEN = Detector(
    name="spoken-to-servers",
    rule=ASSIGNMENT,
    literals={"login ": _IMAP, 'auth" ': _MONITORED, 'auth\\" ': _MONITORED},
    look=spoken_to_server,
    finds=("a1 LOGIN dana ⟦PA⟧", '1717.1 [0 10.0.0.2:5544] "AUTH" "⟦PA⟧"'),
    leaves=("the LOGIN page App2207x", '"auth" "Basic2207x"', "CREATE ROLE app LOGIN VALID2207x"),
)
