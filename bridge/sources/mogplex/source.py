"""One Mogplex account; follows by stream where there is one, else by pages."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from bridge.clock import Clock
from bridge.core.errors import Failure, Retry
from bridge.core.event import Feed
from bridge.core.pace.budget import WINDOW_S
from bridge.core.pace.ranking import Want
from bridge.core.pace.schedule import Scheduler
from bridge.core.state import FeedState
from bridge.sources import port
from bridge.sources.gate import UNSTORED_MAX, Gate
from bridge.sources.http import HttpSession
from bridge.sources.mogplex.api import PAGE_MAX, MogplexApi
from bridge.sources.mogplex.ask import ask
from bridge.sources.mogplex.examine import confirmed, examine
from bridge.sources.mogplex.explain import explain
from bridge.sources.mogplex.features import Features, StreamKind
from bridge.sources.mogplex.follow import RunFollow
from bridge.sources.mogplex.rules.next_turn import Turn
from bridge.sources.mogplex.settings import MogplexAccount
from bridge.sources.mogplex.stream import follow_stream
from bridge.sources.port import Depth, Finding, Level, OpenFeed, Progress, Requests, Standing
from bridge.wire import times
from bridge.wire.jsontext import JsonError, dumps, loads

# Settings that a running source takes over; a change of any other needs a new source.
LIVE = frozenset({"requests_per_minute", "reserve", "min_interval", "runs"})
RESUME_SOON_S = 2.0  # wait so long for a connect rather than read a page
CONTACT_S = 30.0  # between two connects of a run whose event rate is unknown


def build(system: port.System, account: port.Account, means: port.Means) -> MogplexSource:
    """Create a source with all its parts."""
    settings = account.settings
    assert isinstance(settings, MogplexAccount)
    limit, reserve = settings.pace()
    scheduler: Scheduler[str] = Scheduler(
        limit=limit,
        reserve=reserve,
        min_interval=settings.min_interval,
        q=settings.q,
        ra_cap=settings.ra_cap,
        page_events=PAGE_MAX,
    )
    gate = Gate(
        account.name,
        scheduler,
        clock=means.clock,
        metrics=means.metrics,
        jitter=means.jitter,
        store=means.store,
        unstored_max=0 if means.is_shared else UNSTORED_MAX,
    )
    http = HttpSession(
        account.base_url,
        account.tokens.token,
        connector=means.connector,
        proxy=settings.proxy,
    )
    features = means.learnt.setdefault((system.name, account.base_url), Features())
    api = MogplexApi(http, means.redact)
    return MogplexSource(system, account, gate, api, features, means.clock)


class MogplexSource:
    """Implements `sources.port.Source`."""

    def __init__(
        self,
        system: port.System,
        account: port.Account,
        gate: Gate,
        api: MogplexApi,
        features: Features,
        clock: Clock,
    ) -> None:
        self.system = system
        self._account = account
        self._gate = gate
        self._api = api
        self._features = features
        self._clock = clock
        self._follows: dict[str, RunFollow] = {}

    @property
    def name(self) -> str:
        """See `Source.name`."""
        return self._account.name

    @property
    def _settings(self) -> MogplexAccount:
        settings = self._account.settings
        assert isinstance(settings, MogplexAccount)
        return settings

    async def run(self) -> None:
        """See `Source.run`."""
        await self._gate.drive()

    async def follow(self, feed: OpenFeed, progress: Progress) -> None:
        """See `Source.follow`."""
        run = RunFollow(
            feed,
            gate=self._gate,
            api=self._api,
            features=self._features,
            progress=progress,
            clock=self._clock,
            may_stream=self._settings.stream,
        )
        self._follows[run.run_id] = run
        try:
            while not run.is_over:
                await self._until_resumable(run)
                if run.next_turn() is Turn.STREAM and self._features.stream is StreamKind.UNKNOWN:
                    await self._features.scout()
                await self._gate.turn(run.run_id, self._want(run))
                turn = run.next_turn()
                if turn is Turn.STREAM:
                    await follow_stream(run)
                else:
                    await run.read(turn)
        finally:
            del self._follows[run.run_id]
            run.features.scouted.set()  # this run may have been the one that tries the stream
            self._gate.leave(run.run_id)

    async def _until_resumable(self, run: RunFollow) -> None:
        """Wait for a connect that is due in a moment: a page in between would show no more."""
        wait_s = run.turns.stream_at - self._clock.monotonic()
        is_soon = 0.0 < wait_s <= RESUME_SOON_S and run.turns.resumes_first
        if is_soon and run.next_turn(in_s=wait_s) is Turn.STREAM:
            await asyncio.sleep(wait_s)

    def _want(self, run: RunFollow) -> Want:
        """Return the purpose of a run's next turn."""
        now = self._clock.monotonic()
        if run.turns.wants_fill and now >= run.turns.stream_at:
            return Want.AT_ONCE  # its page may slide on
        if run.next_turn() is not Turn.STREAM:
            return Want.POLL
        if self._features.stream is StreamKind.UNKNOWN:
            return Want.AT_ONCE  # its result saves the other runs a request
        # A stream that is cut again and again must not use the burst each time.
        return Want.CONTACT if now - run.turns.connected_at >= CONTACT_S else Want.POLL

    def expect(self, states: Sequence[FeedState]) -> None:
        """See `Source.expect`."""
        self._gate.expect((state.feed.id, state.status is not None) for state in states)

    def take_over(self, account: port.Account) -> bool:
        """See `Source.take_over`. LIVE names the settings that it can apply."""
        held, new = self._settings, account.settings
        if not isinstance(new, MogplexAccount) or account.base_url != self._account.base_url:
            return False
        if held.pace()[0] != new.pace()[0] or held.model_dump(exclude=set(LIVE)) != new.model_dump(
            exclude=set(LIVE)
        ):
            return False
        self._gate.set_pace(reserve=new.pace()[1], min_interval=new.min_interval)
        self._account = account
        return True

    async def ask(self, question: port.Question) -> port.Answer | Failure:
        """See `sources.port.ReadThrough`."""
        return await ask(self._gate, self._api.http, question)

    def look_soon(self, feed: Feed) -> None:
        """See `sources.port.ReadThrough`."""
        if (run := self._follows.get(feed.id)) is not None:
            run.look_soon()

    def token_replaced(self) -> None:
        """See `Source.token_replaced`."""
        self._gate.token_replaced()

    def ask_again(self) -> None:
        """See `Source.ask_again`."""
        self._gate.ask_again()

    def memory(self) -> bytes:
        """See `Source.memory`. JSON with the gate's requests and the kind of stream."""
        return dumps({**self._gate.memory(), "stream": str(self._features.stream)})

    def recall(self, memory: bytes, age_s: float | None = None) -> None:
        """See `Source.recall`."""
        try:
            saved = loads(memory)
            saved = saved if isinstance(saved, dict) else {"requests": saved}  # as 0.1.0 stored it
            requests = [float(t) for t in saved["requests"]]
            order = [str(run_id) for run_id in saved.get("order", ())]
            saved_at = float(saved["saved"]) if "saved" in saved else None
            stream = StreamKind(saved.get("stream", StreamKind.UNKNOWN))
        except (JsonError, LookupError, TypeError, ValueError):
            return  # no record of earlier requests: assume a predecessor at full pace
        if all(map(math.isfinite, (*requests, saved_at or 0.0))):
            self._gate.recall(requests, order, saved_at, age_s)
            self._features.remembered(stream)

    def standing(self) -> Standing:
        """See `Source.standing`."""
        now, credential = self._clock.monotonic(), self._gate.credential
        state = self._gate.scheduler.snapshot(now)
        detail = "token accepted" if credential.was_accepted else "no request so far"
        is_suspended = credential.suspended_since is not None
        if is_suspended and credential.refused_since is not None:
            since = times.rfc3339(self._clock.wall() - (now - credential.refused_since))
            retry_s = max(0.0, credential.retry_at - now)
            detail = f"the token is refused since {since}; next try in {retry_s:.0f} s"
        return Standing(
            detail,
            failure=self._gate.refusal if is_suspended else None,
            suspended_since=credential.suspended_since,
            refused_since=credential.refused_since,
            retry_at=credential.retry_at if is_suspended else None,
            was_accepted=credential.was_accepted,
            requests=Requests(
                used=state.used,
                assumed=state.assumed,
                budget=state.cap,
                window_s=WINDOW_S,
                others=state.foreign,
                refusals=state.refused_count,
                blocked_until=state.blocked_until or None,
                waited_s={
                    "budget": state.waited_budget_s,
                    "retry_after": state.waited_retry_after_s,
                },
            ),
            oldest_read_at=now - state.age_max_s if state.followed else None,
        )

    def explain(self, failure: Failure) -> str:
        """See `Source.explain`."""
        return explain(failure, self._account)

    async def examine(self, depth: Depth) -> Sequence[Finding]:
        """See `Source.examine`."""
        if depth is not Depth.TOKEN:
            return await examine(self._api, self._clock, self.explain, fill=depth is Depth.FILL)
        failure = await self._api.probe()
        if failure is not None:
            failure = await confirmed(self._api, failure)
        if failure is None:
            text = f"ok, {self._account.base_url} accepts the token"
            return [Finding("token", Level.OK, text)]
        is_token = failure.retry is Retry.AUTH_SUSPECT
        about = "token" if is_token else "server"
        return [Finding(about, Level.PROBLEM, self.explain(failure), failure)]

    async def close(self) -> None:
        """See `Source.close`."""
        await self._api.http.close()
