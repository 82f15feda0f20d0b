"""Pages go on behind the newest event; late ones and clocks that are wrong do not move it away."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.core.event import Event
from bridge.sources.moot.rules.marker import LATE_S, Marker

NOW = 10_000.0


def event(id_: str, at_s: float | None) -> Event:
    return Event(id_, "io.mootup.space.event.message", None, at_s, {})


def test_it_stands_at_the_last_event_of_a_batch() -> None:
    assert Marker().moved([event("a", 1.0), event("b", 2.0)], NOW) == Marker("b", 2.0)
    assert Marker("a", 1.0).moved([], NOW) == Marker("a", 1.0)


def test_an_event_that_came_late_does_not_move_it_back() -> None:
    marker = Marker("new", 1000.0)
    assert marker.moved([event("late", 1000.0 - LATE_S - 1)], NOW) == marker
    assert marker.moved([event("a bit late", 1000.0 - LATE_S)], NOW).last == "a bit late"


def test_a_time_from_the_future_moves_nothing_out_of_reach() -> None:
    marker = Marker("a", 1.0).moved([event("future", NOW + LATE_S + 1)], NOW)
    assert marker == Marker("future", 1.0)
    assert marker.moved([event("next", 5.0)], NOW) == Marker("next", 5.0)


def test_events_without_times_move_it_in_their_order() -> None:
    assert Marker("a", 1.0).moved([event("b", None), event("c", 0.5)], NOW) == Marker("c", 0.5)


def test_an_event_without_a_time_does_not_take_the_last_known_one_away() -> None:
    """It is where a transcript begins."""
    assert Marker("a", 1.0).moved([event("b", None)], NOW) == Marker("b", 1.0)


def test_what_is_saved_is_restored() -> None:
    marker = Marker("a", 1.5, told=3)
    assert Marker.restored(marker.saved()) == marker


@pytest.mark.parametrize(
    "saved",
    [
        {},
        {"last": "", "at_s": True, "told": False},
        {"last": 5, "at_s": "1", "told": 1.5},
        {"last": None, "at_s": None, "told": None},
    ],
)
def test_nothing_that_cannot_be_read_is_believed(saved: dict[str, Any]) -> None:
    assert Marker.restored(saved) == Marker()
