"""Accounts in /healthz and in the gauges: what holds one up, and what its feeds run into."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bridge.core.errors import Failure, Retry
from bridge.core.state import FeedState
from bridge.core.status import State
from bridge.daemon.followed import Followed
from bridge.daemon.standings import Standings
from bridge.daemon.trouble import DEGRADED_AFTER
from bridge.metrics import Metrics
from bridge.sources.mogplex.system import MOGPLEX
from bridge.sources.port import Requests, Standing
from tests.unit.daemon.parts import REFUSED, HandClock, StandingSource, entries, followed, run_of

STATE = FeedState(run_of(), "streaming", State.RUNNING)
OUTAGE = Failure("runs.events", "HTTP_ERROR", "bad gateway", Retry.TRANSIENT, 502)


class Made:
    """Standings of one account, and what is behind them."""

    def __init__(self, *feeds: Followed) -> None:
        self.source = StandingSource("default")
        self.metrics = Metrics({"default": MOGPLEX.words})
        self.clock = HandClock(1000.0, 5000.0)
        sources: Any = {"default": self.source}
        self.standings = Standings(sources, entries(*feeds), self.metrics, self.clock)

    def check(self) -> Any:
        (check,) = self.standings.checks().values()
        return check

    def gauge(self, name: str, **labels: str) -> float | None:
        self.standings.set_metrics()
        return self.metrics.registry.get_sample_value(
            f"mogplex_bridge_{name}", {"account": "default", **labels}
        )


def test_an_account_that_is_well_says_what_its_source_says() -> None:
    made = Made(followed(STATE))
    assert list(made.standings.checks()) == ["account default"]
    assert made.check() == {"ok": True, "detail": "token accepted", "givenUpRuns": 0}


def test_what_holds_the_account_up_is_told_before_what_its_feeds_run_into() -> None:
    failing = followed(STATE, failure=OUTAGE, failures_in_row=DEGRADED_AFTER)
    made = Made(failing)
    assert made.check()["detail"] == "1 run fails: HTTP_ERROR: bad gateway"
    assert not made.check()["ok"]
    made.source.stands = Standing("the token is refused", failure=REFUSED)
    assert made.check()["detail"] == "the token is refused"
    assert not made.check()["ok"]


def test_a_few_failures_are_no_trouble() -> None:
    made = Made(followed(STATE, failure=OUTAGE, failures_in_row=DEGRADED_AFTER - 1))
    assert made.check()["ok"]


def test_feeds_that_were_given_up_are_counted_and_do_not_make_the_account_ill() -> None:
    given_up = dataclasses.replace(STATE, failed="FORBIDDEN")
    stopped = followed(given_up, is_wanted=False)  # somebody knows about it
    made = Made(followed(given_up), stopped, followed(STATE))
    assert made.check()["givenUpRuns"] == 1
    assert made.check()["detail"] == "token accepted; 1 run is no longer followed"
    assert made.check()["ok"]
    assert made.gauge("runs_given_up") == 1


def test_requests_are_told_where_a_limit_is_known() -> None:
    made = Made()
    assert "budgetRequests" not in made.check()
    made.source.stands = Standing(
        "well", requests=Requests(30, 54, assumed=4, others=2.26, refusals=1)
    )
    check = made.check()
    assert (check["windowRequests"], check["budgetRequests"]) == (30, 54)
    assert (check["assumedRequests"], check["refusals"], check["foreignRequests"]) == (4, 1, 2.3)


def test_instants_become_wall_clock_and_unknown_ones_zero() -> None:
    made = Made()
    assert made.gauge("oldest_poll_timestamp_seconds") == 0.0
    made.source.stands = Standing(
        "well",
        oldest_read_at=990.0,
        requests=Requests(1, 54, blocked_until=1030.0),
    )
    assert made.gauge("oldest_poll_timestamp_seconds") == 4990.0
    assert made.gauge("rate_limit_blocked_until_timestamp_seconds") == 5030.0
    made.source.stands = Standing("well", requests=Requests(1, 54))
    assert made.gauge("rate_limit_blocked_until_timestamp_seconds") == 0.0


def test_a_suspended_token_is_a_gauge() -> None:
    made = Made()
    assert made.gauge("token_suspended") == 0
    made.source.stands = Standing("refused", suspended_since=1.0)
    assert made.gauge("token_suspended") == 1


def test_waiting_is_counted_once_and_never_backwards() -> None:
    made = Made()

    def waited(total_s: float) -> float | None:
        made.source.stands = Standing("well", requests=Requests(1, 54, waited_s={"pace": total_s}))
        return made.gauge("rate_limit_wait_seconds_total", reason="pace")

    assert waited(3.0) == 3.0
    assert waited(3.0) == 3.0
    assert waited(5.5) == 5.5
    assert waited(0.5) == 5.5  # another source took its place and counts from its own start
    assert waited(1.5) == pytest.approx(6.5)


def test_feeds_are_counted_by_state_while_they_are_followed() -> None:
    over = dataclasses.replace(STATE, status="success", state=State.SUCCEEDED, ended=True)
    made = Made(followed(STATE), followed(over), followed(STATE, is_wanted=False))
    assert made.gauge("feeds", kind="run", state="running") == 1
    assert made.gauge("feeds", kind="run", state="succeeded") == 0
