"""Finds accounts with feeds that fail repeatedly, for checks and the log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bridge.core.errors import Failure
from bridge.daemon.followed import Followed
from bridge.log import get_logger

log = get_logger()

DEGRADED_AFTER = 5  # failures in a row (common.md 0.3)


class Trouble(NamedTuple):
    """The failing feeds of one account: their number, and one of them."""

    feeds: int
    kind: str
    id: str
    failure: Failure


def troubles(followed: Iterable[Followed]) -> dict[str, Trouble]:
    """The failing feeds by account; accounts without any are left out."""
    found: dict[str, Trouble] = {}
    for entry in followed:
        failure = entry.progress.failure
        is_failing = entry.progress.failures_in_row >= DEGRADED_AFTER
        if is_failing and failure is not None and entry.is_followed:
            feed = entry.feed.feed
            feeds = found[feed.account].feeds if feed.account in found else 0
            found[feed.account] = Trouble(feeds + 1, feed.kind, feed.id, failure)
    return found


class TroubleLog:
    """Logs one line when feeds of an account begin to fail, and one when none fails any more."""

    def __init__(self) -> None:
        self._degraded: set[str] = set()

    def look(self, accounts: Iterable[str], now: dict[str, Trouble]) -> None:
        """Compare with the previous check and log changes."""
        for account in accounts:
            trouble = now.get(account)
            if trouble is not None and account not in self._degraded:
                self._degraded.add(account)
                log.warning(
                    "follow.degraded",
                    account=account,
                    feeds=trouble.feeds,
                    code=trouble.failure.code,
                    message=trouble.failure.message,
                    **{f"{trouble.kind}_id": trouble.id},
                )
            elif trouble is None and account in self._degraded:
                self._degraded.discard(account)
                log.info("follow.recovered", account=account)
