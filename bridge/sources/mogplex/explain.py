"""Explains what a refused or failed read of a Mogplex account means, and what to do about it."""

from __future__ import annotations

from bridge.core.errors import Failure, Fault, Retry
from bridge.sources.port import Account


def explain(failure: Failure, account: Account) -> str:  # noqa: PLR0911 - one for each
    """Return one sentence for people."""
    where = account.base_url
    if failure.code == "TLS":
        return f"unreachable: the certificate of {where} does not verify; is the clock right?"
    if failure.http_status is None:
        return f"unreachable: {failure.message} ({where}); check base_url and the network"
    if failure.code == "LOGIN_REDIRECT":
        return f"refused: {where} redirects to a sign-in page: a proxy in between removes the token"
    if 300 <= failure.http_status < 400:
        return (
            f"wrong server: {where} redirects (HTTP {failure.http_status}), which is never followed"
            " with a token; set base_url to where the API is, without www. and path"
        )
    match failure.fault:
        case Fault.TOKEN:
            return (
                f"refused: {where} does not know this token ({account.tokens.described});"
                " it may be revoked or truncated; create a new one"
            )
        case Fault.RIGHTS:
            return f"refused: the token may not read at {where}; create one with the read scope"
        case Fault.RATE:
            return "rate limited: others use this token too; try again in a minute"
        case Fault.SERVER:
            return f"unavailable: {where} answers {failure.http_status}; try again later"
        case _ if failure.retry is Retry.FEATURE_ABSENT:
            return f"wrong server: {where} has no Mogplex API; check base_url"
        case _ if failure.code == "INVALID_RESPONSE":
            return f"wrong server: what {where} answers is not the Mogplex API; check base_url"
        case _:
            return f"failed: {failure.code} (HTTP {failure.http_status}) from {where}"
