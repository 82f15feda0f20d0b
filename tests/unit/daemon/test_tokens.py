"""A token that changed: its source, the feeds that were given up and the redactor are told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from structlog.testing import capture_logs

from bridge.daemon.tokens import TokenWatch
from bridge.sources.port import Standing
from tests.accounts import TOKEN, Tokens
from tests.unit.daemon.parts import REFUSED, HandClock, StandingSource

OTHER = "mog_" + "n" * 24


class Made:
    """A watch over one account with a token to replace by hand."""

    def __init__(self, base_url: str = "https://upstream.test") -> None:
        self.tokens: Any = Tokens()
        self.source = StandingSource("default")
        self.clock = HandClock(1000.0)
        self.protected: list[list[str]] = []
        self.revived: list[tuple[str, frozenset[str]]] = []
        self.account = SimpleNamespace(name="default", tokens=self.tokens, base_url=base_url)
        accounts: Any = SimpleNamespace(resolved=[self.account], sources={"default": self.source})
        follows: Any = SimpleNamespace(revive=lambda *what: self.revived.append(what))
        self.watch = TokenWatch(accounts, follows, self.protected.append, self.clock)

    def look(self) -> list[tuple[str, str]]:
        """Look once; the lines that it logged, by level and name."""
        with capture_logs() as logged:
            self.watch.look()
        return [(line["log_level"], line["event"]) for line in logged]


def test_the_first_look_tells_nobody_and_has_the_token_known_by_heart() -> None:
    made = Made()
    assert made.look() == []
    assert made.source.told == []
    assert made.protected == [[TOKEN]]
    made.look()
    assert len(made.protected) == 1  # nothing changed


def test_another_token_is_told_to_the_source_and_to_the_feeds_that_it_may_mend() -> None:
    made = Made()
    made.look()
    made.tokens.replace(OTHER)
    assert made.look() == [("info", "token.replaced")]
    assert made.source.told == ["token replaced"]
    assert made.revived == [("default", made.source.system.words.mended_by_token)]
    assert made.protected[-1] == [OTHER]


def test_a_file_that_was_only_touched_is_a_reason_to_ask_again() -> None:
    made = Made()
    made.look()
    made.tokens.touched += 1
    assert made.look() == []
    assert made.source.told == ["ask again"]
    assert made.revived == []
    made.look()
    assert made.source.told == ["ask again"]


def test_another_provider_for_the_account_is_no_changed_token() -> None:
    """A reload gave the account a new source with it: that one knows its token already."""
    made = Made()
    made.look()
    made.account.tokens = Tokens()
    made.account.tokens.replace(OTHER)
    assert made.look() == []
    assert made.source.told == []
    assert made.protected[-1] == [OTHER]


def test_a_warning_is_logged_when_it_comes_and_not_again() -> None:
    made = Made()
    made.tokens.warning = "readable by everybody"
    assert made.look() == [("warning", "token.warned")]
    assert made.look() == []
    made.tokens.warning = None
    assert made.look() == []
    made.tokens.warning = "readable by everybody"
    assert made.look() == [("warning", "token.warned")]


def test_a_suspension_is_logged_once_with_the_time_of_the_next_probe() -> None:
    made = Made()
    made.source.stands = Standing("x", failure=REFUSED, suspended_since=990.0, retry_at=1060.4)
    with capture_logs() as logged:
        made.watch.look()
        made.watch.look()
    (line,) = logged
    assert (line["event"], line["account"], line["retry_in_s"]) == (
        "token.suspended",
        "default",
        60,
    )


def test_only_a_token_that_was_accepted_is_called_revived() -> None:
    made = Made()
    made.source.stands = Standing("x", suspended_since=990.0)
    made.look()
    made.source.stands = Standing("x")  # a new one, not tried yet
    assert made.look() == []
    made.source.stands = Standing("x", suspended_since=990.0)
    made.look()
    made.source.stands = Standing("x", was_accepted=True)
    assert made.look() == [("info", "token.revived")]


def test_the_credentials_of_a_proxy_are_known_by_heart_too(monkeypatch: Any) -> None:
    monkeypatch.setenv("https_proxy", "http://user:wh1te-Rabb1t@proxy.test:3128")
    made = Made()
    made.look()
    (protected,) = made.protected
    assert TOKEN in protected
    assert any("wh1te-Rabb1t" in secret for secret in protected)
