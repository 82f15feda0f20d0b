"""Is the value below this name a secret? The last word before a span is noted."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line
# ruff: noqa: PLR0911 - a detector is a row of early exits

from __future__ import annotations

import base64
import binascii
from typing import Final

from bridge.redact.expressions import lazy
from bridge.redact.names.classifier import (
    BARE_KEY,
    CODE,
    FORCED,
    SURE,
    WEAKLY,
    Verdict,
)
from bridge.redact.names.issuers import ABOUT, ISSUERS
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import Scan
from bridge.redact.values import harmless
from bridge.redact.values.cookies import are_pairs, cookies
from bridge.redact.values.extent import BARE_MAX, Value, bare_end
from bridge.redact.values.references import is_reference
from bridge.redact.values.whole import is_configuration, tells_itself

# Vault and Consul hand out UUIDs under this name; elsewhere it is the name of a stored secret.
SECRET_ID: Final = ("secret", "id")
SIGNING_KEYS: Final = (
    ("signing", "key"),
    ("gpg", "key"),
    ("pgp", "key"),
    ("signingkey",),
    ("gpgkey",),
)
_KEY_ID = lazy(r"(?:0x)?(?:[0-9A-F]{8}|[0-9A-F]{10}|[0-9A-F]{16}|[0-9A-F]{40})!?\Z")
_DIGEST_PART = lazy(r"[A-Za-z][-_][0-9a-f]{64}\Z")
_TAME = lazy(r"[a-z_]{1,40}[0-9]{0,2}[a-z_]{0,40}[0-9]?[a-z]?\Z")  # `plot2d1`: a name
_SAID = lazy(
    r"[a-z]{3,12}(?:_[a-z]{3,12}){1,4}_?\d{2,4}\Z"
)  # `otter_walrus_42`, as people are told to
_URN = lazy(r"[a-z]{2,20}:[A-Za-z0-9]{6,40}\Z")  # `spotify:track:<id>`
_USER = lazy(r"(?P<user>[A-Za-z_][\w.@+-]{0,63}):(?=[^\s/])")
_MORE_WORDS = lazy(r"[ ](?:[^\W\d_]|[ '’()/.!?-]){2,60}(?:[\r\n]|\Z)")
_DATE = lazy(r"(?:19|20)\d\d-[01]\d-[0-3]\d\Z")
# A line of documentation: `:param password: user provided password`.
_DOCUMENTED = lazy(
    r"(?m:^)[ \t*#/]{0,40}[:@](?:param|type|arg|keyword|returns?)\b[^:\n]{0,40}:[ ]{1,4}(?:\w{1,40}:?[ ]{1,4})?\Z"
)
_NUMBERED = lazy(r"[A-Za-z]{2,8}_?\d{1,3}\Z")
PASSWORDY = frozenset(("password", "passphrase"))
SCHEME = lazy(
    r"(?i)(?:bearer|basic|token|digest|apikey|api-key|negotiate|ntlm|hawk|oauth|sso-key|gitlab|dpop|jwt"
    r"|key|bot|splunk|discogs|ghost|geniekey|klaviyo-api-key|snowflake|aws4-hmac-sha256|hmac(?:-sha256)?"
    r"|sharedkey(?:lite)?|sharedaccesssignature|private-token|user|client|service|secret|zoho-oauthtoken|kagi|ssws"
    r"|key-v1|x-api-key|mac|signature|vapid|webpush|privy|nextauth|pve[a-z]{3}token)(?:[ \t]{1,4}|=)"
)


def counts_as_secret(digits: int, verdict: Verdict) -> bool:
    """Is a number of so many digits a secret below this name?

    Short codes from 3 digits, passwords from 4, keys and tokens from 10: below that they count.
    """
    if verdict.grade == FORCED:
        return True
    if verdict.grade == CODE:
        return digits >= 3
    if verdict.grade != SURE:
        return False
    return digits >= (4 if verdict.kind in PASSWORDY else 10)


def take(scan: Scan, value: Value, verdict: Verdict) -> int:
    """Ask the gate; note the span; return where to go on, or 0."""
    text = scan.text
    start, stop = value.start, value.end
    while start < stop and text[start] in " \t":
        start += 1
    while stop > start and text[stop - 1] in " \t\r":
        stop -= 1
    if stop <= start:
        return 0
    content = text[start:stop]
    cut = value.is_open and stop >= scan.end
    if verdict.kind == "cookie" and are_pairs(text, start, stop):
        done = 0
        for first, last in cookies(text, start, stop):
            done = scan.add(first, last, verdict.kind, ASSIGNMENT.id, is_cut=cut)
        return done
    if not _is_secret(text, start, stop, content, value.quote, verdict, cut=cut):
        return 0
    if not value.quote and stop - start >= BARE_MAX:
        stop = bare_end(scan, stop, start)
        cut = stop >= scan.end
    scheme = SCHEME().match(content) if verdict.grade == SURE and " " in content[:24] else None
    if scheme is not None and scheme.end() < len(content):
        start += scheme.end()
    elif content.startswith("base64:"):  # Laravel
        start += len("base64:")
    elif behind := behind_user(content, verdict):
        if stands_for_another(content[behind:]):
            return 0
        start += behind
    return scan.add(start, stop, verdict.kind, ASSIGNMENT.id, is_cut=cut)


def _is_secret(  # noqa: C901, PLR0912 - one branch per notation
    text: str, start: int, stop: int, content: str, quote: str, verdict: Verdict, *, cut: bool
) -> bool:
    words = verdict.words
    if verdict.grade == FORCED:
        return not harmless.is_marked(content)
    if words[-2:] == SECRET_ID:
        return harmless.is_uuid(content)
    is_signing = words[-2:] in SIGNING_KEYS or words[-1:] in SIGNING_KEYS
    if is_signing and _KEY_ID().match(content):
        return False  # of a key that signs commits or packages, as gpg shows it
    if content.startswith("-----BEGIN"):
        return False  # key blocks and certificates have a detector of their own
    if not harmless.weight(content) and _DOCUMENTED().search(text, max(0, start - 90), start):
        return False
    if verdict.grade == CODE:
        return _is_secret_code(content, words, text[stop : stop + 1], is_bare=not quote)
    weight = harmless.weight(content)
    if verdict.grade == BARE_KEY and weight < harmless.HEAVY:
        return False
    if verdict.grade == WEAKLY and weight < (1 if verdict.kind == "password" else harmless.HEAVY):
        return words[-1:] == ("auth",) and len(content) >= 12 and is_user_and_password(content)
    if words == ("pwd",) and content[:1] == "/":
        return False  # the working directory
    if quote:
        if harmless.harmless_text(content, words) or is_configuration(content):
            return False
        if content[:1] == "{" and tells_itself(content):
            return False
        if len(content) > 512 and " " in content[:200]:
            return False
    elif harmless.harmless_code(content, words, text[stop : stop + 1]):
        return False
    if verdict.grade == BARE_KEY:
        return is_bare_key_secret(content, weight)
    if verdict.grade == WEAKLY:
        if words[-1:] == ("dsn",) and is_url(content):
            return False  # the URL is read as one, and keeps its host
        if verdict.kind == "password" and weight and len(content) >= 6:
            return True
        return (
            weight == harmless.HEAVY
            and (not harmless.is_uuid(content) or is_issued(words))
            and "/" not in content[:1]
            and not harmless.is_identifier(content)
            and not (text[start - 1 : start] == ":" and _URN().match(content))
        )
    if quote:
        return True
    if weight:
        return True
    if cut and len(content) < 6:
        return False
    return _word_is_secret(text, start, stop, content, verdict)


def _is_secret_code(content: str, words: tuple[str, ...], after: str, *, is_bare: bool) -> bool:
    """Below the name of a PIN or a one-time code."""
    if _NUMBERED().match(content) or _DATE().match(content):
        return False  # `pin: GPIO17`
    bare = content.replace("-", "").replace(" ", "")
    if bare.isdigit():
        return 3 <= len(bare) <= 12
    if is_bare and harmless.harmless_code(content, words, after):
        return False
    return (
        harmless.weight(content) >= harmless.SOME_WEIGHT
        and not harmless.harmless_text(content, words)
        and len(content) <= 128
        and " " not in content
    )


def behind_user(content: str, verdict: Verdict) -> int:
    """Where the password of `user:password` begins below a name for both; else 0."""
    if (
        ":" not in content
        or verdict.grade == FORCED
        or (
            verdict.kind != "credential"
            and not any(word.endswith(("userpwd", "userpass")) for word in verdict.words[-1:])
        )
    ):
        return 0
    user = _USER().match(content)
    if user is None or harmless.weight(user.group("user")):
        return 0
    rest = content[user.end() :]
    is_one = stands_for_another(rest) or (len(rest) >= 6 and not harmless.harmless_text(rest, ()))
    return user.end() if is_one else 0


def stands_for_another(content: str) -> bool:
    """A reference to a secret, or the marker of one."""
    return is_reference(content) or harmless.is_marked(content)


def is_url(content: str) -> bool:
    """With a user and a password, which are read where it is read as a URL."""
    return any(sign in content for sign in ("@tcp(", "@unix(")) or (
        "://" in content and "@" in content
    )


def is_issued(words: tuple[str, ...]) -> bool:
    """`heroku_key`: some services hand out UUIDs as keys."""
    return not ISSUERS.isdisjoint(words) and ABOUT.isdisjoint(words)


def is_user_and_password(content: str) -> bool:
    """Base64 of `user:password`, whole or cut: what a registry's login file holds."""
    raw = content.rstrip("=")
    try:
        plain = base64.b64decode(raw[: len(raw) // 4 * 4][:256])
    except (binascii.Error, ValueError):
        return False
    name, colon, _ = plain.partition(b":")
    return bool(colon) and len(name) > 0 and all(32 < byte < 127 for byte in plain)


def is_bare_key_secret(content: str, weight: int) -> bool:
    """Below `key` alone: long, mixed, no path, no id, no hash."""
    if weight != harmless.HEAVY or len(content) < 20 or harmless.is_uuid(content):
        return False
    if any(char in content for char in "/:. "):
        return False
    if _DIGEST_PART().search(content):
        return False  # `npm-Linux-<digest>`: the key of a cache
    return not all(char in "0123456789abcdef-_" for char in content)


# Letters of both cases, and digits in three places: no name in capitals and small letters has them.
_TOLD_KEY = lazy(
    r"(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?![\w-]*[0-9a-f]{16})(?:[A-Za-z_-]*+[0-9]++){3}[\w-]*\Z"
)


def is_told_key(content: str) -> bool:
    """`the key is x`: what else a sentence says of a key is a name, an id or a digest."""
    return 32 <= len(content) <= 256 and _TOLD_KEY().match(content) is not None


def _word_is_secret(text: str, start: int, stop: int, content: str, verdict: Verdict) -> bool:
    """A bare word without digits or signs: a secret in configuration, an identifier in code."""
    if " " in content and verdict.kind in PASSWORDY:
        return True
    is_labelled = content[:1].isupper() or not content.isascii()
    if is_labelled and verdict.kind != "passphrase" and _MORE_WORDS().match(text, stop):
        return False  # `password=Mot de passe`: a translation
    if verdict.words[-1:] == ("pass",) and text[start - 1 : start] != "=":
        return False  # `second pass: remove ...`
    if not content.isascii() and len(content) >= 4:
        return " " not in content  # a translation of its name
    before = text[start - 1 : start]
    after = text[stop : stop + 1]
    ends = after in ("", "\n", "\r", "\\", ";", "&", "<", " ", '"', "'")
    if harmless.is_identifier(content) and after in (";", ",", ")", "(", "]", "}", "."):
        return before == "=" and after == ";" and verdict.kind == "password" and len(content) >= 6
    if before == "=" and text[start - 2 : start - 1] not in " =!<>:":
        return ends and len(content) >= 6
    if "-" in content and len(content) >= 10:
        return ends
    if "_" in content and before == " " and text[start - 2 : start - 1] == "=":
        return False  # `password = saved_value`: code
    return ends and verdict.kind in PASSWORDY and len(content) >= 6 and content.islower()


def is_literal(content: str) -> bool:
    """Where only the place says that a literal belongs to the name, a digit must speak for it."""
    weight = harmless.weight(content)
    if weight == harmless.HEAVY:
        return True
    speaks = harmless.has_digit(content) or harmless.is_chancy(content)
    return (
        weight > 0 and speaks and (_TAME().match(content) is None or bool(_SAID().match(content)))
    )


def looks_made(content: str) -> bool:
    """A password that a person was told to make: both cases, digits, best a sign.

    For places that do not say by themselves that a value stands there.
    """
    digits = sum(char.isdigit() for char in content)
    is_signed = any(char in "!#$%&*+=?@^~" for char in content)
    is_mixed = harmless.is_chancy(content) or content not in (content.lower(), content.upper())
    return len(content) >= 8 and is_literal(content) and is_mixed and (digits >= 2 or is_signed)
