"""Tokens whose form says more than a prefix and an alphabet: several parts, each of its own kind.

As in `providers.py` the facts are the issuers'; literal -> the whole token from the literal on.
"""

# ruff: noqa: E501 - a row of a table is read on one line

from __future__ import annotations

from typing import Final

from bridge.redact.detectors.detector import Detector
from bridge.redact.expressions import Lazy, lazy
from bridge.redact.rule import PROVIDER_TOKEN
from bridge.redact.spans import Scan
from bridge.redact.values import harmless

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
SHAPES: Final[dict[str, Lazy]] = {
    # Discord: the id of a bot in base64 (ids begin with 1, 2 or 3), a time, a signature.
    **dict.fromkeys(
        [f"m{second}{third}" for second in "tjz" for third in "aeimquycgk"],
        lazy(r"M[Tjz][A-Za-z0-9_-]{22,30}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}(?![\w-])"),
    ),
    **dict.fromkeys(("sua", "saa", "soa", "sna", "sca", "sxa"), lazy(r"S[UAONCX]A[A-Z2-7]{55}(?![A-Z0-9])")),  # NATS: seeds of keys
    **dict.fromkeys(("xaat-", "xapt-"), lazy(rf"xa[ap]t-{_UUID}(?![\w-])")),  # Axiom
    "pylf_v": lazy(r"pylf_v\d_(?:us|eu)_[A-Za-z0-9]{32,60}"),  # Logfire
    "00d": lazy(r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]{40,140}"),  # Salesforce session
    "llm|": lazy(r"LLM\|\d{8,24}\|[A-Za-z0-9_-]{20,48}"),  # Meta
    "force://": lazy(r"force://[^\s\"'@]{40,600}(?=@)"),  # Salesforce login
    **dict.fromkeys(("agent:", "user:"), lazy(r"(?:agent|user):[\w-]{2,60}:[0-9a-f]{32}(?![0-9a-f])")),  # Dagster
    "pk_": lazy(r"pk_\d{5,12}_[A-Z0-9]{32}(?![A-Z0-9])"),  # ClickUp
    "key01": lazy(r"KEY01[0-9A-F]{24,34}_[A-Za-z0-9]{16,40}"),  # Telnyx
    **dict.fromkeys(("sdk-", "api-"), lazy(rf"(?:sdk|api)-{_UUID}(?![\w-])")),  # LaunchDarkly
    **dict.fromkeys(("prod:", "preview:", "project:"), lazy(r"(?:prod|preview|project):[\w:-]{3,80}\|[A-Za-z0-9+/=_-]{30,400}")),  # Convex
}  # fmt: skip


def shaped(scan: Scan, start: int, _end: int, data: Lazy) -> int:
    """A token that begins here as a whole word."""
    text = scan.text
    if start and (text[start - 1].isalnum() or text[start - 1] in "_-"):
        return 0
    found = data().match(text, start, scan.end)
    if found is None or harmless.is_marked(found.group()) or "xxxx" in found.group().lower():
        return 0
    return scan.add(start, found.end(), "token", PROVIDER_TOKEN.id)


SHAPED = Detector(
    name="shaped-tokens",
    rule=PROVIDER_TOKEN,
    literals=SHAPES,
    look=shaped,
    finds=(
        "bot ⟦MTA{a23}.G{a5}.{a38}⟧ up",
        "⟦LLM|{d15}|{a27}⟧",
        "⟦prod:happy-otter-123|eyJ2MiI6{a60}⟧",
    ),
    leaves=("user: dana", "prod: eu-1", "pk_live and sdk-core", "MTA.station.name"),
)
