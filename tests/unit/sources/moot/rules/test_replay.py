"""A replay is awaited, recognised and met; anything newer than the newest page is live."""

from __future__ import annotations

import pytest

from bridge.core.event import Event
from bridge.sources.moot.rules.replay import PEEK_S, Replay


def event(id_: str, at_s: float | None) -> Event:
    return Event(id_, "io.mootup.space.event.message", None, at_s, {})


PAGE = [event("n1", 100.0), event("n2", 101.0)]


def expecting(now: float = 10.0) -> Replay:
    replay = Replay()
    replay.expect(now, PAGE)
    return replay


def test_it_is_awaited_for_as_long_as_a_replay_may_take_to_begin() -> None:
    assert not Replay().is_peeking(0.0)
    replay = expecting(10.0)
    assert replay.is_peeking(10.0)
    assert replay.is_peeking(10.0 + PEEK_S - 0.001)
    assert not replay.is_peeking(10.0 + PEEK_S)


@pytest.mark.parametrize(
    ("first", "may"),
    [
        (event("old", 3.0), True),
        (event("same instant", 100.0), True),
        (event("just written", 102.0), False),
        (event("n1", 100.0), False),  # of the page itself: it repeats the newest, not the history
        (event("no time", None), False),
    ],
)
def test_only_what_is_older_than_the_newest_page_may_begin_a_replay(
    first: Event, may: bool
) -> None:
    assert expecting().may_begin(first, PAGE) is may


def test_without_a_page_or_its_time_nothing_tells_a_replay() -> None:
    assert not Replay().may_begin(event("old", 3.0), [])
    assert not Replay().may_begin(event("old", 3.0), [event("n1", None)])


def test_it_has_met_the_page_with_its_first_event_that_stands_there() -> None:
    replay = expecting()
    replay.is_first = True
    assert not replay.has_met([event("old", 3.0), event("older", 4.0)])
    assert replay.has_met([event("last of the replay", 99.0), event("n1", 100.0)])


def test_a_stream_that_fills_no_cold_start_meets_nothing() -> None:
    assert not expecting().has_met(PAGE)


def test_a_closed_stream_is_awaited_no_more() -> None:
    replay = expecting(10.0)
    replay.is_first = True
    replay.forget()
    assert not replay.is_peeking(10.0)
    assert not replay.has_met(PAGE)
