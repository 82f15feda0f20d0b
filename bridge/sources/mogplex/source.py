"""Mogplex as a `Source`: one account, followed by stream where there is one, else by pages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from bridge.clock import Clock
from bridge.core.event import Feed
from bridge.core.pace.ranking import Want
from bridge.core.state import FeedState
from bridge.sources.gate import Account
from bridge.sources.mogplex.api import MogplexApi, feed_of, normalised_run_id
from bridge.sources.mogplex.features import Features, StreamKind
from bridge.sources.mogplex.follow import RunFollow
from bridge.sources.mogplex.stream import follow_stream
from bridge.sources.port import Intake, Progress

RESUME_SOON_S = 2.0  # to wait for a connect rather than to read a page
CONTACT_S = 30.0  # between two connects of one run for which no pace is kept


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
            while not run.is_over:
                await self._until_resumable(run)
                if run.wants_stream() and self._features.stream is StreamKind.UNKNOWN:
                    await self._features.scout()
                await self.account.turn(run.run_id, self._want(run))
                if run.wants_stream():
                    await follow_stream(run)
                else:
                    await run.read()
        finally:
            run.features.scouted.set()  # it may have been on the way
            self.account.leave(run.run_id)

    async def _until_resumable(self, run: RunFollow) -> None:
        """Wait for a connect that is due in a moment: a page in between would tell no more."""
        wait_s = run.stream_at - self._clock.monotonic()
        if 0.0 < wait_s <= RESUME_SOON_S and run.resumes_first and run.wants_stream(in_s=wait_s):
            await asyncio.sleep(wait_s)

    def _want(self, run: RunFollow) -> Want:
        """What the next turn of a run is for."""
        now = self._clock.monotonic()
        if run.wants_fill and now >= run.stream_at:
            return Want.AT_ONCE  # its page may slide on
        if not run.wants_stream():
            return Want.POLL
        if self._features.stream is StreamKind.UNKNOWN:
            return Want.AT_ONCE  # what it finds out saves the other runs a request
        # A stream that is cut again and again may not burst each time.
        return Want.CONTACT if now - run.connected_at >= CONTACT_S else Want.POLL

    def expect(self, states: Sequence[FeedState]) -> None:
        """These are about to be followed, all at once: see `Account.expect`."""
        self.account.expect((state.feed.id, state.status is not None) for state in states)

    def ask_again(self) -> None:
        """Somebody may have mended what was wrong with the token."""
        self.account.ask_again()

    def memory(self) -> dict[str, Any]:
        """What a successor has to know, as JSON; `recall` reads it."""
        return {**self.account.memory(), "stream": str(self._features.stream)}

    def recall(self, memory: object) -> None:
        """Take over what a predecessor's `memory` said; what cannot be read teaches nothing."""
        saved: dict[str, Any] = memory if isinstance(memory, dict) else {"requests": memory}
        try:
            requests = [float(t) for t in saved["requests"]]
            order = [str(run_id) for run_id in saved.get("order", ())]
            stream = StreamKind(saved.get("stream", StreamKind.UNKNOWN))
        except (LookupError, TypeError, ValueError):
            return
        self.account.recall(requests, order)
        self._features.remembered(stream)
