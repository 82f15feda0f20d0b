"""The accounts in use: their sources, and how they come, change and go while the daemon runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from bridge.clock import Clock
from bridge.config import ResolvedAccount
from bridge.daemon.building import build_source, pace
from bridge.daemon.follows import Follows
from bridge.daemon.supervisor import Crew
from bridge.metrics import Metrics
from bridge.redact import Redactor
from bridge.sources.mogplex.features import Features
from bridge.sources.mogplex.source import MogplexSource

# What a source takes over while it works; anything else of an account makes it another source.
_LIVE = {"requests_per_minute", "reserve", "min_interval", "runs"}


class Accounts:
    """All accounts. `run` is a task; `change` at any time; `close` at the end.

    `sources` and `requests_per_minute` are by name and always current: who holds them sees changes.
    """

    def __init__(
        self,
        accounts: Sequence[ResolvedAccount],
        redactor: Redactor,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._redactor = redactor
        self._metrics = metrics
        self._clock = clock
        self._features: dict[str, Features] = {}  # by base URL: what is learnt about a server
        self._crew = Crew()
        self._resolved: dict[str, ResolvedAccount] = {}
        # Stores what successors of the sources have to know, at once; set by who owns the journal.
        self.store: Callable[[], Awaitable[None]] | None = None
        self.sources: dict[str, MogplexSource] = {}
        self.requests_per_minute: dict[str, int] = {}
        for account in accounts:
            self._add(account)

    @property
    def resolved(self) -> list[ResolvedAccount]:
        """In the order of the configuration."""
        return list(self._resolved.values())

    async def run(self) -> None:
        """Grant the turns of all accounts until cancelled."""
        await self._crew.run()

    async def change(self, accounts: Sequence[ResolvedAccount], follows: Follows) -> None:
        """Have these accounts from now on; one with the same settings is not touched.

        Runs of an account that goes away wait for its return, as after a restart. One that became
        another source (token, server, way of following) follows its runs from where they are, and
        tries again those that were given up for their token.
        """
        wanted = {account.name: account for account in accounts}
        for name in [name for name in self._resolved if name not in wanted]:
            await self._remove(name, follows)
        for name, account in wanted.items():
            held = self._resolved.get(name)
            if held is None:
                self._metrics.add_account(name)
                self._add(account)
                follows.resume(name)
            elif _is_same_source(held, account):
                self._adjust(held, account)
            else:
                await self._replace(account, follows)
        self._resolved = {name: self._resolved[name] for name in wanted}

    def _add(self, account: ResolvedAccount) -> None:
        source = self._build(account)
        self._enter(account, source)
        self._crew.add(_task_name(account.name), source.account.drive)

    def _build(self, account: ResolvedAccount) -> MogplexSource:
        features = self._features.setdefault(account.base_url, Features())
        source = build_source(account, self._redactor, self._metrics, self._clock, features)
        source.account.store = self._store_now
        return source

    async def _store_now(self) -> None:
        if self.store is not None:
            await self.store()

    def ask_again(self) -> None:
        """Somebody may have mended what was wrong with a token: find out now."""
        for source in self.sources.values():
            source.ask_again()

    def _enter(self, account: ResolvedAccount, source: MogplexSource) -> None:
        self._resolved[account.name] = account
        self.sources[account.name] = source
        self.requests_per_minute[account.name] = account.settings.requests_per_minute

    def _adjust(self, held: ResolvedAccount, account: ResolvedAccount) -> None:
        """Take over the new settings; the token stays with who has read it last."""
        source = self.sources[held.name]
        if account.settings != held.settings:
            _, reserve = pace(account.settings)
            source.account.set_pace(reserve=reserve, min_interval=account.settings.min_interval)
        self._enter(ResolvedAccount(account.settings, held.base_url, held.tokens), source)

    async def _replace(self, account: ResolvedAccount, follows: Follows) -> None:
        await follows.pause(account.name)
        old, new = self.sources[account.name], self._build(account)
        # It may be the same token under another name: what was sent in this minute still counts.
        new.recall(old.memory())
        # Nothing is awaited between the pause and this: no follow can begin on the old source.
        self._enter(account, new)
        await self._crew.remove(_task_name(account.name))
        self._crew.add(_task_name(account.name), new.account.drive)
        await old.api.http.close()
        follows.resume(account.name)

    async def _remove(self, name: str, follows: Follows) -> None:
        await follows.pause(name)
        old = self.sources.pop(name)
        del self._resolved[name], self.requests_per_minute[name]
        await self._crew.remove(_task_name(name))
        await old.api.http.close()
        self._metrics.remove_account(name)

    async def close(self) -> None:
        """Close the connections. After `run` was cancelled."""
        for source in self.sources.values():
            await source.api.http.close()


def _is_same_source(held: ResolvedAccount, account: ResolvedAccount) -> bool:
    """Whether one source can go on with the new settings."""
    return (
        held.base_url == account.base_url
        and pace(held.settings)[0] == pace(account.settings)[0]
        and held.settings.model_dump(exclude=_LIVE) == account.settings.model_dump(exclude=_LIVE)
    )


def _task_name(account: str) -> str:
    return f"account {account}"
