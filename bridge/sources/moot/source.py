"""One moot account: its follows, the gate they share, and the lists of spaces."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.clock import Clock
from bridge.core.errors import Failure
from bridge.core.event import Feed, feed_of
from bridge.core.pace.line import Line
from bridge.core.state import FeedState
from bridge.sources import port
from bridge.sources.http import HttpSession
from bridge.sources.key_gate import KeyGate
from bridge.sources.moot.api import MootApi
from bridge.sources.moot.desk import Desk
from bridge.sources.moot.errors import TENANT_SUSPENDED
from bridge.sources.moot.examine import examine
from bridge.sources.moot.explain import explain
from bridge.sources.moot.follow import SpaceFollow
from bridge.sources.moot.lists import Lister
from bridge.sources.moot.rules.ways import Way, Ways
from bridge.sources.moot.settings import SPACE, MootAccount
from bridge.sources.port import Depth, Finding, OpenFeed, Progress, Standing
from bridge.tasks import TaskGroup
from bridge.wire.jsontext import JsonError, dumps, loads

# Settings that a running source takes over; a change of any other needs a new source.
LIVE = frozenset({"requests_per_minute", "spaces", "discover", "stream"})
NO_REQUESTS = b'{"saved":0,"log":[]}'  # a gate's memory without requests


def build(system: port.System, account: port.Account, means: port.Means) -> MootSource:
    """Create a source with all its parts."""
    settings = account.settings
    assert isinstance(settings, MootAccount)
    gate = KeyGate(
        account.name,
        Line(settings.requests_per_minute),
        means.clock,
        means.metrics,
        means.store if means.is_shared else None,
        is_shared=means.is_shared,
    )
    http = HttpSession(
        account.base_url,
        account.tokens.token,
        connector=means.connector,
        proxy=settings.proxy,
    )
    desk = Desk(
        account=account.name,
        api=MootApi(http, account.tokens.token, means.redact),
        gate=gate,
        ways=means.learnt.setdefault((system.name, account.base_url), Ways()),
        clock=means.clock,
        metrics=means.metrics,
        jitter=means.jitter,
        wanted=settings.stream,
    )
    return MootSource(system, account, desk, means)


class MootSource:
    """Implements `sources.port.Source`."""

    def __init__(
        self, system: port.System, account: port.Account, desk: Desk, means: port.Means
    ) -> None:
        self.system = system
        self._account = account
        self._desk = desk
        self._clock: Clock = means.clock
        self._has_memory = False
        self._follows: dict[str, SpaceFollow] = {}
        self._lister = Lister(desk, self._follows, means.discovered, self._feed)
        self._lister.discovers = self._settings.discover

    @property
    def name(self) -> str:
        """See `Source.name`."""
        return self._account.name

    @property
    def _settings(self) -> MootAccount:
        settings = self._account.settings
        assert isinstance(settings, MootAccount)
        return settings

    def _feed(self, space_id: str) -> Feed:
        return feed_of(self.system.name, self.name, SPACE, space_id)

    async def run(self) -> None:
        """See `Source.run`."""
        if not self._has_memory:
            # No predecessor is known, so assume that it sent no requests. Upstream publishes no
            # limit, waiting would slow down every first start, and the gate obeys a 429.
            self._desk.gate.recall(NO_REQUESTS)
        async with TaskGroup() as group:
            group.create_task(self._desk.gate.drive(), name=f"{self.name}: gate")
            group.create_task(self._lister.run(), name=f"{self.name}: lists")

    async def follow(self, feed: OpenFeed, progress: Progress) -> None:
        """See `Source.follow`."""
        follow = SpaceFollow(feed, self._desk, progress)
        self._follows[feed.feed.id] = follow
        self._lister.given_up.discard(feed.feed.id)
        self._share_budget()
        try:
            await follow.run()
        finally:
            if follow.is_given_up:
                self._lister.given_up.add(feed.feed.id)
            if self._follows.get(feed.feed.id) is follow:
                del self._follows[feed.feed.id]
            self._share_budget()

    def _share_budget(self) -> None:
        """Divide the budget, so that many silent streams leave requests for the others."""
        for follow in self._follows.values():
            follow.rules.share(len(self._follows), self._desk.gate.line.limit)

    def take_over(self, account: port.Account) -> bool:
        """See `Source.take_over`. LIVE names the settings that it can apply."""
        held, new = self._settings, account.settings
        if not isinstance(new, MootAccount) or account.base_url != self._account.base_url:
            return False
        if held.model_dump(exclude=set(LIVE)) != new.model_dump(exclude=set(LIVE)):
            return False
        self._desk.gate.line.set_limit(new.requests_per_minute)
        self._desk.gate.kick()
        self._desk.wanted = new.stream
        self._lister.discovers = new.discover
        self._account = account
        self._share_budget()
        for follow in self._follows.values():
            follow.stir()
        return True

    def expect(self, states: Sequence[FeedState]) -> None:
        """Do nothing: the gate orders the follows by their requests."""

    def token_replaced(self) -> None:
        """See `Source.token_replaced`."""
        self._desk.token_replaced()

    def ask_again(self) -> None:
        """Send the next request now: somebody may have fixed the key or the tenant."""
        self._desk.token_replaced()

    def memory(self) -> bytes:
        """Return what the gate knows, and which way works at this base URL."""
        return dumps({"gate": loads(self._desk.gate.memory()), "way": str(self._desk.ways.way)})

    def recall(self, memory: bytes, age_s: float | None = None) -> None:
        """See `Source.recall`."""
        self._has_memory = True
        try:
            saved = loads(memory)
            gate, way = saved["gate"], Way(saved["way"])
        except (JsonError, LookupError, TypeError, ValueError):
            self._desk.gate.recall(b"")
            return
        self._desk.gate.recall(dumps(gate), age_s)
        if way is not Way.SSE and self._desk.ways.way is Way.SSE:
            self._desk.ways.way, self._desk.ways.left_at = way, self._clock.monotonic()

    def standing(self) -> Standing:
        """See `Source.standing`."""
        desk, gate = self._desk, self._desk.gate
        detail = "key accepted" if gate.was_accepted else "no request so far"
        if desk.verdict is not None:
            is_tenant = desk.verdict.code == TENANT_SUSPENDED
            detail = desk.verdict.message if is_tenant else "the key is refused"
        read_at = [f.progress.read_at for f in self._follows.values()]
        return Standing(
            detail,
            failure=desk.verdict,
            suspended_since=desk.verdict_at,
            refused_since=desk.verdict_at,
            was_accepted=gate.was_accepted,
            requests=gate.requests(),
            oldest_read_at=min((at for at in read_at if at is not None), default=None),
        )

    def explain(self, failure: Failure) -> str:
        """See `Source.explain`."""
        return explain(failure, self._account)

    async def examine(self, depth: Depth) -> Sequence[Finding]:
        """See `Source.examine`."""
        return await examine(self._desk.api, self._clock, self.explain, depth)

    async def close(self) -> None:
        """See `Source.close`."""
        await self._desk.api.http.close()
