"""The accounts in use: their sources, and how they come, change and go while the bridge runs."""

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
    """Who follows feeds of the accounts."""

    async def pause(self, account: str) -> None: ...
    def resume(self, account: str) -> None: ...


class Accounts:
    """All accounts. `run` is a task; `change` at any time; `close` at the end.

    `sources` is by name and always current: who holds it sees changes. Feeds of an account that
    goes away wait for its return, as after a restart. One that became another source (token,
    server, way of following) follows its feeds from where they are, and tries again those that
    were given up for what a restart may have mended.
    """

    def __init__(
        self,
        build: Callable[[ResolvedAccount], Source],
        sources: dict[str, Source],
        follows: Paused,
        metrics: Metrics,
        held: Everything,
    ) -> None:
        """`build` makes a source; `sources` is where it goes, for those who were given it. It runs
        where its account is held: it may ask upstream by itself (discovery).
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
        """In the order of the configuration."""
        return list(self._exchange.held.values())

    async def run(self) -> None:
        """Run the sources of all accounts until cancelled."""
        await self._crew.run()

    async def change(self, accounts: Sequence[ResolvedAccount]) -> None:
        """Have these accounts from now on; one with the same settings is not touched."""
        await self._exchange.to({account.name: self._with_held(account) for account in accounts})

    def _with_held(self, account: ResolvedAccount) -> ResolvedAccount:
        """The token stays with who has read it last: it knows when the file changed since."""
        held = self._exchange.held.get(account.name)
        if held is None or _token_of(held) != _token_of(account):
            return account
        return ResolvedAccount(account.settings, account.base_url, held.tokens)

    def ask_again(self) -> None:
        """Somebody may have mended what was wrong with a token: find out now."""
        for source in self._in_use.values():
            source.ask_again()

    async def close(self) -> None:
        """Close the connections. After `run` was cancelled."""
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
        """See `Keeper`. Another token may be the same one under a new name: what was sent in this
        minute still counts.
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
    """Where the token is."""
    return account.settings.token_file, account.settings.token_env


def _task_name(account: str) -> str:
    return f"account {account}"
