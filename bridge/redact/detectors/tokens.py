"""Finds provider tokens by their prefix, in the middle of a text and cut off at its end."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from bridge.redact.detectors.detector import Detector
from bridge.redact.detectors.prefix_traits import prefixes_with
from bridge.redact.detectors.providers import OWN, TABLE
from bridge.redact.rule import PROVIDER_TOKEN, Rule
from bridge.redact.spans import Scan
from bridge.redact.values.harmless import HEAVY, weight

BODY_MAX = 32_768  # characters; the longest real bodies (web tokens) are about 1,000
# A token cut by upstream's limits keeps at least this much of its body: fewer characters are what
# a list of keys shows of each on purpose (`mog_` and 8).
CUT_BODY_MIN = 8
GLUED_BODY_MIN = 24  # characters of one of our own tokens that is glued to the word before it
LOOSE: Final = 0.75  # share of the usual length that is enough after a distinctive prefix
LONG = 5  # characters of a prefix that says enough for a body shorter than usual
DISTINCTIVE = 4  # characters of a prefix that needs no word boundary before it

_ALPHABETS = {
    "a": "A-Za-z0-9",
    "w": "A-Za-z0-9_-",
    "d": "A-Za-z0-9_.-",
    "h": "0-9a-fA-F",
    "H": "0-9A-Fa-f",
    "u": "A-Z0-9-",
    "l": "a-z0-9",
    "b": "A-Za-z0-9+/=_-",
    "x": "A-Za-z0-9_.~+/=:%$-",
}
_NO_BODY = frozenset(" \t\n\r\"'`()[]{}<>,;|\\!?")  # no body begins with one
# In small letters; every branch begins with a character, so that it is searched for fast.
_FAKE = re.compile(
    r"example|your(?<![a-z0-9]your)|ecdsa-sha2|xxxxxx|\.\.\.|1234567890|abcdefghij|redacted|placeholder"
)
_SAME = re.compile(r"(.)\1{6}")
# After a prefix that is in no example, only these bodies are made up.
_FAKE_OWN = re.compile(r"(?i)x{6}|\.{3}|(.)\1{9}|redacted")


class Format(NamedTuple):
    """One row of the table, ready to match."""

    prefix: str  # lower case
    written: str  # the prefix as it is written
    alphabet: str
    body: re.Pattern[str]
    least: int
    exact: bool
    kind: str
    rule: Rule
    checked: str  # the day, as in a row
    source: str  # where to look when it is checked again
    issuer: str
    names_user: bool  # the prefix is the name of a user before the token, with a colon
    is_never_hex: bool
    ends_names: bool  # ordinary names end in the prefix too
    glues: bool
    is_no_example: bool


_KEY_IDS = prefixes_with("key-id")
_NAME_TOKENS = prefixes_with("names-token")
_NEVER_HEX = prefixes_with("never-hex")
_END_NAMES = prefixes_with("ends-names")
_GLUE = prefixes_with("glues")
_NO_EXAMPLES = prefixes_with("no-example")


def _formats(table: str, rule: Rule) -> list[Format]:
    rows = []
    for line in table.strip().splitlines():
        written, alphabet, size, checked, source, issuer = line.split(maxsplit=5)
        prefix = written.lower()
        exact = size.startswith("=")
        usual = int(size.lstrip("="))
        least = usual if exact or rule is OWN_TOKEN else max(10, int(usual * LOOSE))
        if prefix.endswith("_") and len(prefix) < LONG and not exact and rule is not OWN_TOKEN:
            least = usual
        rows.append(
            Format(
                prefix=prefix,
                written=written,
                alphabet=alphabet,
                body=re.compile(f"[{_ALPHABETS[alphabet]}]{{1,{BODY_MAX}}}+"),
                least=least,
                exact=exact,
                kind="access-key-id" if written in _KEY_IDS else "token",
                rule=rule,
                checked=checked,
                source=source,
                issuer=issuer,
                names_user=written[-1] == ":" and written not in _NAME_TOKENS,
                is_never_hex=written in _NEVER_HEX,
                ends_names=written in _END_NAMES,
                glues=written in _GLUE,
                is_no_example=written in _NO_EXAMPLES,
            )
        )
    return rows


OWN_TOKEN: Final = Rule("own-token", "tokens of Mogplex, moot and MIOSA")
OWN_FORMATS: Final = tuple(_formats(OWN, OWN_TOKEN))
PROVIDER_FORMATS: Final = tuple(_formats(TABLE, PROVIDER_TOKEN))
FORMATS: Final = OWN_FORMATS + PROVIDER_FORMATS


def find(scan: Scan, start: int, end: int, form: Format) -> int:
    """Look at one prefix hit; return where to go on, or 0 when this is no token."""
    text = scan.text
    if text[end : end + 1] in _NO_BODY or text[start:end] != form.written:
        return 0
    may_begin = start == 0 or _may_begin(text, start, form)
    if not may_begin and form.rule is not OWN_TOKEN and not _is_glued(text, start, form):
        return 0
    found = form.body.match(text, end, scan.end)
    if found is None or found.end() - end < min(form.least, CUT_BODY_MIN + 1):
        return 0
    stop = found.end()
    while stop > end and text[stop - 1] in ".-:%$+~/":
        stop -= 1
    size = stop - end
    scan.effort += size >> 5
    body = text[end:stop]
    at_end = stop >= scan.end
    is_whole = _size_fits(form, size, body) if may_begin else _stands_alone(body, form)
    if not (is_whole or (may_begin and at_end and _may_be_cut(scan, form, size))):
        return 0
    if _is_made_up(form, body, may_begin=may_begin) or _is_hash(scan, start, stop, body, form):
        return 0
    if form.names_user:
        start = end  # a user name before the token: it says where the token belongs
    done = scan.add(start, stop, form.kind, form.rule.id, is_cut=at_end and size < form.least)
    return _secret_beside(scan, stop) or done if form.kind == "access-key-id" else done


_BESIDE = re.compile(
    r"[ \t]{0,3}(?:[/:|,;]|and|&)?[ \t]{0,3}"
    r"(?P<secret>[A-Za-z0-9+/]{30}(?:[A-Za-z0-9+/]{10})?)(?![\w+/=-])"
)


def _secret_beside(scan: Scan, stop: int) -> int:
    """`AKIA... / x`: the secret of 30 or 40 characters that belongs to the id of a key."""
    found = _BESIDE.match(scan.text, stop, scan.end)
    if found is None or found.start("secret") == stop or weight(found.group("secret")) != HEAVY:
        return 0
    if _HEX_ONLY.match(found.group("secret")):
        return 0
    return scan.add(*found.span("secret"), "api-key", PROVIDER_TOKEN.id)


def _is_made_up(form: Format, body: str, *, may_begin: bool) -> bool:
    """An example, a placeholder, the name of something."""
    if form.is_no_example and may_begin and len(body) >= form.least:
        return _FAKE_OWN.search(body[:80]) is not None
    if _is_wordy(body):
        return True
    low = body[:80].lower()
    return _FAKE.search(low) is not None or _SAME.search(low) is not None


_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HEX_ONLY = re.compile(r"[0-9a-f]+\Z")
_FILE = re.compile(
    r"\.(?:m?js|cjs|css|map|png|jpe?g|gif|svg|webp|ico|woff2?|ttf|t?gz|zip|whl|jar|json|html?|txt|wasm|tsx?|py|go|rs|md|log|br|zst)\b"
)


# Characters of a digest in base64, with and without padding, and in hex.
_DIGEST_SIZES: Final = {
    "1": (27, 28, 40),
    "224": (38, 40, 56),
    "256": (43, 44, 64),
    "384": (64, 96),
    "512": (86, 88, 128),
}
_IN_DIGEST = re.compile(
    r"(?i:sha)(?P<bits>1|224|256|384|512)[-=:](?P<digest>[A-Za-z0-9+/_-]{0,88})\Z"
)
_DIGEST_REST = re.compile(r"[A-Za-z0-9+/_-]{0,129}={0,2}")


def _is_in_digest(text: str, start: int) -> bool:
    """`sha256=GOsu4I-cog_5P7O...`: what begins like a token is a piece of a whole digest."""
    found = _IN_DIGEST.search(text, max(0, start - 96), start)
    if found is None:
        return False
    whole = _DIGEST_REST.match(text, found.start("digest"))
    return whole is not None and len(whole.group()) in _DIGEST_SIZES[found["bits"]]


def _is_hash(scan: Scan, start: int, stop: int, body: str, form: Format) -> bool:
    """A UUID, a hash or the name of a file that only begins like a token, or a piece of one."""
    text = scan.text
    if _is_in_digest(text, start):
        return True
    if form.prefix[0] in "0123456789abcdef":
        for uuid in _UUID.finditer(scan.low, max(0, start - 35), min(scan.end, start + 36)):
            if uuid.start() <= start < uuid.end():
                return True
    if _HEX_ONLY.match(body) is None:
        return False
    if form.is_never_hex and len(body) in (40, 64):
        return True
    before = text[start - 1 : start]
    if _FILE.match(text, stop, scan.end) is not None:
        return True
    return len(body) in (20, 32, 40, 64) and before == "-" and form.exact


def _is_glued(text: str, start: int, form: Format) -> bool:
    """`yesghp_...`, `40AKIA...`: a distinctive prefix behind another word."""
    before = text[start - 1]
    if not (before.isascii() and before.isalnum()) or form.ends_names:
        return False
    if form.kind == "access-key-id" or form.glues:
        return len(form.prefix) >= DISTINCTIVE and not before.isupper()
    return len(form.prefix) >= DISTINCTIVE and form.prefix[-1] in "_-"


def _stands_alone(body: str, form: Format) -> bool:
    """Is a token that is glued to a word whole, and made by chance?"""
    if form.rule is OWN_TOKEN:
        return len(body) >= GLUED_BODY_MIN
    return len(body) >= form.least and (form.kind == "access-key-id" or weight(body) == HEAVY)


def _size_fits(form: Format, size: int, body: str) -> bool:
    if not form.exact:
        return size >= form.least
    # A prefix too short to stand alone: the body must have the exact length and look random.
    return size == form.least and (form.kind == "access-key-id" or weight(body) == HEAVY)


def _may_be_cut(scan: Scan, form: Format, size: int) -> bool:
    """At the end of a text; without upstream's mark only behind a prefix that says enough."""
    if form.exact and not scan.was_cut:
        return size >= 2 * CUT_BODY_MIN and len(form.prefix) >= 4 and form.least > size
    return size > CUT_BODY_MIN


def _may_begin(text: str, start: int, form: Format) -> bool:
    """Does a word begin here? Escapes of JSON and URLs end in letters that are not its own."""
    before = text[start - 1]
    if before == "_":
        return not form.ends_names
    if not (before.isascii() and before.isalnum()):
        return before != "-" or len(form.prefix) >= 4
    if before in "nrtb" and text[start - 2 : start - 1] == "\\":
        return True  # `\nghp_...`
    if text[start - 3 : start - 2] == "%" or text[start - 6 : start - 4] == "\\u":
        return True  # `%3Dghp_...`, `\u0022ghp_...`
    return len(form.prefix) >= LONG and form.prefix[-1] in "_-." and not form.ends_names


def _is_wordy(body: str) -> bool:
    """Lower-case words with hyphens or underscores, short numbers too: a name, not a token."""
    parts = _PARTS.split(body)
    if any(char.isdigit() for char in body):
        words = [part for part in parts if part.isalpha() and part.islower() and len(part) > 1]
        return len(words) >= 2 and all(part in words or len(part) <= 4 for part in parts)
    if body.islower() or body.isupper():
        return True
    # `AcceptanceTimeoutSeconds`: capitals only where words begin.
    return len(body) < 48 and all(_CAMEL.match(part) for part in parts)


_PARTS = re.compile(r"[-_.]")
_CAMEL = re.compile(r"[a-z]{0,40}(?:[A-Z]{1,5}[a-z]{2,40}){0,12}[A-Z]{0,3}\Z")


OWN_TOKENS = Detector(
    name="own-tokens",
    rule=OWN_TOKEN,
    literals={form.prefix: form for form in OWN_FORMATS},
    look=find,
    finds=("see ⟦mog_{a32}⟧ now", "x⟦msk_live_{a32}⟧"),
    leaves=("mcp__convo__share", "mog_AbCdEfGh"),
)
PROVIDER_TOKENS = Detector(
    name="provider-tokens",
    rule=PROVIDER_TOKEN,
    literals={form.prefix: form for form in PROVIDER_FORMATS},
    look=find,
    finds=("see ⟦ghp_{a36}⟧ now",),
    leaves=("ghp_example_token_of_the_manual", "sk-learn is a library"),
)
