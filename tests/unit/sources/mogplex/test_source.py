"""What the settings say about an account reaches the object that it is meant for."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.clock import SystemClock
from bridge.core.event import Feed
from bridge.core.status import State
from bridge.daemon.build import build_source
from bridge.redact import Redactor
from bridge.sources.mogplex.source import MogplexSource
from bridge.sources.port import Means
from tests.accounts import mogplex_account, mogplex_metrics


class NothingFollowed:
    async def found(self, feed: Feed, *, again: bool = False) -> bool:
        return False


async def nothing_stored(account: str) -> None:
    """No journal here."""
    del account


def means() -> Means:
    return Means(
        clock=SystemClock(),
        metrics=mogplex_metrics(),
        redact=Redactor().text,
        jitter=lambda: 0.5,
        discovered=NothingFollowed(),
        store=nothing_stored,
        learnt={},
    )


def build(**settings: Any) -> MogplexSource:
    source = build_source(mogplex_account(**settings), means())
    assert isinstance(source, MogplexSource)
    return source


@pytest.mark.parametrize(
    ("settings", "cap"),
    [
        ({}, 54),  # outside.md 5
        ({"requests_per_minute": 30}, 30),
        ({"reserve": 20}, 40),
        ({"requests_per_minute": 50, "reserve": 20}, 40),  # the smaller of the two
        ({"requests_per_minute": 6000}, 6000 - 3),
    ],
)
def test_budget_and_reserve(settings: dict[str, int], cap: int) -> None:
    assert build(**settings)._gate.scheduler.snapshot(0.0).cap == cap


def test_the_fastest_pace_of_one_run() -> None:
    scheduler = build(min_interval="5s")._gate.scheduler
    scheduler.start(0.0, [])
    scheduler.add("run", 0.0)
    assert scheduler.next(0.0) == ("poll", "run")
    scheduler.observe("run", 0.1, 0, State.RUNNING)
    action, until = scheduler.next(2.0)
    assert action == "wait"
    assert until == 5.0


@pytest.mark.parametrize(
    ("settings", "asked_s", "obeyed_s"),
    [({"ra_cap": "15s"}, 60.0, 15.0), ({}, 60.0, 60.0), ({}, 240.0, 240.0), ({}, 900.0, 300.0)],
)
def test_how_long_retry_after_is_obeyed(
    settings: dict[str, Any], asked_s: float, obeyed_s: float
) -> None:
    scheduler = build(**settings)._gate.scheduler
    scheduler.start(0.0, [])
    scheduler.add("run", 0.0)
    scheduler.next(0.0)
    scheduler.on_429("run", 1.0, asked_s)
    assert scheduler.snapshot(1.0).blocked_until == 1.0 + obeyed_s


def test_accounts_of_one_server_share_what_is_learnt_about_it() -> None:
    shared = means()
    sources: Any = [
        build_source(mogplex_account(f"https://{host}.example", name=name), shared)
        for name, host in (("a", "x"), ("b", "x"), ("c", "y"))
    ]
    a, b, c = (source._features for source in sources)
    assert a is b
    assert a is not c
