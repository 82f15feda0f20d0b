"""Follows one run: pages of events are the truth, a stream only brings them earlier.

One loop reads pages and the row, another keeps a stream open where there is one. The source takes
the events of the stream at once and in order, but only pages move the cursor of the pages: if a
stream leaves out an event, it arrives later with a page.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from bridge.core.backoff import Backoff
from bridge.core.pace.line import Rank
from bridge.sources.miosa.api import row_path, to_list
from bridge.sources.miosa.classify import Verdict
from bridge.sources.miosa.connect import Came, Connected, Wish, connected
from bridge.sources.miosa.following import ROW_S, Following, Parts
from bridge.sources.miosa.frames import Seen, of_item
from bridge.sources.miosa.reading import Ended, frames_of
from bridge.sources.miosa.rules import words
from bridge.sources.miosa.rules.learnt import ABSENT_S
from bridge.sources.miosa.rules.pages import Next, PageCursor
from bridge.sources.port import Batch, Gap, OpenFeed, Progress

POLL_S = (1.5, 12.0)  # between pages of a run without a stream: while there is news, and at most
CHECK_S = 30.0  # a page beside an open stream, at least so far apart
HELD_MAX = 10_000  # frames kept while pages catch up; pages bring the others
CONNECT_S = (1.0, 30.0)  # between connects
LIVED_S = 30.0  # a stream that lived so long is no failure
CURSOR_CODES = frozenset({400, 404, 422})  # statuses with which a server may refuse an unknown id
CURSOR_LOST = "cursor_lost"
REREAD_S = 60.0  # a cursor that is refused so soon after a read from the start is not the reason


class RunFollow(Following):
    """Follows one run to its end."""

    def __init__(
        self, feed: OpenFeed, parts: Parts, progress: Progress, *, may_stream: bool
    ) -> None:
        super().__init__(feed, parts, progress)
        self.cursor = PageCursor(parts.learnt.clamp)
        self._may_stream = may_stream
        self._last_id: str | None = None  # the newest event that was taken
        self._sequence: int | None = None  # its number, where upstream numbers events
        self._saw_end = False  # an event said how the run ended
        self._page_at = self._news_at = self._reread_at = -math.inf
        self._poll_s = POLL_S[0]
        self._is_streaming = False
        self._is_catching_up = False  # hold frames until pages have caught up
        self._held: list[Seen] = []
        self._order = asyncio.Lock()  # one loop at a time hands events over
        self._stream_at = 0.0
        self._connects = Backoff(*CONNECT_S)
        self._stream_wake = asyncio.Event()
        self._strikes = 0  # refusals of a stream for its ticket, in a row

    def saved(self) -> dict[str, Any]:
        """See `Following.saved`. Adds the cursor of the pages and the last event."""
        return {
            **super().saved(),
            "after": self.cursor.after,
            "last": self._last_id,
            "doubted": self.cursor.is_doubted,
            "sequence": self._sequence,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """See `Following.restore`."""
        super().restore(saved)
        if not isinstance(saved["after"], str | None) or not isinstance(saved["last"], str | None):
            raise TypeError("an id that is no text")
        self.cursor.after, self._last_id = saved["after"], saved["last"]
        self.cursor.is_doubted = bool(saved["doubted"])
        number = saved["sequence"]
        self._sequence = number if isinstance(number, int) else None

    async def run(self) -> None:
        """See `Following.run`."""
        self.load()
        await self.until_over(self._read(), self._stream())

    # Pages and rows

    async def _read(self) -> None:
        while not self.is_over:
            now = self.clock.monotonic()
            row_at = self.row_at + (self.watch_s(ROW_S) if self._is_streaming else ROW_S / 2)
            if self.wants_row or (now >= row_at and not self.ending.is_near):
                is_urgent = self.row is None or self.wants_row
                usual = Rank.WATCH if self._is_streaming else Rank.NEWS
                await self.read_row(Rank.CONNECT if is_urgent else usual)
                self._stream_wake.set()
            elif now >= self._page_at:
                await self._round()
            elif self.ending.is_over(now):
                await self._end()
            else:
                await self.sleep_until(
                    self._page_at if self.ending.is_near else min(self._page_at, row_at)
                )

    async def _round(self) -> None:
        """Read pages until one ends the round."""
        is_first = self.cursor.after is None
        is_urgent = is_first or self.ending.is_near or self._is_catching_up
        rank = Rank.CONNECT if is_urgent else Rank.WATCH if self._is_streaming else Rank.NEWS
        count_before = self.open.state.events
        while not self.is_over:
            path = row_path(self.feed, self.learnt)
            request = partial(self.api.page, path, self.cursor.after)
            answer = await self.ask(rank, "runs.events", request)
            if isinstance(answer, Verdict):
                if not self._is_cursor_refused(answer):
                    await self.refused(answer)
                    return
                self._reread_at = self.clock.monotonic()
                self.cursor.begin_again()
                continue
            self.went_well("runs.events")
            next_ = await self._take_page(answer, is_first=is_first)
            if next_ is not Next.MORE and not self._is_behind(next_, answer):
                break
        await self._caught_up(is_fresh=self.open.state.events > count_before)

    def _is_behind(self, next_: Next, items: Sequence[Seen]) -> bool:
        """Whether events may be missing between this page and the first frame of an open stream.

        A short page may be cut by a limit; nothing is missing after an empty page or an overlap.
        """
        if not self._is_catching_up or next_ is Next.EMPTY:
            return False
        shown = {seen.own_id for seen in items}
        return not any(seen.own_id in shown for seen in self._held)

    def _is_cursor_refused(self, verdict: Verdict) -> bool:
        is_about_it = verdict.failure.http_status in CURSOR_CODES
        is_again = self.clock.monotonic() < self._reread_at + REREAD_S
        return is_about_it and self.cursor.after is not None and not is_again

    async def _take_page(self, items: Sequence[Seen], *, is_first: bool) -> Next:
        async with self._order:
            ids = [seen.own_id or "" for seen in items]
            gaps = self._missing(items, ids)
            if items:
                self.cursor.is_doubted = False
            next_ = self.cursor.took_page(ids, is_first=is_first)
            await self._take(items, gaps)
        return next_

    def _missing(self, items: Sequence[Seen], ids: Sequence[str]) -> Sequence[Gap]:
        """Return the gap between the last taken event and this page, if there is one."""
        if not items or any(self.open.is_known(event_id) for event_id in ids):
            return ()
        number, before = items[0].data.get("sequence"), self._sequence
        if isinstance(number, int) and before is not None and number > before + 1:
            return (Gap(CURSOR_LOST, self._last_id, ids[0], number - before - 1),)
        if self.cursor.is_doubted:
            return (Gap(CURSOR_LOST, self._last_id, ids[0], None),)
        return ()

    async def _take(self, items: Sequence[Seen], gaps: Sequence[Gap] = ()) -> None:
        """Hand events over, in the order given; the caller holds the lock."""
        for seen in items:
            self._hint(seen)
        if items:
            self._last_id = items[-1].own_id
            number = items[-1].data.get("sequence")
            self._sequence = number if isinstance(number, int) else None
        receipt = await self.take(
            Batch(events=[seen.event(seen.own_id or "") for seen in items], gaps=gaps)
        )
        if receipt.fresh:
            self._news_at = self.clock.monotonic()

    def _hint(self, seen: Seen) -> None:
        """Read the row soon when an event says that the run is over."""
        if words.is_end(self.kind, seen.status):
            self._saw_end = True
            if not self.ending.is_near and not self.open.is_known(seen.own_id or ""):
                self.wants_row = True
                self.wake.set()

    async def _caught_up(self, *, is_fresh: bool) -> None:
        """End a round: let the stream's frames in, and schedule the next round."""
        async with self._order:
            while self._held:
                held, self._held = self._held, []
                await self._take_frames(held)
            self._is_catching_up = False
        now = self.clock.monotonic()
        self.progress.read_at = now
        self.ending.saw_look(now, is_fresh=is_fresh)
        if self.ending.is_near:
            self._page_at = self.ending.ask_at(now)
        elif self._is_streaming:
            self._page_at = now + self.watch_s(CHECK_S)
        else:
            self._poll_s = POLL_S[0] if is_fresh else min(self._poll_s * 1.5, POLL_S[1])
            self._page_at = now + self._poll_s
        self._stream_wake.set()

    async def _end(self) -> None:
        """End the run after its row and two quiet pages, unless the cursor may hide events."""
        if not self._saw_end and not self.cursor.was_reread and self.cursor.after is not None:
            self.cursor.begin_again()
            self.ending.quiet = 0
            self._page_at = self.clock.monotonic()
            return
        if not await self.read_row(Rank.CONNECT) or not self.ending.is_near:
            return
        await self.take(Batch(ended=True))
        self.finish()

    # The stream

    async def _stream(self) -> None:
        while not self.is_over and self._may_stream:
            now = self.clock.monotonic()
            is_known = self.row is not None and self.progress.read_at is not None
            if not is_known or self.ending.is_near:
                self._stream_wake.clear()
                await self._stream_wake.wait()
            elif now < self._stream_at or not self.learnt.has_stream(self.kind, now):
                await self.until(max(self._stream_at, now + 1.0))
            else:
                await self._connect()

    async def _connect(self) -> None:
        began = self.clock.monotonic()
        wish = Wish(self.feed, "runs.stream", lambda: f"{row_path(self.feed, self.learnt)}/events")
        async with connected(self.parts, wish) as got:
            if got.came is Came.AGAIN:
                return
            if got.came is Came.STREAM:
                self._strikes = 0
                await self._read_stream(got)
            else:
                await self._no_stream(got)
        now = self.clock.monotonic()
        if got.came is Came.STREAM and now - began >= LIVED_S:
            self._connects.reset()
        wait_s = self._connects.after_failure(jitter=0.0)
        self._stream_at = max(self._stream_at, now + wait_s)

    async def _no_stream(self, got: Connected) -> None:
        now = self.clock.monotonic()
        if got.came is Came.EMPTY:
            self.wants_row = True
            self._stream_at = now + ROW_S / 2
            self.wake.set()
        elif got.came is Came.JSON:
            self.learnt.stream_absent(self.kind, now)  # the server sends pages only
            items = [of_item(self.kind, item) for item in to_list(got.value) or ()]
            async with self._order:
                await self._take([seen for seen in items if seen is not None])
        elif got.verdict is not None:
            self._stream_refused(got.verdict, now)

    def _stream_refused(self, verdict: Verdict, now: float) -> None:
        """React to a refused stream: a run needs none, pages bring its events."""
        status = verdict.failure.http_status or 500
        if status == 401 and self._strikes == 0:
            self._strikes += 1
            self.learnt.wants_ticket[self.kind] = True
            self._connects.reset()
        elif verdict.is_route_absent:
            self.learnt.stream_absent(self.kind, now)
        elif status < 500 and status not in (408, 409, 425, 429):
            self._stream_at = now + ABSENT_S  # of this run alone
            self.wants_row |= status == 404
            self.wake.set()
        if verdict.hinted_s is not None and not verdict.is_of_key:
            self._stream_at = now + verdict.hinted_s

    async def _read_stream(self, got: Connected) -> None:
        assert got.stream is not None
        self.learnt.stream_present(self.kind)
        self._is_streaming = self._is_catching_up = True
        self.progress.followed_by = "stream"
        self._page_at = self.clock.monotonic()
        self.wake.set()
        reason = Ended.CUT
        try:
            async for items in frames_of(self.kind, got.stream, self.learnt):
                if isinstance(items, Ended):
                    reason = items
                else:
                    await self._came(items)
        finally:
            self._is_streaming = self._is_catching_up = False
            self._held.clear()
            self.progress.followed_by = "poll"
            self._page_at = self.clock.monotonic()
            self.wake.set()
            self.parts.count_reconnect(self.kind, reason)

    async def _came(self, items: Sequence[Seen]) -> None:
        """Hold frames while pages catch up, else take them at once."""
        if self._is_catching_up:
            if len(self._held) < HELD_MAX:
                self._held += items
            return
        async with self._order:
            await self._take_frames(items)

    async def _take_frames(self, items: Sequence[Seen]) -> None:
        """Take the new events, up to the first frame that shows a gap before it."""
        fresh: list[Seen] = []
        number = self._sequence
        for seen in items:
            if seen.own_id is None or self.open.is_known(seen.own_id):
                continue
            own = seen.data.get("sequence")
            is_next = not isinstance(own, int) or number is None or own == number + 1
            if not is_next:
                self._page_soon()
                break
            number = own if isinstance(own, int) else None
            self.cursor.took_stream(seen.own_id)
            fresh.append(seen)
        if any(seen.own_id is None for seen in items):
            self._page_soon()  # only a page gives it an id
        if fresh:
            await self._take(fresh)

    def _page_soon(self) -> None:
        self._page_at = self.clock.monotonic()
        self.wake.set()
