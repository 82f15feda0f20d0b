"""Explains what a refused or failed read of a moot account means, and what to do about it."""

from __future__ import annotations

from bridge.core.errors import Failure, Fault
from bridge.sources.moot.errors import NOT_FOUND, NOT_THE_API, TENANT_SUSPENDED
from bridge.sources.port import Account


def explain(failure: Failure, account: Account) -> str:  # noqa: PLR0911 - one for each
    """Return one sentence for people."""
    where = account.base_url
    if failure.code == "TLS":
        return f"unreachable: the certificate of {where} does not verify; is the clock right?"
    if failure.http_status is None:
        return f"unreachable: {failure.message} ({where}); check base_url and the network"
    match failure.code:
        case code if code == NOT_THE_API:
            return (
                f"wrong server: {where} answers HTTP {failure.http_status} with a page or a "
                "redirect; set base_url to where the moot API is, with or without /api"
            )
        case code if code == TENANT_SUSPENDED:
            return (
                f"suspended: {failure.message}; the bridge sends no requests until the key changes"
            )
        case code if code == NOT_FOUND:
            return f"not found: {failure.message}"
    match failure.fault:
        case Fault.TOKEN:
            return f"refused: {failure.message} ({account.tokens.described})"
        case Fault.RIGHTS:
            return f"refused: {failure.message}; the key may not read this"
        case Fault.RATE:
            return "rate limited: lower requests_per_minute, or give the bridge a key of its own"
        case Fault.SERVER:
            return f"unavailable: {where} answers {failure.http_status}; try again later"
    return f"failed: {failure.message} (HTTP {failure.http_status})"
