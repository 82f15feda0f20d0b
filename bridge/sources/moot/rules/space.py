"""Decides what the two tasks of a space's follow do next.

The *requesting* task sends requests one after the other (`request`): status, pages. The *reading*
task holds the stream (`stream`). Both report their results here, and get what to hand over.

A connect has one order (moot.md 2.4): open the stream, wait for its head, *then* catch up by pages,
*then* take the frames. Catching up first would lose the events written in between on a server that
does not replay.

    START ──status──> FOLLOWING ──archived──> ENDING ──pages succeeded──> OVER
      └─────────────── gone, forbidden, key refused, tenant suspended ─────^
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bridge.core.event import Event
from bridge.sources.moot.rules.absence import Absence
from bridge.sources.moot.rules.catch_up import CatchUp, Hole, Page
from bridge.sources.moot.rules.connects import Connects
from bridge.sources.moot.rules.count import CountCheck, Verdict
from bridge.sources.moot.rules.marker import Marker
from bridge.sources.moot.rules.replay import PEEK_S, Replay
from bridge.sources.moot.rules.steps import (
    Close,
    Connect,
    Hold,
    Look,
    Phase,
    Read,
    Reading,
    Request,
    Stream,
    Take,
    Wait,
)
from bridge.sources.moot.rules.ways import Way
from bridge.sources.moot.words import Cause

STATUS_S = 25.0  # read the status again after this time, so that it is never 30 s old
SILENCE_S = 60.0  # nothing read for so long: one look, then another connect
POLL_S = (3.0, 60.0)  # between polls: the shortest after news, doubling without news
ARCHIVED = "archived"


class SpaceRules:
    """The state of one follow. `now` is monotonic seconds, `wall` seconds since the epoch."""

    def __init__(
        self,
        marker: Marker,
        is_known: Callable[[str], bool],
        *,
        known: int = 0,
        status: str | None = None,
        ended: bool = False,
    ) -> None:
        """`known`: events taken so far; `status`, `ended`: as they were stored."""
        self.marker = marker
        self.phase = Phase.START
        self.known = known
        self.status = status
        self.silence_s = SILENCE_S  # longer where many spaces share a small budget
        self.job: CatchUp | None = None
        self.cause = Cause.CONNECT
        self.replayed = 0  # events that were shown again
        self.brought = 0  # new events that the open stream brought
        self.has_understood = False  # the open stream sent something readable
        self.is_useless = False  # try another way
        self._is_known = is_known
        self._was_read = status is not None
        self._had_ended = ended
        self._count = CountCheck(told=marker.told)
        self._is_counted = False  # readings show how many events there are
        self._absence = Absence()
        self._started_at: str | None = None
        self._looked_at: float | None = None
        self._is_open = False
        self._is_caught_up = False
        self._wants_close = False
        self._was_passed_over = False  # pages brought new events that the open stream did not
        self._opened_at = 0.0
        self._heard_at = 0.0
        self._connects = Connects()
        self._replay = Replay()
        self._held: list[Event] = []  # frames of a stream, while pages catch up
        self._poll_at = 0.0
        self._poll_s = POLL_S[0]
        self._is_level = False  # everything was read since the latest connect or the start
        self._missed_at: float | None = None  # the reading before the stream's route was refused
        self._last_count: int | None = None  # the count of the archived space
        self._missing = 0  # missing events, to be reported

    # Next steps

    def request(self, now: float, way: Way) -> Request:  # noqa: PLR0911 - one return a state
        """Return the next step of the requesting task. `way` is the transport now."""
        if self.phase is Phase.OVER:
            return Wait(now + STATUS_S)
        if self._looked_at is None:
            return Look()
        if self.job is not None:
            return self._ask(now)
        if self.phase is Phase.ENDING:
            return self._begin(Cause.END)
        if now >= self._looked_at + STATUS_S:
            return Look()
        if self._polls(way) and now >= self._poll_at:
            return self._begin(Cause.POLL)
        if self._is_read and now >= self._heard_at + self.silence_s:
            return self._begin(Cause.SILENCE)
        return Wait(self._asks_at(way))

    def _ask(self, now: float) -> Request:
        """Return the next page, unless the stream may bring it."""
        assert self.job is not None
        if self._replay.is_peeking(now):
            return Wait(self._replay.peek_until or now)
        if self._replay.is_first and now < self._heard_at + PEEK_S:
            return Wait(self._heard_at + PEEK_S)
        self._replay.is_first = False  # the replay stopped before it reached known events
        return self.job.page

    def _asks_at(self, way: Way) -> float:
        due = [(self._looked_at or 0.0) + STATUS_S]
        if self._polls(way):
            due.append(self._poll_at)
        if self._is_read:
            due.append(self._heard_at + self.silence_s)
        return min(due)

    def _polls(self, way: Way) -> bool:
        """Whether pages alone bring the events: by choice, or while no stream can be opened."""
        return way is Way.POLL or self._connects.is_refused

    def stream(self, now: float, way: Way) -> Stream:
        """Return the next step of the reading task."""
        wants_stream = self.phase is Phase.FOLLOWING and way is not Way.POLL
        if not self._is_open:
            if not wants_stream or (self.job is not None and self.cause is not Cause.CONNECT):
                return Wait(now + STATUS_S)
            return Connect(way) if now >= self._connects.at else Wait(self._connects.at)
        self.is_useless |= self._is_misleading(now)
        if self._wants_close or not wants_stream or self.is_useless:
            return Close()
        return self._reading(now)

    def _reading(self, now: float) -> Stream:
        if self._replay.is_peeking(now):
            return Read(self._replay.peek_until or now)
        if not self._is_caught_up and not self._replay.is_first:
            return Hold()
        until = self._heard_at + self.silence_s
        if self._was_passed_over and not self.has_understood:
            until = min(until, self._opened_at + SILENCE_S)
        return Read(max(until, now + 1.0))  # a look at a silent stream may take a while

    def _is_misleading(self, now: float) -> bool:
        """Whether pages show events that the stream, with nothing readable, left out."""
        is_old = now >= self._opened_at + SILENCE_S
        return is_old and self._was_passed_over and not self.has_understood

    def _begin(self, cause: Cause, *, search: int = 0) -> Page:
        self.cause = cause
        self.job = CatchUp(self.marker, self._is_known, begins_at=self._started_at, search=search)
        return self.job.page

    @property
    def _is_read(self) -> bool:
        return self._is_open and self._is_caught_up and not self._wants_close

    # Status

    def looked(self, now: float, reading: Reading) -> Take:
        """Take the space's own status, or its row in a list."""
        self._looked_at = now
        self._absence.seen()
        self._was_read = True
        self._started_at = reading.started_at or self._started_at
        self._is_counted = reading.count is not None and self._count.is_reliable
        if reading.status == ARCHIVED:
            if self.phase is Phase.START and self._had_ended and self.status == ARCHIVED:
                self.phase = Phase.OVER  # the space had ended, and has not changed
            elif self.phase in (Phase.START, Phase.FOLLOWING):
                self.phase = Phase.ENDING
                self._last_count = reading.count
                self._forget_job()
            return Take()
        if self.phase is not Phase.OVER:
            self.phase = Phase.FOLLOWING
        self._judge(reading.count)
        self.status = reading.status
        return Take(status=reading.status, hole=self._told())

    def _judge(self, count: int | None) -> None:
        """Compare the count, unless a running read would explain a difference."""
        if not self._is_level or self.job is not None:
            return
        verdict = self._count.read(count, self.known)
        if verdict is Verdict.SEARCH:
            self._begin(Cause.COUNT, search=self._count.deficit)
        elif verdict is Verdict.MISSING:
            self._missing = self._count.tell()

    def _told(self) -> Hole | None:
        if not self._missing:
            return None
        missing, self._missing = self._missing, 0
        self.marker = replace(self.marker, told=self._count.told)
        return Hole("count_mismatch", self.marker.last, None, missing)

    def share(self, spaces: int, requests_per_minute: int) -> None:
        """Let silent streams (each a look, a connect, a page) use at most half of the budget."""
        self.silence_s = max(SILENCE_S, 60.0 * 3 * spaces / (requests_per_minute / 2))

    def unlisted(self) -> None:
        """Read the space's own status, as no list shows it any more."""
        if self._looked_at is not None:
            self._looked_at -= STATUS_S

    def is_of_route(self) -> bool:
        """Whether a 401 or 404 is about the stream's route: a later status shows the space."""
        if self._missed_at is None or self._looked_at is None:
            self._missed_at = self._looked_at
            self.unlisted()
            return False
        return self._looked_at > self._missed_at

    def absent(self, now: float) -> bool:
        """Note a 404; True when it ends the follow: at once if the space was never read."""
        self._looked_at = self._looked_at if self._looked_at is None else now
        return not self._was_read or self._absence.struck(now)

    def over(self) -> None:
        """Note that the follow failed for good."""
        self.phase = Phase.OVER

    # Pages

    def paged(
        self, job: CatchUp | None, now: float, wall: float, events: Sequence[Event], size: int
    ) -> Take:
        """Take the requested page; `size` also counts its unreadable events.

        `job` is the catch-up that requested it; it is over when the stream has closed meanwhile.
        """
        if job is None or job is not self.job:
            return Take()
        found = job.took(events, size)
        self.replayed += sum(1 for event in events if self._is_known(event.id))
        return self._advance(now, wall, found.events, found.hole)

    def page_refused(self, job: CatchUp | None, now: float, wall: float) -> Take:
        """Note that upstream refused the cursor, or has no such route."""
        if job is None or job is not self.job:
            return Take()
        found = job.refused()
        return self._advance(now, wall, found.events, found.hole)

    def _advance(self, now: float, wall: float, events: list[Event], hole: Hole | None) -> Take:
        take = Take(events=list(events), hole=hole)
        job = self.job
        assert job is not None
        if job.is_cold_walk and job.pages == 1 and self._is_open and self.cause is Cause.CONNECT:
            # The stream may bring the rest of the history in one piece and in order.
            self._replay.expect(now, job.latest)
        if job.is_done:
            self._finish(now, take, has_news=bool(events))
        elif job.is_origin and self._is_open and not self._is_caught_up:
            job.is_origin = False
            self._replay.is_first, self._heard_at = True, now
            take.events += self._unheld(take.events)
            self._meet(take.events)
        self._move(take, wall)
        return take

    def _meet(self, fresh: Sequence[Event]) -> None:
        """End the replay once it has reached the newest page; later events are live."""
        if self._replay.has_met(fresh):
            self._is_caught_up, self._is_level = True, True
            self._forget_job()

    def _move(self, take: Take, wall: float) -> None:
        self.known += len(take.events)
        if take.events:
            self.marker = self.marker.moved(take.events, wall)

    def _finish(self, now: float, take: Take, *, has_news: bool) -> None:
        cause, self.job = self.cause, None
        self._is_level = True
        if cause in (Cause.COUNT, Cause.SILENCE):
            self._was_passed_over |= has_news and self._is_open
        match cause:
            case Cause.CONNECT:
                self._is_caught_up = True
                self._replay.is_first = False
                take.events += self._unheld(take.events)
            case Cause.COUNT:
                self._count.searched(self.known + len(take.events))
            case Cause.SILENCE:
                self._wants_close = True
            case Cause.POLL:
                self._poll_s = POLL_S[0] if has_news else min(2 * self._poll_s, POLL_S[1])
                self._poll_at = now + self._poll_s
            case Cause.END:
                self._finish_end(take)

    def _finish_end(self, take: Take) -> None:
        """After the last page, search once for what is still missing, and report it."""
        known = self.known + len(take.events)
        verdict = self._count.read(self._last_count, known, is_last=True)
        if verdict is Verdict.SEARCH:
            self._begin(Cause.END, search=self._count.deficit)
            return
        if verdict is Verdict.MISSING:
            self._missing = self._count.tell()
            take.hole = take.hole or self._told()
        take.status, take.ended = ARCHIVED, True
        self.status = ARCHIVED
        self.phase = Phase.OVER

    def _forget_job(self) -> None:
        self.job = None
        self._replay.forget()

    def durable(self, known: int) -> None:
        """Note the number of events of the space that are in the journal now."""
        self.known = known

    # The stream

    def connected(self, now: float) -> None:
        """Note the stream's head: it, or a page, brings all events from now on."""
        self._is_open, self._is_caught_up, self._wants_close = True, False, False
        self._is_level = self._was_passed_over = self.is_useless = False
        self._opened_at = self._heard_at = now
        self._missed_at = None
        self.brought = 0
        self.has_understood = False
        self._held = []
        self._connects.opened(now)
        self._begin(Cause.CONNECT)

    def refused(self, now: float, jitter: float) -> None:
        """Note a connect without a stream."""
        if not self._connects.is_refused:  # most failures pass before a page is worth a request
            self._poll_s = POLL_S[0]
            self._poll_at = now + self._poll_s
        self._connects.refused(now, jitter)

    def heard(self, now: float) -> None:
        """Note bytes. Pings alone prove no events: where upstream counts none, pages have to."""
        if self.has_understood or self._is_counted:
            self._heard_at = now

    def framed(self, now: float, wall: float, events: Sequence[Event], replayed: int = 0) -> Take:
        """Take events of the stream; `replayed` is the number of known ones beside them."""
        self._heard_at = now
        self.replayed += replayed
        if not events and not replayed:
            return Take()
        self.has_understood = True
        self._connects.brought()
        if not events:
            return Take()
        fresh = [event for event in events if not self._is_known(event.id)]
        self.replayed += len(events) - len(fresh)
        if self._replay.is_peeking(now):
            self._replay.peek_until = None
            if self.job is not None and self._replay.may_begin(events[0], self.job.latest):
                self.job.check_origin(events[0])
        if not self._is_caught_up and not self._replay.is_first:
            self._held += fresh
            return Take()
        self.brought += len(fresh)
        self._meet(fresh)
        take = Take(events=_unique(fresh))
        self._move(take, wall)
        return take

    def _unheld(self, taken: Sequence[Event]) -> list[Event]:
        known = {event.id for event in taken}
        held, self._held = self._held, []
        return [e for e in _unique(held) if e.id not in known and not self._is_known(e.id)]

    def closed(self, now: float, jitter: float) -> None:
        """Note that the stream ended, was cut, or was left."""
        self._is_open = self._is_caught_up = self._wants_close = False
        self._replay.forget()
        self._held = []
        if self.cause is Cause.CONNECT:
            self.job = None
        self._connects.closed(now, jitter, has_understood=self.has_understood)


def _unique(events: Sequence[Event]) -> list[Event]:
    return list({event.id: event for event in events}.values())
