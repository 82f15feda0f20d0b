"""Finds provider tokens by their prefix, in the middle of a text and cut off at its end."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from bridge.core.redact.benign import HEAVY, weight
from bridge.core.redact.providers import OWN, TABLE
from bridge.core.redact.spans import Scan

BODY_MAX = 2048  # characters; the longest real bodies (JWT-like) are about 1,000
# A token cut by upstream's limits keeps at least this much of its body: fewer characters are what
# a list of keys shows of each on purpose (`mog_` and 8).
CUT_BODY_MIN = 8
LOOSE: Final = 0.75  # share of the usual length that is enough after a distinctive prefix
DISTINCTIVE = 5  # characters of a prefix that needs no word boundary before it

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
_EXACT_NEXT = re.compile(r"[A-Za-z0-9_]")
_FAKE = re.compile(
    r"(?i)example|your|x{4}|\.{3}|(.)\1{6}|1234567890|abcdefghij|redacted|placeholder"
)


class Format(NamedTuple):
    """One row of the table, ready to match."""

    prefix: str  # lower case
    body: re.Pattern[str]
    least: int
    exact: bool
    kind: str
    rule: str


def _formats(table: str, rule: str) -> list[Format]:
    rows = []
    for line in table.strip().splitlines():
        prefix, alphabet, size, *_ = line.split()
        exact = size.startswith("=")
        usual = int(size.lstrip("="))
        least = usual if exact or rule == "own-token" else max(10, int(usual * LOOSE))
        if prefix.endswith("_") and len(prefix) < DISTINCTIVE and not exact and rule != "own-token":
            least = usual
        kind = "access-key-id" if prefix in _KEY_IDS else "token"
        body = re.compile(f"[{_ALPHABETS[alphabet]}]{{1,{BODY_MAX}}}+")
        rows.append(Format(prefix, body, least, exact, kind, rule))
    return rows


_KEY_IDS = frozenset(("akia", "asia", "abia", "acca", "a3t", "ltai", "akid", "aklt", "scw"))
FORMATS: Final = tuple(_formats(OWN, "own-token") + _formats(TABLE, "provider-token"))


def find(scan: Scan, start: int, end: int, form: Format) -> int:
    """Look at one prefix hit; return where to go on, or 0 when this is no token."""
    text = scan.text
    if start and not _may_begin(text, start, form):
        return 0
    found = form.body.match(text, end, scan.end)
    if found is None:
        return 0
    stop = found.end()
    while stop > end and text[stop - 1] in ".-:=%$+~/" and text[stop - 1] != "=":
        stop -= 1
    size = stop - end
    scan.effort += size >> 5
    at_end = stop >= scan.end
    if form.exact:
        if size != form.least and not (at_end and scan.was_cut and size > CUT_BODY_MIN):
            return 0
        if text[start:end].lower() != text[start:end] and form.prefix in ("sk", "s."):
            pass
        if weight(text[end:stop]) != HEAVY and form.kind != "access-key-id":
            return 0
    elif size < form.least and not (at_end and size > CUT_BODY_MIN):
        return 0
    body = text[end:stop]
    if _is_wordy(body) or _FAKE.search(body[:80]) or not _case_fits(text, start, end, form):
        return 0
    return scan.add(start, stop, form.kind, form.rule, is_cut=at_end and size < form.least)


def _may_begin(text: str, start: int, form: Format) -> bool:
    before = text[start - 1]
    if not ((before.isascii() and before.isalnum()) or before == "_"):
        return before != "-" or len(form.prefix) >= 4
    if before == "_":
        return form.prefix not in (
            "convo_",
            "key_",
            "live_",
            "test_",
            "secret_",
            "pat_",
            "re_",
            "pk_",
        )
    if before in "nrtb" and start >= 2 and text[start - 2] == "\\":
        return True  # `\nghp_...`: an escape inside a JSON text
    if start >= 3 and text[start - 3] == "%":
        return True  # `%3Dghp_...`
    if start >= 6 and text[start - 6 : start - 4] == "\\u":
        return True
    return len(form.prefix) >= DISTINCTIVE and form.prefix[-1] in "_-." and form.prefix not in (
        "live_", "test_", "convo_",
    )  # fmt: skip


# Upper-case prefixes whose lower-case twin is ordinary text.
_UPPER = frozenset(
    """akia asia abia acca a3t atbb atctt3 atatt3 atsta sk scw ltai akid aklt ezak eztk hrku- nrak-
    gr1348941 age-secret-key- cfpat- pmak- bsa nral ccipat_ a3- sg. swmtkn-1- api- avns_""".split()
)


def _case_fits(text: str, start: int, end: int, form: Format) -> bool:
    given = text[start:end]
    if form.prefix in _UPPER:
        return given == given.upper()
    return given != given.upper() or not any(char.isalpha() for char in given) or len(given) > 3


def _is_wordy(body: str) -> bool:
    """Lower-case words with hyphens or underscores: an identifier, not a token."""
    if any(char.isdigit() for char in body):
        return False
    if body.islower() or body.isupper():
        return True
    # `AcceptanceTimeoutSeconds`: capitals only where words begin.
    turns = sum(1 for a, b in zip(body, body[1:], strict=False) if a.islower() and b.isupper())
    return turns * 4 <= len(body) and len(body) < 48
