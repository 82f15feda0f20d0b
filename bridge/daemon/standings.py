"""The condition of the accounts, for /healthz, the gauges and the log."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.clock import Clock
from bridge.core.counted import counted
from bridge.daemon.follows import Follows
from bridge.daemon.trouble import Trouble, TroubleLog, troubles
from bridge.metrics import Metrics
from bridge.sources.port import Source, Standing

LOOK_S = 1.0  # between checks for trouble


class Standings:
    """`run` is a task; /healthz and /metrics call the other methods."""

    def __init__(
        self, sources: Mapping[str, Source], follows: Follows, metrics: Metrics, clock: Clock
    ) -> None:
        self._sources = sources
        self._follows = follows
        self._metrics = metrics
        self._clock = clock
        self._log = TroubleLog()
        self._waited: dict[tuple[str, str], float] = {}

    async def run(self) -> None:
        """Log when feeds of an account fail repeatedly, until cancelled."""
        while True:
            self._log.look(self._sources, troubles(self._follows.entries()))
            await asyncio.sleep(LOOK_S)

    def checks(self) -> dict[str, Mapping[str, Any]]:
        """One check per account: an outage of upstream shows only here."""
        found = troubles(self._follows.entries())
        given_up = self._given_up()
        return {
            f"account {name}": _check(source.standing(), found.get(name), given_up.get(name, ()))
            for name, source in self._sources.items()
        }

    def _given_up(self) -> Mapping[str, Sequence[str]]:
        """The kinds of wanted feeds that failed for good, by account."""
        kinds: dict[str, list[str]] = {}
        for entry in self._follows.entries():
            if entry.word == "failed":
                kinds.setdefault(entry.feed.feed.account, []).append(entry.feed.feed.kind)
        return kinds

    def set_metrics(self) -> None:
        """Update the gauges."""
        given_up = self._given_up()
        for name, source in self._sources.items():
            self._set_account(name, source.standing())
            self._metrics.runs_given_up.labels(name).set(len(given_up.get(name, ())))
        self._metrics.set_feeds(
            self._sources,
            [entry.feed.state for entry in self._follows.entries() if entry.is_followed],
        )

    def _set_account(self, name: str, standing: Standing) -> None:
        metrics, now, wall = self._metrics, self._clock.monotonic(), self._clock.wall()
        metrics.token_suspended.labels(name).set(standing.suspended_since is not None)
        oldest_at = standing.oldest_read_at
        metrics.oldest_poll_timestamp_seconds.labels(name).set(
            0.0 if oldest_at is None else wall + oldest_at - now
        )
        if (requests := standing.requests) is None:
            return
        metrics.rate_limit_window_requests.labels(name).set(requests.used)
        metrics.rate_limit_budget_requests.labels(name).set(requests.budget)
        until = requests.blocked_until
        metrics.rate_limit_blocked_until_timestamp_seconds.labels(name).set(
            0.0 if until is None else wall + until - now
        )
        for reason, total_s in requests.waited_s.items():
            added = total_s - self._waited.get((name, reason), 0.0)
            self._waited[name, reason] = total_s
            metrics.rate_limit_wait_seconds_total.labels(name, reason).inc(max(0.0, added))


def _check(
    standing: Standing, trouble: Trouble | None, given_up: Sequence[str]
) -> Mapping[str, Any]:
    detail = standing.detail
    if standing.failure is None and trouble is not None:
        count, kind, _, failure = trouble
        verb = "fails" if count == 1 else "fail"
        detail = f"{counted(count, kind)} {verb}: {failure.code}: {failure.message}"
    if given_up:
        word = given_up[0] if len(set(given_up)) == 1 else "feed"
        verb = "is" if len(given_up) == 1 else "are"
        detail += f"; {counted(len(given_up), word)} {verb} no longer followed"
    check: dict[str, Any] = {
        "ok": standing.failure is None and trouble is None,
        "detail": detail,
        "givenUpRuns": len(given_up),
    }
    if (requests := standing.requests) is not None:
        check |= {
            "windowRequests": requests.used,
            "assumedRequests": requests.assumed,
            "budgetRequests": requests.budget,
            "refusals": requests.refusals,
            "foreignRequests": round(requests.others, 1),
        }
    return check
