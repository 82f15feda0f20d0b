"""Accounts tried online: what their sources find, and the exit code that it means."""

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
    """What one account's token is good for."""

    account: str
    exit: Exit
    code: str  # "OK" or the error code
    text: str  # for people


class _NothingFollowed:
    """Implements `sources.port.Discovered` where nothing is followed."""

    async def found(self, feed: Feed, *, again: bool = False) -> bool:
        del feed, again
        return False


async def _nothing_stored(account: str) -> None:
    """Nobody comes after these few requests."""
    del account


async def examine(account: ResolvedAccount, depth: Depth) -> list[Finding]:
    """Look at one account from outside. Upstream's own words are not shown: the findings say
    what to do.
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
    """The code for what was found: that of the first problem."""
    for finding in findings:
        if finding.level is Level.PROBLEM:
            failure = finding.failure
            return Exit.CONFIG if failure is None else exit_of_failure(failure)
    return Exit.DONE


async def try_tokens(accounts: Sequence[ResolvedAccount]) -> list[Verdict]:
    """Ask one after the other: one request each, well within any limit."""
    return [await _try(account) for account in accounts]


async def _try(account: ResolvedAccount) -> Verdict:
    findings = await examine(account, Depth.TOKEN)
    problem = next((f for f in findings if f.level is Level.PROBLEM), findings[-1])
    code = "OK" if problem.failure is None else problem.failure.code
    return Verdict(account.name, exit_of(findings), code, problem.text)
