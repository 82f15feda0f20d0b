"""The prefilter: one pass over a text finds the few places worth a closer look.

A multi-pattern automaton (Aho-Corasick) over the lower-cased text; every literal carries the
detector to ask. Four of five texts have no hit and are done.
"""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import ahocorasick

from bridge.redact.detectors import (
    assignment,
    calls,
    command_line,
    key_blocks,
    schemes,
    stored,
    tokens,
)
from bridge.redact.fold import fold
from bridge.redact.names.issuers import ISSUERS
from bridge.redact.names.words import FOREIGN
from bridge.redact.spans import MARKER, Scan

Detector = Callable[[Scan, int, int, Any], int]


class Anchor(NamedTuple):
    """A literal and what to do where it stands."""

    size: int
    detect: Detector
    data: Any


# Parts of names, short enough to stand in every spelling, long enough to be rare in prose.
NAME_PARTS = (
    "pass", "pwd", "psw", "secret", "token", "key", "auth", "cred", "cookie", "jwt", "phrase",
    "mnemonic", "bearer", "psk", "salt", "pincode", "otp", "cvv", "cvc", "mfa_", "_pat", "pat=",
    "pat:", "pin:", "pin=", "pin\"", "pin'", "pin\\", "_pin", " pin ", "dsn", "kennwort", "senha", "wachtwoord",
    "haslo", "heslo", "contrasen", "motdepasse", "mot de passe", "mot_de_passe", "parola", "sifre", "salasana", "jelszo",
    "losenord", "adgangskode", "verification code", "security code", "verification_code",
    "verificationcode", "securitycode", "security_code", "codeverifier", "code_verifier", "sessid", "sessionid", "clave",
    "geheimnis", "seed phrase", "seed_phrase", "seedphrase", "masterauth", "bindpw", "rootpw", "hmac", "pepper", "pw=", "pw:",
    "pw\"", "pw ", "-pw", "_pw", "storepass", "sig=", "signature=", "code=", "sid=", "&k=", "session=",
    "mfa code", "2fa code", "factor code", "pin code", "login code", "sms code", "confirmation code",
    "client_assertion", "clientassertion", "samlresponse", "recovery code", "backup code", "one-time code", "one-time password", "one-time passcode",
    "one time code", "identified by", "x-amz-sig", "x-goog-sig", "&sig=", "?sig=", "signature\"",
    "activation code", "access code", "unlock code", "pairing code", "authentication code", "authorization code", "auth code", "appid=", "sonar.login",
)  # fmt: skip


# Literals that each bring their own data: rule, detector, table.
_TABLES: tuple[tuple[str, Detector, Mapping[str, Any]], ...] = (
    ("assignment", calls.call, calls.CALLS),
    ("assignment", stored.hashed, stored.HASHES),
    ("assignment", stored.field, stored.FIELDS),
    ("assignment", stored.printed, stored.PRINTERS),
    ("webhook", schemes.webhook, schemes.WEBHOOKS),
    ("provider-token", schemes.infix, schemes.INFIX),
)


def build(off: frozenset[str], extra_names: Iterable[str] = ()) -> Any:
    """Return the automaton for a set of rules; its values are tuples of `Anchor`."""
    anchors: dict[str, list[Anchor]] = {}

    def put(literal: str, detect: Detector, data: Any = None, rule: str = "") -> None:
        if rule not in off and literal:
            anchors.setdefault(literal, []).append(Anchor(len(literal), detect, data))

    put("[redacted:", skip_marker)
    names = [*NAME_PARTS, *ISSUERS, *extra_names, *(fold(word).lower() for word in FOREIGN)]
    for part in dict.fromkeys(names):
        put(part, _named(part), None, "assignment")
    for form in tokens.FORMATS:
        put(form.prefix, tokens.find, form, form.rule)
    put("-begin ", _dashes(key_blocks.begin), None, "pem")
    put("-end ", _dashes(key_blocks.end), None, "pem")
    put("private-lines", key_blocks.putty, None, "pem")
    put("ls0tls1crudjt", key_blocks.base64_pem, None, "pem")
    put("eyj", key_blocks.jwt, None, "jwt")
    for quote in ('"kty"', "'kty'", "kty\\"):
        put(quote, key_blocks.jwk, None, "jwk")
    put("://", schemes.url, None, "url-userinfo")
    put("bearer", schemes.bearer, None, "auth-scheme")
    put("basic ", _shorter(schemes.basic), None, "auth-scheme")
    for rule, detect, table in _TABLES:
        for literal, data in table.items():
            put(literal, detect, data, rule)
    put("auth ", stored.redis, None, "assignment")
    put("kind: secret", stored.kubernetes, None, "assignment")
    for name, patterns in command_line.PROGRAMS.items():
        if patterns:
            put(name + " ", _shorter(command_line.program), patterns, "command-line")
    put("echo ", command_line.echo, None, "command-line")
    put("<<<", command_line.here_string, None, "command-line")
    put("@tcp(", schemes.mysql_dsn, None, "url-userinfo")
    put("@unix(", schemes.mysql_dsn, None, "url-userinfo")
    put("printf ", command_line.echo, None, "command-line")
    automaton = ahocorasick.Automaton()
    for literal, found in anchors.items():
        automaton.add_word(literal, tuple(found))
    automaton.make_automaton()
    return automaton


def _named(part: str) -> Detector:
    """Some parts end in what follows a name, so that they are rare: that is not the name's."""
    if " " in part.strip():
        return _phrase
    lead = len(part) - len(part.lstrip(" &_-"))
    tail = len(part) - len(part.rstrip(" =:\"'\\"))
    if not lead and not tail:
        return assignment.name_hit

    def trimmed(scan: Scan, start: int, end: int, data: object) -> int:
        return assignment.name_hit(scan, start + lead, end - tail, data)

    return trimmed


def _phrase(scan: Scan, start: int, end: int, _data: object) -> int:
    """A name of several words: its last word may have been looked at already, alone."""
    return assignment.name_hit(scan, start, end, "phrase")


def skip_marker(scan: Scan, start: int, _end: int, _data: object) -> int:
    """A marker of an earlier pass: nothing inside it is a name or a value."""
    found = MARKER.match(scan.text, start, scan.end)
    return found.end() if found is not None else 0


def _dashes(detect: Detector) -> Detector:
    """The literal is the last dash and the word; give the detector the whole row of dashes."""

    def wider(scan: Scan, start: int, end: int, data: object) -> int:
        first = start + 1
        while first > 0 and scan.text[first - 1] == "-" and start - first < 8:
            first -= 1
        return detect(scan, first, end, data)

    return wider


def _shorter(detect: Detector) -> Detector:
    """The literal ends in a blank, so that it is a word; the blank belongs to what follows."""

    def shorter(scan: Scan, start: int, end: int, data: object) -> int:
        return detect(scan, start, end - 1, data)

    return shorter
