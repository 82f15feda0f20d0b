"""Connects the gateway to the daemon: a system's dialect, the followed runs, requests upstream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.config import Settings
from bridge.core.errors import Failure, Retry
from bridge.daemon.accounts import Accounts
from bridge.daemon.followed import Followed
from bridge.daemon.follows import Follows
from bridge.outputs.gateway.port import Dialect, GatewaySettings, HasDialect, Seen
from bridge.outputs.gateway.seal import sealing_key
from bridge.sources.port import Answer, Question, ReadThrough
from bridge.systems import systems


def dialects() -> Sequence[Dialect]:
    """The dialects of the systems whose API the bridge can serve."""
    return [system.dialect for system in systems().values() if isinstance(system, HasDialect)]


class GatewayRuns:
    """Implements `outputs.gateway.port.Runs`."""

    def __init__(self, dialect: Dialect, follows: Follows, accounts: Accounts) -> None:
        self._system = dialect.system
        self._kind = dialect.kind
        self._follows = follows
        self._accounts = accounts

    def accounts(self) -> Sequence[str]:
        """See `Runs.accounts`."""
        named = [
            name
            for name, source in self._accounts.sources.items()
            if source.system.name == self._system and isinstance(source, ReadThrough)
        ]
        return sorted(named, key=lambda name: name != self._follows.default_account)

    def seen(self, id_: str) -> Sequence[Seen]:
        """See `Runs.seen`."""
        return [self._seen(entry) for entry in self._follows.known(self._kind, id_)]

    def all(self) -> Sequence[Seen]:
        """See `Runs.all`."""
        entries = [
            entry
            for entry in self._follows.entries()
            if entry.feed.feed.system == self._system and entry.feed.feed.kind == self._kind
        ]
        return [self._seen(entry) for entry in reversed(entries)]

    @staticmethod
    def _seen(entry: Followed) -> Seen:
        state = entry.feed.state
        return Seen(
            account=state.feed.account,
            id=state.feed.id,
            row=state.row,
            events=state.events,
            gaps=state.gaps,
            is_followed=entry.is_followed,
            is_ended=state.ended,
            version=state,
        )

    async def follow(self, account: str, id_: str) -> None:
        """See `Runs.follow`."""
        await self._follows.follow(self._kind, id_, account)

    def sealing_key(self, account: str) -> bytes:
        """See `Runs.sealing_key`. The key is derived from the account's token."""
        tokens = [a.tokens for a in self._accounts.resolved if a.name == account]
        return sealing_key(tokens[0].token() if tokens else "")

    async def ask(self, account: str, question: Question) -> Answer | Failure:
        """See `Runs.ask`."""
        source: object = self._accounts.sources.get(account)
        if not isinstance(source, ReadThrough):  # a reload has just removed the account
            text = "the account is no longer configured"
            return Failure("gateway", "TRANSPORT", text, Retry.TRANSIENT)
        return await source.ask(question)

    def look_soon(self, account: str, id_: str) -> None:
        """See `Runs.look_soon`."""
        source: object = self._accounts.sources.get(account)
        for entry in self._follows.known(self._kind, id_):
            if entry.feed.feed.account == account and isinstance(source, ReadThrough):
                source.look_soon(entry.feed.feed)


@dataclass(frozen=True, slots=True)
class Gateways:
    """The systems whose API the bridge serves, with their targets."""

    runs: Mapping[Dialect, GatewayRuns]
    settings: GatewaySettings


def build_gateways(settings: Settings, follows: Follows, accounts: Accounts) -> Gateways | None:
    """Build the gateways that `[gateway]` enables; None if it is off."""
    if not settings.gateway.enabled:
        return None
    return Gateways(
        {dialect: GatewayRuns(dialect, follows, accounts) for dialect in dialects()},
        GatewaySettings(follow=settings.gateway.follow, cache_s=settings.gateway.cache),
    )
