"""The configured accounts: their sources, and how a reload adds, changes and removes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from bridge.config import ResolvedAccount
from bridge.daemon.exchange import Exchange
from bridge.daemon.holding import Everything
from bridge.daemon.supervisor import Crew
from bridge.metrics import Metrics
from bridge.sources.port import Source


class Paused(Protocol):
    """Stops and starts the follows of one account, so that its source can be replaced."""

    async def pause(self, account: str) -> None:
        """End the follows of an account, and return when they have ended. States are kept."""

    def resume(self, account: str) -> None:
        """Start the wanted follows of an account, from their stored positions."""


class Accounts:
    """All accounts. `run` is a task; call `change` at any time and `close` at the end.

    `sources` maps account names to sources and is updated in place, so holders see every change.
    The feeds of a removed account wait for the account to return, as they do after a restart. When
    an account's source is replaced (another token, server or way of following), its feeds resume
    from their positions, and feeds that failed for a reason that a restart may have cured are tried
    again.
    """

    def __init__(
        self,
        build: Callable[[ResolvedAccount], Source],
        sources: dict[str, Source],
        follows: Paused,
        metrics: Metrics,
        held: Everything,
    ) -> None:
        """Start without accounts; `change` adds them.

        Args:
            build: Makes the source of an account. A source runs only where its account is held,
                because discovery sends requests of its own.
            sources: The mapping to keep up to date; its other holders see the changes.
            follows: Pauses and resumes the feeds of an account.
            metrics: The registry of this process.
            held: The accounts that this process follows.
        """
        self.sources: Mapping[str, Source] = sources
        self._build = build
        self._in_use = sources
        self._follows = follows
        self._metrics = metrics
        self._held = held
        self._crew = Crew()
        self._exchange: Exchange[ResolvedAccount] = Exchange(self)

    @property
    def resolved(self) -> list[ResolvedAccount]:
        """The accounts in the order of the configuration."""
        return list(self._exchange.held.values())

    async def run(self) -> None:
        """Run the sources of all accounts until cancelled."""
        await self._crew.run()

    async def change(self, accounts: Sequence[ResolvedAccount]) -> None:
        """Make `accounts` the accounts in use; one with unchanged settings is not touched."""
        await self._exchange.to({account.name: self._with_held(account) for account in accounts})

    def _with_held(self, account: ResolvedAccount) -> ResolvedAccount:
        """Keep the account's token reader: it knows when the file changed since the last read."""
        held = self._exchange.held.get(account.name)
        if held is None or _token_of(held) != _token_of(account):
            return account
        return ResolvedAccount(account.settings, account.base_url, held.tokens)

    def ask_again(self) -> None:
        """Try refused tokens again now: an operator may have fixed them."""
        for source in self._in_use.values():
            source.ask_again()

    async def close(self) -> None:
        """Close the connections. Call this after `run` was cancelled."""
        for source in self._in_use.values():
            await source.close()

    # Keeper

    def take_over(self, name: str, settings: ResolvedAccount) -> bool:
        """See `Keeper`."""
        return self._in_use[name].take_over(settings)

    async def begin(self, name: str, settings: ResolvedAccount, inherited: bytes) -> None:
        """See `Keeper`."""
        source = self._build(settings)
        self._metrics.add_account(name, source.system.words)
        if inherited:
            source.recall(inherited)
        self._in_use[name] = source
        self._crew.add(_task_name(name), partial(self._held.while_held, name, source.run))
        self._follows.resume(name)

    async def end(self, name: str) -> bytes:
        """See `Keeper`. Returns the source's memory for a successor.

        A new token may be the same token under a new name, so requests of the last minute still
        count.
        """
        await self._follows.pause(name)
        source = self._in_use.pop(name)
        await self._crew.remove(_task_name(name))
        await source.close()
        return source.memory()

    def forget(self, name: str) -> None:
        """See `Keeper`."""
        self._metrics.remove_account(name)


def _token_of(account: ResolvedAccount) -> tuple[str | None, str | None]:
    """Where the token is configured: the file and the environment variable."""
    return account.settings.token_file, account.settings.token_env


def _task_name(account: str) -> str:
    return f"account {account}"
