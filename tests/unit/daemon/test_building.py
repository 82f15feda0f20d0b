"""What the settings say about an account reaches the object that it is meant for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bridge.clock import SystemClock
from bridge.config import ResolvedAccount
from bridge.config.model import Account
from bridge.config.slow_patterns import refuse_slow_patterns
from bridge.config.tokens import TokenVariable
from bridge.core.errors import ConfigError
from bridge.daemon.building import build_sources
from bridge.metrics import Metrics
from bridge.redact import Redactor
from bridge.sources.mogplex.source import MogplexSource


def build(**settings: Any) -> MogplexSource:
    account = Account.model_validate({"token_env": "T", **settings})
    tokens = TokenVariable("T", account.name, {"T": "mog_abcdefghijklmnop"})
    resolved = ResolvedAccount(account, "https://example.com", tokens)
    sources = build_sources([resolved], Redactor(), Metrics([account.name]), SystemClock())
    return sources[account.name]


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
    assert build(**settings).account.scheduler.snapshot(0.0).cap == cap


def test_the_fastest_pace_of_one_run() -> None:
    scheduler = build(min_interval="5s").account.scheduler
    scheduler.start(0.0, [])
    scheduler.add("run", 0.0)
    assert scheduler.next(0.0) == ("poll", "run")
    scheduler.observe("run", 0.1, 0, "streaming")
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
    scheduler = build(**settings).account.scheduler
    scheduler.start(0.0, [])
    scheduler.add("run", 0.0)
    scheduler.next(0.0)
    scheduler.on_429("run", 1.0, asked_s)
    assert scheduler.snapshot(1.0).blocked_until == 1.0 + obeyed_s


def test_accounts_of_one_server_share_what_is_learnt_about_it() -> None:
    accounts = [
        ResolvedAccount(
            Account.model_validate({"name": name, "token_env": "T"}),
            url,
            TokenVariable("T", name, {"T": "mog_abcdefghijklmnop"}),
        )
        for name, url in (
            ("a", "https://x.example"),
            ("b", "https://x.example"),
            ("c", "https://y.example"),
        )
    ]
    sources = build_sources(accounts, Redactor(), Metrics(["a", "b", "c"]), SystemClock())
    a, b, c = (sources[name]._features for name in "abc")
    assert a is b
    assert a is not c


@pytest.mark.slow
@pytest.mark.parametrize("pattern", [r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(ab|a|b)*c"])
def test_a_pattern_that_grows_slowly_is_refused_while_its_check_still_ends(pattern: str) -> None:
    """Over all texts of 24 characters in an instant, over one of 64 for ever."""
    with pytest.raises(ConfigError, match="do not nest repetitions") as error:
        refuse_slow_patterns([pattern])
    chars = re.search(r"for a text of (\d+) characters", str(error.value))
    assert chars is not None
    assert int(chars[1]) < 48
