"""Follows a deployment by reading its row and the tail of its log in turn; it has no stream."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from bridge.core.pace.line import Rank
from bridge.sources.miosa.api import row_path
from bridge.sources.miosa.classify import Verdict
from bridge.sources.miosa.following import Following, Parts
from bridge.sources.miosa.frames import of_line
from bridge.sources.miosa.rules.tail import Tail
from bridge.sources.port import Batch, Gap, OpenFeed, Progress

LOG_JUMPED = "log_jumped"
POLL_S = (3.0, 30.0)  # between reads of the log: while it grows, and at most
ROW_S = 15.0


class DeploymentFollow(Following):
    """Follows one deployment to the end of its row."""

    def __init__(
        self, feed: OpenFeed, parts: Parts, progress: Progress, *, may_stream: bool = True
    ) -> None:
        super().__init__(feed, parts, progress)
        del may_stream  # deployments have no stream
        self._tail = Tail()
        self._lines = 0  # lines so far; numbers the next one
        self._log_at = -math.inf
        self._poll_s = POLL_S[0]

    def saved(self) -> dict[str, Any]:
        """See `Following.saved`. Adds the tail of the log and the count of lines."""
        return {**super().saved(), "lines": self._lines, "tail": self._tail.saved()}

    def restore(self, saved: dict[str, Any]) -> None:
        """See `Following.restore`."""
        super().restore(saved)
        self._lines, self._tail = int(saved["lines"]), Tail.restored(saved["tail"])

    async def run(self) -> None:
        """See `Following.run`."""
        self.load()
        while not self.is_over:
            now = self.clock.monotonic()
            is_due = now >= self.row_at + ROW_S and not self.ending.is_near
            if self.wants_row or is_due:
                await self.read_row(Rank.CONNECT if self.row is None else Rank.NEWS)
            elif now >= self._log_at:
                await self._read_log()
            elif self.ending.is_over(now):
                await self._end()
            else:
                row_at = math.inf if self.ending.is_near else self.row_at + ROW_S
                await self.sleep_until(min(self._log_at, row_at))

    async def _read_log(self) -> None:
        path = row_path(self.feed, self.learnt)
        rank = Rank.CONNECT if self.ending.is_near else Rank.NEWS
        answer = await self.ask(rank, "deployments.logs", partial(self.api.tail, path))
        now = self.clock.monotonic()
        if isinstance(answer, Verdict):
            await self.refused(answer)
            return
        self.went_well("deployments.logs")
        grown = self._tail.look(answer)
        events = []
        last = f"line-{self._lines}" if self._lines else None
        for line in grown.lines:
            self._lines += 1
            events.append(of_line(self.kind, line).event(f"line-{self._lines}"))
        gaps = [Gap(LOG_JUMPED, last, events[0].id, None)] if grown.has_gap and events else []
        self.progress.read_at = now
        await self.take(Batch(events=events, gaps=gaps))
        self.ending.saw_look(now, is_fresh=bool(events))
        self._poll_s = POLL_S[0] if events else min(self._poll_s * 1.5, POLL_S[1])
        self._log_at = self.ending.ask_at(now) if self.ending.is_near else now + self._poll_s

    async def _end(self) -> None:
        if await self.read_row(Rank.CONNECT) and self.ending.is_near:
            await self.take(Batch(ended=True))
            self.finish()
