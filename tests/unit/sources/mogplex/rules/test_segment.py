"""What is known of a segment, and from where a stream is resumed."""

from __future__ import annotations

import json

import pytest

from bridge.sources.mogplex.rules.segment import RESUME_AGE_S, RESUME_IDS_MAX, Segment


def taken(*instants: float) -> Segment:
    segment = Segment("segment")
    for number, at_s in enumerate(instants):
        segment.took(f"e{number}", at_s)
    return segment


def test_nothing_taken_is_nothing_to_resume_from() -> None:
    assert Segment().resume_from() is None
    assert Segment().resume_from(newest=True) is None


def test_without_a_stream_the_place_stays_at_the_first_event() -> None:
    segment = taken(0.0, 50.0, 100.0, 1000.0)
    assert segment.resume_from() == ("e0", 0.0)
    assert segment.resume_from(newest=True) == ("e3", 1000.0)


def test_a_stream_that_has_caught_up_moves_it_to_the_youngest_that_is_old_enough() -> None:
    segment = taken(0.0, 50.0, 50.0, 50.0 + RESUME_AGE_S)
    segment.caught_up()
    assert segment.resume_from() == ("e1", 50.0)
    segment.took("e4", 49.0 + 2 * RESUME_AGE_S)
    assert segment.resume_from() == ("e1", 50.0)
    segment.took("e5", 50.0 + 2 * RESUME_AGE_S)
    assert segment.resume_from() == ("e3", 50.0 + RESUME_AGE_S)
    segment.is_streamed = False
    segment.took("e6", 500.0)
    assert segment.resume_from() == ("e3", 50.0 + RESUME_AGE_S)


def test_a_burst_is_held_as_one_place_a_second() -> None:
    segment = taken(*(n / 100 for n in range(20_000)))
    segment.caught_up()
    assert len(segment._recent) <= RESUME_AGE_S + 2
    assert segment.resume_from(newest=True) == ("e19999", 199.99)


def test_a_late_event_moves_neither_the_newest_nor_the_place_back() -> None:
    segment = taken(0.0, 100.0)
    segment.caught_up()
    segment.took("late", 3.0)
    assert (segment.newest_s, segment.last_id) == (100.0, "late")
    assert segment.oldest_id == "e0"
    segment.took("first", -1.0)
    assert (segment.oldest_id, segment.oldest_s) == ("first", -1.0)


def test_an_event_without_a_time_counts_as_the_newest() -> None:
    segment = taken(5.0)
    segment.took("timeless", None)
    assert segment.resume_from(newest=True) == ("timeless", 5.0)


def test_what_is_held_to_resume_from_has_a_limit() -> None:
    segment = taken(*(float(n) for n in range(RESUME_IDS_MAX + 10)))
    assert segment.resume_from() == ("e10", 10.0)
    assert segment.count == RESUME_IDS_MAX + 10


def test_a_cursor_that_was_refused_is_forgotten() -> None:
    segment = taken(1.0, 2.0)
    segment.forget_resume()
    assert segment.resume_from() is None
    assert segment.last_id == "e1"


def test_it_survives_a_restart_as_json() -> None:
    segment = taken(3.0, 50.0, 52.0 + RESUME_AGE_S)
    segment.was_paused = True
    segment.caught_up()
    again = Segment.restored(json.loads(json.dumps(segment.saved())))
    assert again.saved() == segment.saved()
    assert again.resume_from() == ("e1", 50.0)
    assert again.is_streamed is False


@pytest.mark.parametrize("broken", [{}, {"oldest": 1}, {"oldest": ["e", "x"], "segment": None}])
def test_what_it_never_saved_is_an_error(broken: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Segment.restored(broken)
