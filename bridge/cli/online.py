"""Tries accounts online: what their sources find, and the exit code for it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from bridge.cli.exits import Exit, exit_of_failure
from bridge.clock import SystemClock
from bridge.config import ResolvedAccount
from bridge.core.event import Feed
from bridge.daemon.build import build_source
from bridge.metrics import Metrics
from bridge.sources.port import Depth, Finding, Level, Means
from bridge.systems import systems


class Verdict(NamedTuple):
    """The result of trying one account's token."""

    account: str
    exit: Exit
    code: str  # "OK" or the error code
    text: str  # for people


class _NothingFollowed:
    """Implements `sources.port.Discovered` for a command that follows nothing."""

    async def found(self, feed: Feed, *, again: bool = False) -> bool:
        del feed, again
        return False


async def _nothing_stored(account: str) -> None:
    """Store nothing: no successor needs to know these few requests."""
    del account


async def examine(account: ResolvedAccount, depth: Depth) -> list[Finding]:
    """Examine one account with a few requests.

    Upstream's own words are left out: the findings say what to do.
    """
    means = Means(
        clock=SystemClock(),
        metrics=Metrics({account.name: systems()[account.settings.system].words}),
        redact=lambda _: "",
        jitter=random.random,
        discovered=_NothingFollowed(),
        store=_nothing_stored,
        learnt={},
    )
    source = build_source(account, means)
    try:
        return list(await source.examine(depth))
    finally:
        await source.close()


def exit_of(findings: Sequence[Finding]) -> Exit:
    """The exit code of the first problem."""
    for finding in findings:
        if finding.level is Level.PROBLEM:
            failure = finding.failure
            return Exit.CONFIG if failure is None else exit_of_failure(failure)
    return Exit.DONE


async def try_tokens(accounts: Sequence[ResolvedAccount]) -> list[Verdict]:
    """Try the tokens one by one: one request each, far below any rate limit."""
    return [await _try(account) for account in accounts]


async def _try(account: ResolvedAccount) -> Verdict:
    findings = await examine(account, Depth.TOKEN)
    problem = next((f for f in findings if f.level is Level.PROBLEM), findings[-1])
    code = "OK" if problem.failure is None else problem.failure.code
    return Verdict(account.name, exit_of(findings), code, problem.text)
