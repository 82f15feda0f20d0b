"""The line at one key's gate, on made-up time."""

from __future__ import annotations

import random
from collections import deque

import pytest

from bridge.core.pace.line import AGED_S, CYCLE_S, Line, Rank


class Server:
    """Counts as strictly as one may: every request that arrives, in a rolling minute."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.refused = 0
        self._at: deque[float] = deque()

    def arrive(self, now: float) -> None:
        while self._at and now - self._at[0] >= 60.0:
            self._at.popleft()
        if len(self._at) >= self.limit:
            self.refused += 1
        self._at.append(now)


def fresh(limit: int) -> Line:
    line = Line(limit)
    line.start(0.0, [])
    return line


def granted(line: Line, now: float) -> list[object]:
    found: list[object] = []
    while (key := line.grant(now)) is not None:
        found.append(key)
    return found


def test_a_connect_with_a_ticket_gets_both_requests_or_none() -> None:
    line = fresh(5)
    for n in range(3):
        line.want(n, 0.0, rank=Rank.PERSON)
    assert len(granted(line, 0.0)) == 3
    line.want("stream", 0.0, rank=Rank.CONNECT, slots=2)
    assert granted(line, 0.0) == []  # two places are free, but one of them is kept
    assert line.used(0.0) == 3
    for _ in range(3):
        line.answered(1.0)
    assert granted(line, 1.0 + CYCLE_S) == ["stream"]
    assert line.used(1.0 + CYCLE_S) == 2


def test_nobody_overtakes_a_stream_that_waits_for_its_place() -> None:
    line = fresh(4)
    line.want("a", 0.0, rank=Rank.PERSON)
    line.want("b", 0.0, rank=Rank.PERSON)
    assert len(granted(line, 0.0)) == 2
    line.want("stream", 0.0, rank=Rank.CONNECT, slots=2)
    line.want("page", 0.0, rank=Rank.NEWS)
    assert granted(line, 0.0) == []


def test_who_waits_behind_a_stream_is_not_asked_about_again_and_again() -> None:
    line = fresh(8)
    for n in range(6):
        line.want(n, 0.0, rank=Rank.PERSON)
    assert len(granted(line, 0.0)) == 6
    for _ in range(6):
        line.answered(1.0)
    line.want("stream", 5.0, rank=Rank.CONNECT, slots=2)
    line.want("other", 5.0, rank=Rank.NEWS)
    assert granted(line, 5.0) == []
    assert line.next_at(5.0) >= 1.0 + CYCLE_S or line.next_at(5.0) == 5.0 + AGED_S


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_time_moves_on_whenever_nobody_is_granted(seed: int) -> None:
    chance = random.Random(seed)
    line, now = fresh(chance.choice([3, 10, 60])), 0.0
    for step in range(400):
        line.want(step % 12, now, rank=chance.choice(list(Rank)), slots=chance.choice([1, 2]))
        while line.budget.in_flight and chance.random() < 0.9:
            line.answered(now)
        while line.grant(now) is not None:
            pass
        now = min(line.next_at(now), now + chance.choice([0.1, 5.0]))
    assert now > 30.0


def test_the_one_that_waited_longest_since_its_turn_goes_first() -> None:
    line = fresh(60)
    order: list[object] = []
    for turn in range(3):
        now = turn * 10.0
        for key in "abc":
            line.want(key, now, rank=Rank.NEWS)
        for step in range(4):
            at = now + step * 2.0
            order += granted(line, at)
            for _ in range(line.budget.in_flight):
                line.answered(at)
    assert order == list("abcabcabc")


def test_a_look_for_new_feeds_takes_only_what_is_free() -> None:
    line = fresh(16)
    for n in range(10):
        line.want(n, 0.0, rank=Rank.PERSON)
    assert len(granted(line, 0.0)) == 10
    line.want("discovery", 2.0, rank=Rank.FIND)
    assert granted(line, 2.0) == []
    line.want("stream", 2.0, rank=Rank.CONNECT, slots=2)
    assert granted(line, 2.0) == ["stream"]


def test_the_first_look_of_all_waits_for_no_places_that_nobody_wants() -> None:
    """After a start without a log one place at a time comes free; the look takes the first ones."""
    line = Line(54)
    line.start(0.0, None)
    asked: list[float] = []
    while len(asked) < 5:
        line.want("discovery", asked[-1] if asked else 0.0, rank=Rank.FIRST_FIND)
        at = line.next_at(asked[-1] if asked else 0.0)
        assert line.grant(at) == "discovery"
        line.answered(at)
        asked.append(at)
    assert asked[0] <= 2 * CYCLE_S / 54
    assert asked[-1] <= 6 * CYCLE_S / 54


def test_the_first_look_gives_way_to_whoever_waits() -> None:
    line = Line(54)
    line.start(0.0, None)
    line.want("discovery", 0.0, rank=Rank.FIRST_FIND)
    line.want("page", 0.0, rank=Rank.NEWS)
    assert line.grant(2.0) is None
    at = line.next_at(2.0)
    assert line.grant(at) == "page"


def test_a_page_that_waited_long_goes_with_the_streams() -> None:
    line = fresh(8)
    line.want("page", 0.0, rank=Rank.NEWS)
    for n in range(7):
        line.want(n, 0.0, rank=Rank.PERSON)
    assert "page" not in granted(line, 0.0)
    for _ in range(7):
        line.answered(0.0)
    for n in range(7):
        line.want(n, 50.0, rank=Rank.CONNECT)
    assert granted(line, CYCLE_S)[0] == "page"


def test_a_demanded_wait_holds_everybody() -> None:
    line = fresh(60)
    line.want("a", 0.0, rank=Rank.PERSON)
    line.hold(30.0)
    assert line.grant(29.9) is None
    assert line.next_at(1.0) == 30.0
    assert line.blocked_until(1.0) == 30.0
    assert line.grant(30.0) == "a"


def test_more_requests_at_once_than_the_key_has_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="2 requests at once, 1 a minute"):
        fresh(1).want("a", 0.0, rank=Rank.CONNECT, slots=2)


def test_a_feed_that_left_is_not_granted_a_turn() -> None:
    line = fresh(60)
    line.want("a", 0.0, rank=Rank.NEWS)
    line.forget("a")
    assert line.grant(0.0) is None
    assert line.waiting == 0


def test_without_a_word_of_a_predecessor_its_busiest_minute_is_assumed() -> None:
    line = Line(6)
    line.start(0.0, None)
    for n in range(6):
        line.want(n, 0.0, rank=Rank.PERSON)
    assert len(granted(line, 0.0)) <= 1
    heir = Line(6)
    heir.start(0.0, [])
    for n in range(6):
        heir.want(n, 0.0, rank=Rank.PERSON)
    assert len(granted(heir, 0.0)) == 6


def test_what_a_killed_process_could_not_store_is_assumed_to_have_left() -> None:
    line = Line(40)
    line.succeed(10.0, [], saved_at=9.0)
    assert line.used(10.0) == line.burst + 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_no_request_is_ever_one_too_many_whatever_happens(seed: int) -> None:
    """Random asks, latencies, kills and limits, against a server that counts strictly."""
    chance = random.Random(seed)
    limit = chance.choice([1, 2, 3, 5, 40, 60])
    server = Server(limit)
    line = fresh(limit)
    now, saved, saved_at = 0.0, list[float](), 0.0
    answers: list[float] = []
    unstored = 0
    while now < 900.0:
        for at in [at for at in answers if at <= now]:
            answers.remove(at)
            line.answered(now)
        if now - saved_at >= 1.0:
            saved, saved_at, unstored = line.log(now), now, 0
        if chance.random() < 0.01:
            answers.clear()
            line = Line(limit)
            line.succeed(now, saved, saved_at)
        slots = 2 if limit > 1 and chance.random() < 0.3 else 1
        ranks = [rank for rank in Rank if rank is not Rank.PERSON]
        line.want(chance.randrange(8), now, rank=chance.choice(ranks), slots=slots)
        while True:
            before = line.budget.in_flight
            if unstored >= line.burst:  # the gate stores before more leaves than is assumed
                saved, saved_at, unstored = line.log(now), now, 0
            if line.grant(now) is None:
                break
            for _ in range(line.budget.in_flight - before):
                unstored += 1
                server.arrive(now)
                answers.append(now + chance.choice([0.01, 0.3, 5.0]))
        now += chance.choice([0.01, 0.2, 1.0])
    assert server.refused == 0


def test_in_a_second_no_more_leaves_than_a_successor_assumes() -> None:
    line = fresh(40)
    for n in range(30):
        line.want(n, 0.0, rank=Rank.CONNECT)
    assert len(granted(line, 0.0)) == line.burst == 4
    assert granted(line, 0.9) == []
    assert line.next_at(0.9) == pytest.approx(1.0)
    assert len(granted(line, 1.0)) == 4
