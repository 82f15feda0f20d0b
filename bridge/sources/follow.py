"""One Mogplex run, from its first read to its end: reading pages, and when to stream instead.

Every reply is judged by the pure rules of `core` (window, completion) and handed to the intake; the
next request is made only when that is durable. The stream itself is `sources/stream.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.clock import Clock
from bridge.core.backoff import Backoff
from bridge.core.completion import TERMINAL_STATUSES, Completion
from bridge.core.errors import Failure, Retry
from bridge.core.event import Event, Feed, FeedState
from bridge.core.window import Hole, Kind, Window
from bridge.sources.account import Account
from bridge.sources.features import Features, StreamKind
from bridge.sources.mogplex import PAGE_MAX, MogplexApi, RunPage
from bridge.sources.pages import begins_at_origin, ends, upstream_types
from bridge.sources.port import Batch, Gap, Intake, Progress, Receipt
from bridge.wire.jsontext import JsonError, dumps, loads

IDLE_S = 60.0  # quiet for so long: read the row, where newer servers notice dead workers (1.7)
ABSENT_STRIKES = 3  # replies in a row that know no such route, before the base URL is called wrong
FILL_TRIES = 5  # connects tried to fill a hole before it is recorded as one
RESUME_AGE_S = 10.0  # resume from an id this old: younger events may commit out of order (1.8)
RESUME_IDS_MAX = 2_000  # ids held for that; a burst longer than this resumes from further on
PAUSE_S = 30.0  # a run that pauses waits for a person; it does not go on within this time


@dataclass(slots=True)
class RunFollow:
    """The state of one follow. Only `follow` of sources/source.py and the stream drive it."""

    state: FeedState
    account: Account
    api: MogplexApi
    features: Features
    intake: Intake
    progress: Progress
    clock: Clock
    may_stream: bool = True  # the operator's wish; what the server can is in `features`
    is_over: bool = False  # ended or given up, durably
    window: Window = field(default_factory=Window)
    completion: Completion = field(default_factory=Completion)
    backoff: Backoff = field(default_factory=Backoff)
    segment: str | None = None  # aiCallId of the pages read so far
    segment_count: int = 0  # events taken of this segment
    last_id: str | None = None  # newest event taken of this segment
    stream_backoff: Backoff = field(default_factory=Backoff)
    stream_at: float = 0.0  # no connect before this instant
    stream_closed_at: float | None = None  # None: no stream was open yet
    saw_pause: bool = False  # a page of this segment was read while the run waited for input
    wants_fill: bool = False  # a hole was seen that a resumed stream may fill
    fill_tries: int = 0  # streams that did not fill it
    was_blind: bool = False  # upstream did not answer for a while, and no stream was resumed since
    is_stuck: bool = False  # the last stream brought nothing that was not known
    is_verified: bool = False  # a whole page was read since the last stream closed
    row_segment: str | None = None  # aiCallId of the row read last
    moved_at: float = 0.0  # when anything new was last seen
    row_read_at: float = 0.0
    absent_strikes: int = 0
    newest_s: float = 0.0  # newest creation time among the events taken
    recent: deque[tuple[str, float]] = field(
        default_factory=lambda: deque(maxlen=RESUME_IDS_MAX)
    )  # ids of fresh events and their creation times; the first one is what resuming starts from

    def __post_init__(self) -> None:
        self.window.kind = self.features.window
        self.moved_at = self.row_read_at = self.clock.monotonic()
        self._restore(self.state.cursor)

    @property
    def feed(self) -> Feed:
        return self.state.feed

    @property
    def run_id(self) -> str:
        return self.state.feed.id

    async def read(self) -> None:
        """One read that has its turn: of the page, or of the row where that tells more."""
        if self._wants_row():
            await self._read_row(park=False)
            return
        started = self.clock.monotonic()
        page = await self.api.run_events(self.run_id)
        if isinstance(page, Failure):
            await self._refused("runs.events", started, page)
        else:
            self._accepted("runs.events", started)
            await self._take_page(page)

    async def turn(self, *, urgent: bool = False) -> bool:
        """Wait for this run's turn; False when the token is dead and the follow over."""
        dead = await self.account.turn(self.run_id, urgent=urgent)
        if dead is not None:
            await self.give_up(dead)
        return dead is None

    async def check_row(self) -> None:
        """Take a turn and read the row beside an open stream."""
        if await self.turn():
            await self._read_row(park=True)

    async def _read_row(self, *, park: bool) -> None:
        """Read the run without its events: its status is news too."""
        started = self.clock.monotonic()
        page = await self.api.run(self.run_id)
        if isinstance(page, Failure):
            await self._refused("runs.get", started, page)
            return
        self._accepted("runs.get", started)
        self.row_read_at = self.clock.monotonic()
        self.row_segment = page.segment
        await self.take_row(page)
        self.account.spent(self.run_id, park=park)

    async def take_row(self, page: RunPage) -> None:
        """Record what a row alone says. A new segment is left for the next page to tell."""
        if page.status != self.state.status:
            self.moved_at = self.clock.monotonic()
        await self.take(Batch(self.feed, status=page.status, run=page.run))

    async def _refused(self, operation: str, started: float, failure: Failure) -> None:
        """Book a refusal that had its turn; some end the follow."""
        self.progress.retry_at = self.account.answered(
            self.run_id, operation, started, failure, self.backoff
        )
        self.was_blind = True
        self.progress.failure = failure
        self.progress.failures_in_row += 1
        self.absent_strikes += failure.retry is Retry.FEATURE_ABSENT
        if failure.retry is Retry.PERMANENT:
            await self.give_up(failure)
        elif self.absent_strikes >= ABSENT_STRIKES:
            text = "the server knows no such route: base_url is not where the Mogplex API is"
            await self.give_up(replace(failure, message=text, retry=Retry.PERMANENT))
        elif self.account.dead is not None:
            await self.give_up(self.account.dead)

    async def give_up(self, failure: Failure) -> None:
        """Record that this follow ends without the run having ended."""
        self.progress.failure = failure
        await self.take(Batch(self.feed, failure=failure))
        self.is_over = True

    async def take(self, batch: Batch) -> Receipt:
        receipt = await self.intake.take(batch)
        self.state = receipt.state
        return receipt

    async def take_events(self, events: Sequence[Event], **more: Any) -> Receipt:
        """Hand events of the current segment over, and what resuming after them needs.

        `more`: further fields of the batch.
        """
        for event in events:
            if not self.intake.is_known(self.feed, event.id):
                self._remember(event)
        cursor = self._cursor() if events else None
        receipt = await self.take(Batch(self.feed, events=events, cursor=cursor, **more))
        if receipt.fresh:
            self.moved_at = self.clock.monotonic()
        if self.features.stream is StreamKind.REPLAYING and self.segment_count > PAGE_MAX:
            await self._tell_blind()
        return receipt

    async def _tell_blind(self) -> None:
        """Behind a full page a stream of the first version brings only what is written while it is
        connected (contracts.md 1.0): from here on nobody can say that nothing is missing.
        """
        hole = self.window.exhaust()
        if hole is not Hole.NONE:
            await self.take(Batch(self.feed, gap=Gap(hole, self.last_id, None, None)))

    def resume_from(self) -> tuple[str, float] | None:
        """The event to resume a stream from (id, creation time); None to connect afresh.

        It is RESUME_AGE_S older than the newest one, or the first of its segment. A stream that
        brought nothing may have met a terminal event on the way, where it always stops (1.8): the
        next one starts behind it.
        """
        if not self.recent:
            return None
        return self.recent[-1] if self.is_stuck else self.recent[0]

    def wants_stream(self) -> bool:
        """Whether the next turn is better spent on a stream than on a page."""
        now = self.clock.monotonic()
        if self.state.status in TERMINAL_STATUSES and not self.wants_fill:
            return False
        if self.state.status == "awaiting_input":
            return False  # it goes on under a new aiCallId, which this segment's stream never tells
        may = self.may_stream and now >= self.stream_at and self.features.has_stream(now)
        if self.wants_fill:
            return may
        # After a terminal event a stream closes at once or stays silent for ever (1.8).
        return may and self.is_verified and not self.completion.event_seen

    def enter_segment(self, segment: str | None) -> None:
        """Forget what belongs to the old segment only; the ids already taken stay known."""
        if self.segment is not None:
            self.window.kind = Kind.TAIL  # only newer servers pause runs (1.0)
        self.segment = segment
        self.segment_count = 0
        self.saw_pause = False
        self.last_id = None
        self.forget_recent()
        self.window.new_segment()
        self.completion.new_segment()

    def forget_recent(self) -> None:
        """Nothing of the past can be resumed from any more."""
        self.recent.clear()
        self.newest_s = 0.0

    # Judging a page

    async def _take_page(self, page: RunPage) -> None:
        gap = self._switch_gap(page)
        hole = self._look(page)
        if hole in (Hole.JUMPED, Hole.EXHAUSTED) and self._may_fill():
            # The page is not taken: what lies before it comes first, and brings it along.
            self.wants_fill = True
            self.window.is_exhausted = False
            self.account.settle(self.run_id, 0, page.status, not_before=self.stream_at)
            return
        gap = self._gap(hole, page) or gap
        receipt = await self.take_events(page.events, gap=gap, status=page.status, run=page.run)
        self.wants_fill = False
        self.fill_tries = 0
        self.is_verified = True
        self.saw_pause = page.status == "awaiting_input"
        now = self.clock.monotonic()
        self.progress.read_at = now
        verdict = self.completion.saw_read(now, page.status, upstream_types(receipt.fresh))
        self.account.settle(
            self.run_id,
            self._instants(receipt.fresh, page, now),
            page.status,
            not_before=verdict.ask_at,
            head_window=self.window.is_exhausted,
        )
        if verdict.is_over:
            await self._end(page)

    async def _end(self, page: RunPage) -> None:
        if self.window.is_full and self.was_blind and self._may_fill():
            self.wants_fill = True  # what became visible late may have left the page by now
            return
        # A stream that resumes showed what a page hides.
        was_streamed = self.stream_closed_at is not None
        is_seen = was_streamed and self.features.stream is StreamKind.RESUMABLE
        is_whole = is_seen or self.completion.event_seen or ends(page)
        hole = self.window.at_end(last_is_terminal=is_whole)
        await self.take(Batch(self.feed, gap=self._gap(hole, page), ended=True))
        self.is_over = True

    def _switch_gap(self, page: RunPage) -> Gap | None:
        """Notice a new segment: the ids of the old one vanish from every page (1.7)."""
        if page.segment is None or page.segment == self.segment:
            return None
        is_first = self.segment is None
        was_paused, closed_at = self.saw_pause, self.stream_closed_at
        was_live = closed_at is not None and self.clock.monotonic() - closed_at < PAUSE_S
        after = self.last_id
        self.enter_segment(page.segment)
        if is_first or was_paused or was_live or after is None:
            return None
        # It paused and went on between two reads: what came before the pause was never shown.
        before = page.events[0].id if page.events else None
        return Gap("segment_switched", after, before, None)

    def _look(self, page: RunPage) -> Hole:
        ids = [event.id for event in page.events]
        if len(ids) < page.size:  # unreadable events count for the window all the same
            ids += [f"?{n}" for n in range(page.size - len(ids))]
        hole = self.window.look(
            ids,
            is_known=lambda id_: self.intake.is_known(self.feed, id_),
            knows_any=self.last_id is not None,
            begins_at_origin=begins_at_origin(page, is_later_segment=self.state.events > 0),
            may_go_on=page.status not in TERMINAL_STATUSES and not ends(page),
            updated_at=page.updated_at,
        )
        if self.window.kind is not Kind.UNKNOWN:
            self.features.window = self.window.kind
        return hole

    def _may_fill(self) -> bool:
        now = self.clock.monotonic()
        return (
            self.may_stream
            and self.fill_tries < FILL_TRIES
            and self.features.may_resume
            and self.features.has_stream(now)
            and self.resume_from() is not None
        )

    def _gap(self, hole: Hole, page: RunPage) -> Gap | None:
        first = page.events[0].id if page.events else None
        last = page.events[-1].id if page.events else None
        match hole:
            case Hole.NONE:
                return None
            case Hole.EXHAUSTED:
                return Gap(hole, last, None, None)
            case _:
                return Gap(hole, self.last_id, first, None)

    def _wants_row(self) -> bool:
        """Whether the row tells more than the page would."""
        if self.completion.in_grace or not self.is_verified:
            return False
        now = self.clock.monotonic()
        if self.window.is_exhausted and self.state.status not in TERMINAL_STATUSES:
            return True  # the page cannot change any more; only the status can
        return min(now - self.moved_at, now - self.row_read_at) >= IDLE_S

    # Small things

    def _accepted(self, operation: str, started: float) -> None:
        self.account.answered(self.run_id, operation, started, None, self.backoff)
        self.progress.failure = None
        self.progress.failures_in_row = self.absent_strikes = 0
        if self.progress.followed_by is None:
            self.progress.followed_by = "poll"

    def _instants(self, fresh: Iterable[Event], page: RunPage, now: float) -> list[float] | int:
        """Creation times of fresh events on our monotonic clock, as the scheduler wants them."""
        events = list(fresh)
        created = [event.created_at_s for event in events if event.created_at_s is not None]
        if len(created) != len(events):
            return len(events)
        server_now = page.server_time_s + 0.5 if page.server_time_s else self.clock.wall()
        return [min(now, now - (server_now - created_s)) for created_s in created]

    def _remember(self, event: Event) -> None:
        self.last_id = event.id
        self.segment_count += 1
        if event.created_at_s is None:
            return
        self.newest_s = max(self.newest_s, event.created_at_s)
        self.recent.append((event.id, event.created_at_s))
        if self.was_blind:
            return  # the place to catch up from stays where it was
        while len(self.recent) > 1 and self.recent[1][1] <= self.newest_s - RESUME_AGE_S:
            self.recent.popleft()

    def _cursor(self) -> str:
        cursor = {
            "segment": self.segment,
            "count": self.segment_count,
            "last": self.last_id,
            "resume": self.recent[0] if self.recent else None,
            "newest": self.newest_s,
            "terminal": self.completion.event_seen,
            "exhausted": self.window.is_exhausted,
        }
        return dumps(cursor).decode()

    def _restore(self, cursor: str) -> None:
        """Continue from a stored cursor; one that cannot be read only costs a request."""
        try:
            saved = loads(cursor) if cursor else {}
        except JsonError:
            saved = {}
        self.segment = saved.get("segment")
        self.segment_count = int(saved.get("count") or 0)
        self.last_id = saved.get("last")
        self.completion.event_seen = bool(saved.get("terminal"))
        self.window.is_exhausted = bool(saved.get("exhausted"))
        self.newest_s = float(saved.get("newest") or 0.0)
        if isinstance(resume := saved.get("resume"), list):
            self.recent.append((str(resume[0]), float(resume[1])))
