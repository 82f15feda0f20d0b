"""The pure follower of a space against the truth: any mix of replay, cut, refused or lost cursor,
late event, change of status and kill, on virtual time.

The upstream here is a list in memory; it shares nothing with the follower but the events.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.event import Event
from bridge.sources.moot.rules.catch_up import PAGE, How, Page
from bridge.sources.moot.rules.marker import Marker
from bridge.sources.moot.rules.space import SpaceRules
from bridge.sources.moot.rules.steps import (
    Close,
    Connect,
    Hold,
    Look,
    Phase,
    Read,
    Reading,
    Take,
    Wait,
)
from bridge.sources.moot.rules.ways import Way
from bridge.wire import times

STEPS_MAX = 5_000  # of a settled follow until its end


@dataclass
class Space:
    """Upstream's truth, and how it behaves."""

    replays: bool = True
    knows_before: bool = True
    has_transcript: bool = True
    counts: str = "true"  # "high", "absent"
    cursor_unknown: str = "refused"  # "empty", "latest"
    pages: list[Event] = field(default_factory=list)  # order of pages
    commits: list[Event] = field(default_factory=list)  # order of becoming visible
    status: str = "active"
    lost_cursors: int = 0  # so many pages are answered as if the cursor was not known
    failing: int = 0  # so many requests fail
    clock_s: float = 1_000_000.0
    number: int = 0
    shrunk: int = 0

    def write(self, count: int, *, late_by: int = 0) -> None:
        """`late_by`: stands so many places before the end, where its time puts it."""
        for _ in range(count):
            self.number += 1
            self.clock_s += 0.001
            place = max(0, len(self.pages) - late_by)
            at_s = self.clock_s
            if late_by and self.pages:
                at_s = self.pages[min(place, len(self.pages) - 1)].created_at_s or at_s
            event = Event(f"e{self.number}", "t", None, at_s, {})
            self.pages.insert(place, event)
            self.commits.append(event)

    def shrink(self, count: int) -> None:
        self.shrunk += min(count, len(self.pages))
        del self.pages[:count]

    def page(self, asked: Page) -> list[Event] | None:
        """None: refused."""
        if asked.how is How.TRANSCRIPT:
            if not self.has_transcript:
                return None
            start = times.seconds(asked.cursor) or 0.0
            return [e for e in self.pages if (e.created_at_s or 0.0) >= start - 1e-5]
        if asked.how is How.LATEST or (asked.how is How.BEFORE and not self.knows_before):
            return self.pages[-PAGE:]
        at = next((i for i, e in enumerate(self.pages) if e.id == asked.cursor), None)
        if self.lost_cursors and asked.how is How.SINCE:
            self.lost_cursors -= 1
            at = None
        if at is None:
            unknown = {"refused": None, "empty": [], "latest": self.pages[-PAGE:]}
            return unknown[self.cursor_unknown]
        if asked.how is How.SINCE:
            return self.pages[at + 1 : at + 1 + PAGE]
        return self.pages[max(0, at - PAGE) : at]

    def reading(self) -> Reading:
        count: int | None = len(self.pages)
        if self.counts == "absent":
            count = None
        elif self.counts == "high":
            count = len(self.pages) + 2
        return Reading(self.status, count, times.rfc3339(0.0))


class Follow:
    """Drives the rules against a space; the journal outlives a kill, nothing else does."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.now = 0.0
        self.journal: list[str] = []
        self.known: set[str] = set()
        self.holes: list[Any] = []
        self.statuses: list[str] = []
        self.ended = 0
        self.marker = Marker()
        self.restarts = 0
        self.requests = 0
        self.begin()

    def begin(self) -> None:
        self.stream: int | None = None  # how far it has read the commits
        self.replay: list[Event] = []
        self.rules = SpaceRules(
            Marker.restored(self.marker.saved()),
            self.known.__contains__,
            known=len(self.journal),
            status=self.statuses[-1] if self.statuses else None,
            ended=self.ended > 0,
        )

    def take(self, take: Take) -> None:
        """What the intake does with a batch: one commit."""
        if take.hole:
            self.holes.append(take.hole)
        for event in take.events:
            if event.id not in self.known:
                self.known.add(event.id)
                self.journal.append(event.id)
        if take.status and take.status != (self.statuses or [None])[-1]:
            self.statuses.append(take.status)
        self.ended += take.ended
        self.marker = self.rules.marker
        self.rules.durable(len(self.journal))

    def ask(self) -> float | None:
        """One step of the asking hand; the instant it waits for, None when it asked."""
        step = self.rules.request(self.now, Way.SSE)
        if isinstance(step, Wait):
            return step.until
        self.requests += 1
        job = self.rules.job
        if self.space.failing:
            self.space.failing -= 1
            self.now += 1.0
            return None
        self.now += 0.01
        wall = self.space.clock_s
        if isinstance(step, Look):
            self.take(self.rules.looked(self.now, self.space.reading()))
            return None
        page = self.space.page(step)
        if page is None:
            self.take(self.rules.page_refused(job, self.now, wall))
        else:
            self.take(self.rules.paged(job, self.now, wall, page, len(page)))
        return None

    def read(self, frames: int) -> float | None:
        """One step of the reading hand, with so many frames at most."""
        step = self.rules.stream(self.now, Way.SSE)
        match step:
            case Wait(until):
                return until
            case Hold():
                return self.now + 1.0
            case Close():
                self.cut()
            case Connect():
                self.rules.connected(self.now)
                self.stream = len(self.space.commits)
                self.replay = list(self.space.pages) if self.space.replays else []
            case Read(until):
                got = self.frames(frames)
                if not got:
                    return until
                self.take(self.rules.framed(self.now, self.space.clock_s, got))
        return None

    def frames(self, count: int) -> list[Event]:
        got, self.replay = self.replay[:count], self.replay[count:]
        if not got and self.stream is not None:
            got = self.space.commits[self.stream : self.stream + count]
            self.stream += len(got)
        return got

    def cut(self) -> None:
        if self.stream is not None:
            self.rules.closed(self.now, 0.5)
            self.stream = None
            self.replay = []

    def kill(self) -> None:
        self.restarts += 1
        self.begin()

    def settle(self, seconds: float) -> None:
        """Let both hands work for so long, at most."""
        until = self.now + seconds
        for _ in range(STEPS_MAX):
            if self.rules.phase is Phase.OVER or self.now >= until:
                return
            waits = [self.ask(), self.read(500)]
            if None not in waits:
                self.now = max(self.now + 0.001, min(waits))  # type: ignore[type-var, assignment]
        raise AssertionError("neither hand comes to rest")


OPERATIONS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from([1, 30, 199, 200, 201, 410])),
    st.tuples(st.just("write"), st.integers(1, 3)),
    st.tuples(st.just("ask"), st.integers(1, 4)),
    st.tuples(st.just("read"), st.integers(1, 300)),
    st.tuples(st.just("cut"), st.just(0)),
    st.tuples(st.just("kill"), st.just(0)),
    st.tuples(st.just("pass"), st.integers(1, 90)),
    st.tuples(st.just("settle"), st.integers(1, 40)),
    st.tuples(st.just("fail"), st.integers(1, 3)),
    st.tuples(st.just("lose"), st.integers(1, 2)),
    st.tuples(st.just("status"), st.sampled_from(["active", "paused"])),
)
LATE = st.tuples(st.just("late"), st.integers(1, 30))
SHRINK = st.tuples(st.just("shrink"), st.integers(1, 300))


def perform(  # noqa: C901 - one case a word
    follow: Follow, name: str, value: Any
) -> None:
    space = follow.space
    match name:
        case "write":
            space.write(value)
        case "late":
            space.write(1, late_by=value)
        case "ask":
            for _ in range(value):
                follow.ask()
        case "read":
            follow.read(value)
        case "cut":
            follow.cut()
        case "kill":
            follow.kill()
        case "pass":
            follow.now += value
        case "settle":
            follow.settle(value)
        case "fail":
            space.failing += value
        case "lose":
            space.lost_cursors += value
        case "status":
            space.status = value
        case "shrink":
            space.shrink(value)


def finish(follow: Follow) -> None:
    """Nothing goes wrong any more; time passes, and the space is archived."""
    follow.space.failing = follow.space.lost_cursors = 0
    follow.settle(200.0)
    follow.space.status = "archived"
    follow.settle(1_000.0)
    assert follow.rules.phase is Phase.OVER
    assert follow.ended == 1
    assert len(set(follow.journal)) == len(follow.journal)


SERVERS = st.builds(
    Space,
    replays=st.booleans(),
    cursor_unknown=st.sampled_from(["refused", "empty", "latest"]),
    counts=st.sampled_from(["true", "true", "absent"]),
)


@settings(max_examples=100, deadline=None)
@given(server=SERVERS, operations=st.lists(OPERATIONS, max_size=14))
def test_every_event_once_and_in_order_whatever_happens(
    server: Space, operations: list[tuple[str, Any]]
) -> None:
    """An unknown cursor that is answered with nothing can be seen by the count alone."""
    if server.counts == "absent" and server.cursor_unknown != "refused" and not server.replays:
        server = replace(server, cursor_unknown="refused")
    follow = Follow(server)
    for name, value in operations:
        perform(follow, name, value)
    finish(follow)
    truth = [event.id for event in server.commits]
    if server.cursor_unknown == "refused":
        assert follow.journal == truth
        assert follow.holes == []
    else:  # a page that does not follow may bring later events before earlier ones
        assert sorted(follow.journal) == sorted(truth)


@settings(max_examples=100, deadline=None)
@given(server=SERVERS, operations=st.lists(st.one_of(OPERATIONS, LATE), max_size=14))
def test_late_events_are_taken_or_told(server: Space, operations: list[tuple[str, Any]]) -> None:
    follow = Follow(replace(server, cursor_unknown="refused", counts="true"))
    for name, value in operations:
        perform(follow, name, value)
    finish(follow)
    missing = len(follow.space.commits) - len(follow.journal)
    told = sum(hole.missing or 0 for hole in follow.holes)
    assert missing >= 0
    assert told >= missing
    if follow.space.replays and missing:
        assert follow.holes


@settings(max_examples=100, deadline=None)
@given(
    server=st.builds(
        Space,
        replays=st.booleans(),
        knows_before=st.booleans(),
        has_transcript=st.booleans(),
        counts=st.sampled_from(["true", "high", "absent"]),
    ),
    operations=st.lists(st.one_of(OPERATIONS, SHRINK), max_size=14),
)
def test_what_a_poor_server_hides_is_told(server: Space, operations: list[tuple[str, Any]]) -> None:
    """History that shrinks, `before` that does nothing, no transcript: a hole where it is one."""
    follow = Follow(server)
    for name, value in operations:
        perform(follow, name, value)
    finish(follow)
    there = {event.id for event in server.pages}
    assert there <= follow.known or follow.holes, sorted(there - follow.known)[:5]


def test_a_replaying_space_costs_three_pages_more_than_what_is_new_needs() -> None:
    follow = Follow(Space(replays=True))
    follow.space.write(20_000)
    follow.settle(20.0)
    assert follow.journal == [event.id for event in follow.space.commits]
    assert follow.requests <= 5  # not the 100 pages of the history: the replay brought it
    for _ in range(20):
        before = follow.requests
        follow.cut()
        follow.space.write(250)
        follow.settle(5.0)
        assert follow.requests - before <= 2 + 3
    assert len(follow.journal) == 25_000


def test_a_count_that_is_always_two_too_high_is_told_once() -> None:
    follow = Follow(Space(counts="high"))
    follow.space.write(50)
    follow.settle(600.0)
    assert [(hole.reason, hole.missing) for hole in follow.holes] == [("count_mismatch", 2)]
    follow.kill()
    follow.settle(600.0)
    assert len(follow.holes) == 1
