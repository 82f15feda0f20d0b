"""Metrics and accounts as tests of the Mogplex wing and of what is above it need them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bridge.config import ResolvedAccount
from bridge.config.tokens import TokenVariable
from bridge.metrics import Metrics
from bridge.outputs.sinks.oserrors import OS_REASONS
from bridge.sources.mogplex.settings import MogplexAccount
from bridge.sources.mogplex.words import WORDS

TOKEN = "mog_" + "t" * 24


def mogplex_metrics(
    *accounts: str, sinks: Iterable[str] = (), rules: Iterable[str] = ()
) -> Metrics:
    """Metrics with Mogplex accounts of these names, else with one named "default"."""
    words = dict.fromkeys(accounts or ("default",), WORDS)
    return Metrics(words, dict.fromkeys(sinks, OS_REASONS), rules=rules)


class Tokens:
    """The token of an account, to be replaced by hand."""

    described = "a test"
    warning = None

    def __init__(self) -> None:
        self.text = TOKEN
        self.generation = self.touched = 1

    def token(self) -> str:
        return self.text

    def replace(self, token: str) -> None:
        """Put another one in its place, as an operator does."""
        self.text = token
        self.generation += 1
        self.touched += 1


def mogplex_account(base_url: str = "https://upstream.test", **settings: Any) -> ResolvedAccount:
    """A resolved account; `settings` as in the configuration."""
    section = MogplexAccount.model_validate({"token_env": "T", **settings})
    return ResolvedAccount(section, base_url, TokenVariable("T", section.name, {"T": TOKEN}))
