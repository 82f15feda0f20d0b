"""Mogplex as a `Source`: one account, followed by stream where there is one, else by pages."""

from __future__ import annotations

from bridge.clock import Clock
from bridge.core.event import Feed
from bridge.core.state import FeedState
from bridge.sources.gate import Account
from bridge.sources.mogplex.api import MogplexApi, feed_of, normalised_run_id
from bridge.sources.mogplex.features import Features
from bridge.sources.mogplex.follow import RunFollow
from bridge.sources.mogplex.stream import follow_stream
from bridge.sources.port import Intake, Progress


class MogplexSource:
    """One account. `drive` of its `account` must run for any follow to go on."""

    def __init__(
        self,
        account: Account,
        api: MogplexApi,
        features: Features,
        *,
        clock: Clock,
        may_stream: bool = True,
    ) -> None:
        self.account = account
        self.api = api
        self._features = features
        self._clock = clock
        self._may_stream = may_stream

    def feed(self, id_: str) -> Feed:
        run_id = normalised_run_id(id_)
        if run_id is None:
            raise ValueError("a run id is a UUID")
        return feed_of(self.account.name, run_id)

    async def follow(self, state: FeedState, intake: Intake, progress: Progress) -> None:
        run = RunFollow(
            state,
            account=self.account,
            api=self.api,
            features=self._features,
            intake=intake,
            progress=progress,
            clock=self._clock,
            may_stream=self._may_stream,
        )
        try:
            while not run.is_over and await run.turn(urgent=run.is_urgent):
                if run.wants_stream():
                    await follow_stream(run)
                else:
                    await run.read()
        finally:
            self.account.leave(run.run_id)
