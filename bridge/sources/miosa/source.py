"""One MIOSA account as a `Source`: one key, one gate, many feeds of seven kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.core.errors import Failure
from bridge.core.pace.line import Line
from bridge.core.state import FeedState
from bridge.sources import port
from bridge.sources.http import HttpSession
from bridge.sources.key_gate import KeyGate
from bridge.sources.miosa.api import MiosaApi
from bridge.sources.miosa.computers import ComputerFollow
from bridge.sources.miosa.deployments import DeploymentFollow
from bridge.sources.miosa.discovery import Discovery
from bridge.sources.miosa.errors import advice, row_of
from bridge.sources.miosa.examine import Examination
from bridge.sources.miosa.following import Following, Parts, beside
from bridge.sources.miosa.rules import words
from bridge.sources.miosa.rules.learnt import Learnt
from bridge.sources.miosa.runs import RunFollow
from bridge.sources.miosa.settings import MiosaAccount
from bridge.sources.miosa.streams import StreamFollow
from bridge.sources.port import Depth, Finding, OpenFeed, Progress, Standing

LIVE = frozenset({"requests_per_minute", "follow", "discover"})  # a running source takes these over
_FOLLOWS: Mapping[str, type[RunFollow | StreamFollow | DeploymentFollow]] = {
    words.RUN: RunFollow,
    words.COMPUTER: ComputerFollow,
    words.DEPLOYMENT: DeploymentFollow,
}


def build(system: port.System, account: port.Account, means: port.Means) -> MiosaSource:
    """Create a source with all its parts."""
    settings = account.settings
    assert isinstance(settings, MiosaAccount)
    gate = KeyGate(
        account.name,
        Line(settings.requests_per_minute),
        means.clock,
        means.metrics,
        means.store,
        is_shared=means.is_shared,
    )
    http = HttpSession(
        account.base_url,
        account.tokens.token,
        connector=means.connector,
        proxy=account.settings.proxy,
    )
    learnt = means.learnt.setdefault((system.name, account.base_url), Learnt())
    parts = Parts(
        gate=gate,
        api=MiosaApi(http, learnt, means.redact),
        learnt=learnt,
        clock=means.clock,
        metrics=means.metrics,
        jitter=means.jitter,
        watched=set(),
    )
    return MiosaSource(system, account, parts, means.discovered)


class MiosaSource:
    """Implements `sources.port.Source`."""

    def __init__(
        self,
        system: port.System,
        account: port.Account,
        parts: Parts,
        discovered: port.Discovered,
    ) -> None:
        self.system = system
        self._account = account
        self._parts = parts
        self._gate = parts.gate
        self._progress: dict[OpenFeed, Progress] = {}
        self._discovery = Discovery(account.name, parts, discovered, is_on=self._settings.discover)

    @property
    def name(self) -> str:
        """See `Source.name`."""
        return self._account.name

    @property
    def _settings(self) -> MiosaAccount:
        settings = self._account.settings
        assert isinstance(settings, MiosaAccount)
        return settings

    async def run(self) -> None:
        """See `Source.run`."""
        await beside(self._gate.drive(), self._discovery.run(), f"discovery {self.name}")

    async def follow(self, feed: OpenFeed, progress: Progress) -> None:
        """See `Source.follow`."""
        kind = feed.feed.kind
        follow: Following = _FOLLOWS.get(kind, StreamFollow)(
            feed, self._parts, progress, may_stream=self._settings.stream
        )
        self._parts.watched.add(feed.feed)
        self._progress[feed] = progress
        try:
            await follow.run()
        finally:
            del self._progress[feed]
            self._parts.watched.discard(feed.feed)
            for use in ("read", "stream"):
                self._gate.leave((feed.feed, use))

    def take_over(self, account: port.Account) -> bool:
        """See `Source.take_over`. LIVE names the settings that it can apply."""
        held, new = self._settings, account.settings
        if not isinstance(new, MiosaAccount) or account.base_url != self._account.base_url:
            return False
        if held.model_dump(exclude=set(LIVE)) != new.model_dump(exclude=set(LIVE)):
            return False
        self._gate.line.set_limit(new.requests_per_minute)
        self._gate.kick()
        self._discovery.is_on = new.discover
        self._account = account
        return True

    def token_replaced(self) -> None:
        """See `Source.token_replaced`."""
        self._gate.token_replaced()
        self._discovery.token_replaced()

    def ask_again(self) -> None:
        """See `Source.ask_again`."""
        self._gate.ask_again()

    def expect(self, states: Sequence[FeedState]) -> None:
        """Do nothing: the line orders the feeds as their requests arrive."""

    def memory(self) -> bytes:
        """See `Source.memory`."""
        return self._gate.memory()

    def recall(self, memory: bytes, age_s: float | None = None) -> None:
        """See `Source.recall`."""
        self._gate.recall(memory, age_s)

    def standing(self) -> Standing:
        """See `Source.standing`."""
        gate = self._gate
        credential = gate.credential
        detail = "key accepted" if credential.was_accepted else "no request so far"
        if gate.refused is not None:
            detail = "the key is refused; replace it with a valid one"
        read_at = [p.read_at for p in self._progress.values() if p.read_at is not None]
        return Standing(
            detail,
            failure=gate.refused,
            was_accepted=credential.was_accepted,
            refused_since=credential.refused_since,
            suspended_since=credential.suspended_since,
            requests=gate.requests(),
            oldest_read_at=min(read_at, default=None),
        )

    def explain(self, failure: Failure) -> str:
        """See `Source.explain`."""
        return explain(failure)

    async def examine(self, depth: Depth) -> Sequence[Finding]:
        """See `Source.examine`."""
        return await self._examination().run(depth)

    def _examination(self) -> Examination:
        return Examination(self._parts, self._settings, self._account.base_url)

    async def close(self) -> None:
        """See `Source.close`."""
        await self._parts.api.http.close()


def explain(failure: Failure) -> str:
    """Explain a failure in the table's words, with the request id for MIOSA's support."""
    row = row_of(failure.code)
    where = f" (request id {failure.request_id})" if failure.request_id else ""
    text = failure.message if row is None else f"{row.meaning}: {failure.message}"
    return f"{failure.code}: {advice(failure.code, text)}{where}"
