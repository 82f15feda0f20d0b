"""Where a text may name a secret: the parts of names that the automaton looks for."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bridge.redact.fold import fold
from bridge.redact.names.issuers import ISSUERS
from bridge.redact.names.words import FOREIGN

# Parts of names, short enough to stand in every spelling, long enough to be rare in prose.
NAME_PARTS = (
    "pass", "pwd", "psw", "secret", "token", "key", "auth", "cred", "cookie", "jwt", "phrase",
    "mnemonic", "bearer", "psk", "salt", "pincode", "otp", "cvv", "cvc", "mfa_", "_pat", "pat=",
    "pat:", "pin:", "pin=", "pin\"", "pin'", "pin\\", "_pin", " pin ", "dsn", "kennwort", "senha", "wachtwoord",
    "haslo", "heslo", "contrasen", "motdepasse", "mot de passe", "mot_de_passe", "parola", "sifre", "salasana", "jelszo",
    "losenord", "adgangskode", "verification code", "security code", "verification_code",
    "verificationcode", "securitycode", "security_code", "codeverifier", "code_verifier", "sessid", "sessionid", "clave",
    "geheimnis", "seed phrase", "seed_phrase", "seedphrase", "masterauth", "bindpw", "rootpw", "hmac", "pepper", "pw=", "pw:",
    "pw\"", "pw\\", "pw ", "-pw", "_pw", "storepass", "sig=", "signature=", "code=", "sid=", "&k=", "session=",
    "mfa code", "2fa code", "factor code", "pin code", "login code", "sms code", "confirmation code",
    "client_assertion", "clientassertion", "samlresponse", "recovery code", "backup code", "one-time code", "one-time password", "one-time passcode",
    "one time code", "identified by", "x-amz-sig", "x-goog-sig", "&sig=", "?sig=", "signature\"", "signature\\",
    "puk:", "puk=", "puk code", "activation code", "access code", "unlock code", "pairing code", "authentication code", "authorization code", "auth code", "appid=", "sonar.login", "sonar_login", "sonarlogin",
)  # fmt: skip


class Part(NamedTuple):
    """What of a literal is not the name's: characters before and behind it that make it rare.

    `is_phrase`: a name of several words. Its last word may have been looked at already, alone.
    """

    lead: int
    tail: int
    is_phrase: bool


def name_literals(extra: Iterable[str] = ()) -> Mapping[str, Part | None]:
    """Every literal with its `Part`; None if all of it is part of the name."""
    words = [*NAME_PARTS, *ISSUERS, *extra, *(fold(word).lower() for word in FOREIGN)]
    return {word: _part(word) for word in words if word}


def _part(word: str) -> Part | None:
    if " " in word.strip():
        return Part(0, 0, is_phrase=True)
    lead = len(word) - len(word.lstrip(" &_-"))
    tail = len(word) - len(word.rstrip(" =:\"'\\"))
    return Part(lead, tail, is_phrase=False) if lead or tail else None
