"""Each token tried with one read, and in words what upstream said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bridge.cli.exits import Exit, exit_of_failure
from bridge.config import ResolvedAccount
from bridge.core.errors import Failure, Retry
from bridge.sources.http import HttpSession
from bridge.sources.mogplex.api import MogplexApi
from bridge.sources.mogplex.examine import confirmed


class Verdict(NamedTuple):
    """What one account's token is good for."""

    account: str
    exit: Exit
    code: str  # "OK" or the error code
    text: str  # for people


async def try_tokens(accounts: Sequence[ResolvedAccount]) -> list[Verdict]:
    """Ask one after the other: one request each, well within any limit."""
    return [await _try(account) for account in accounts]


async def _try(account: ResolvedAccount) -> Verdict:
    http = HttpSession(account.base_url, account.tokens.token)
    try:
        api = MogplexApi(http, redact=_nothing)
        failure = await api.probe()
        if failure is not None:
            failure = await confirmed(api, failure)
    finally:
        await http.close()
    if failure is None:
        return Verdict(account.name, Exit.DONE, "OK", f"ok, {account.base_url} accepts the token")
    text = explain(failure, account)
    return Verdict(account.name, exit_of_failure(failure), failure.code, text)


def _nothing(_message: str) -> str:
    """Upstream's own words are not shown: the sentences here say what to do."""
    return ""


def explain(failure: Failure, account: ResolvedAccount) -> str:  # noqa: PLR0911 - one for each
    """What a refused or failed read means, and what to do about it."""
    where = account.base_url
    if failure.code == "TLS":
        return f"unreachable: the certificate of {where} does not verify; is the clock right?"
    if failure.http_status is None:
        return f"unreachable: {failure.message} ({where}); check base_url and the network"
    if failure.code == "LOGIN_REDIRECT":
        return f"refused: {where} asks to sign in: something on the way takes the token off"
    if 300 <= failure.http_status < 400:
        return (
            f"wrong server: {where} redirects (HTTP {failure.http_status}), which is never followed"
            " with a token; set base_url to where the API is, without www. and path"
        )
    match exit_of_failure(failure):
        case Exit.UNAUTHORISED:
            return (
                f"refused: {where} does not know this token ({account.tokens.described});"
                " it may be revoked or cut off; make a new one"
            )
        case Exit.FORBIDDEN:
            return f"refused: the token may not read at {where}; make one with the read scope"
        case Exit.RATE_LIMITED:
            return "rate limited: others use this token too; try again in a minute"
        case Exit.UNAVAILABLE:
            return f"unavailable: {where} answers {failure.http_status}; try again later"
        case _ if failure.retry is Retry.FEATURE_ABSENT:
            return f"wrong server: {where} has no Mogplex API; check base_url"
        case _ if failure.code == "INVALID_RESPONSE":
            return f"wrong server: what {where} answers is not the Mogplex API; check base_url"
        case _:
            return f"failed: {failure.code} (HTTP {failure.http_status}) from {where}"
