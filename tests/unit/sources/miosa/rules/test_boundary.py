"""Holes between connects: told where they may be, not told where a frame proves there is none."""

from __future__ import annotations

import pytest

from bridge.sources.miosa.rules.boundary import Boundary, Place


class Feed:
    """One feed's boundary with the journal's memory of ids, over cuts, restarts and kills."""

    def __init__(self) -> None:
        self.boundary = Boundary()
        self.journal: list[str] = []
        self.gaps: list[str | None] = []

    def connect(self) -> str | None:
        resume = self.boundary.resume_id
        self.boundary.connected()
        return resume

    def frame(self, own_id: str | None) -> Place:
        place = self.boundary.took(own_id, self.journal.__contains__)
        if place.has_gap:
            self.gaps.append(self.boundary.after)
        if place.event_id not in self.journal:
            self.journal.append(place.event_id)
        self.boundary.moved_to(place.event_id)
        return place

    def kill(self) -> None:
        self.boundary = Boundary.restored(self.boundary.saved())


def test_lines_without_ids_are_all_kept_and_each_boundary_is_told() -> None:
    feed = Feed()
    feed.connect()
    for _ in range(3):
        feed.frame(None)
    feed.connect()
    feed.frame(None)
    feed.frame(None)
    assert feed.journal == ["line-1", "line-2", "line-3", "line-4", "line-5"]
    assert feed.gaps == ["line-3"]


def test_a_kill_is_a_boundary_too() -> None:
    feed = Feed()
    feed.connect()
    feed.frame(None)
    feed.kill()
    feed.connect()
    assert feed.frame(None).event_id == "line-2"
    assert feed.gaps == ["line-1"]


def test_a_kill_before_the_first_line_is_a_boundary_as_well() -> None:
    feed = Feed()
    feed.connect()
    feed.kill()
    feed.connect()
    feed.frame(None)
    assert feed.gaps == [None]


def test_the_first_connect_is_no_boundary() -> None:
    feed = Feed()
    feed.connect()
    feed.frame(None)
    assert feed.gaps == []


def test_a_stream_that_resumes_proves_it_by_the_frame_before_and_has_no_gap() -> None:
    feed = Feed()
    feed.connect()
    for n in range(4):
        feed.frame(f"id{n}")
    assert feed.connect() == "id2"  # the one before the last
    feed.frame("id3")
    feed.frame("id4")
    assert feed.gaps == []
    assert feed.journal == [f"id{n}" for n in range(5)]


def test_a_stream_that_replays_from_the_start_has_no_gap() -> None:
    feed = Feed()
    feed.connect()
    for n in range(4):
        feed.frame(f"id{n}")
    feed.connect()
    for n in range(6):
        feed.frame(f"id{n}")
    assert feed.gaps == []
    assert len(feed.journal) == 6


def test_a_stream_with_ids_that_goes_on_live_has_a_gap() -> None:
    feed = Feed()
    feed.connect()
    for n in range(4):
        feed.frame(f"id{n}")
    feed.connect()
    feed.frame("id9")
    assert feed.gaps == ["id3"]


def test_a_single_id_proves_nothing_about_what_came_after_it() -> None:
    feed = Feed()
    feed.connect()
    feed.frame("id0")
    assert feed.connect() == "id0"
    feed.frame("id1")
    assert feed.gaps == ["id0"]


def test_lines_without_ids_between_ids_cannot_be_vouched_for() -> None:
    feed = Feed()
    feed.connect()
    feed.frame("id0")
    feed.frame("id1")
    feed.frame(None)
    feed.connect()
    feed.frame("id1")
    assert feed.gaps == ["line-1"]


def test_a_connect_that_brought_nothing_leaves_the_question_open() -> None:
    feed = Feed()
    feed.connect()
    feed.frame(None)
    feed.connect()
    feed.connect()
    assert feed.boundary.is_unproven
    feed.frame(None)
    assert feed.gaps == ["line-1"]
    assert not feed.boundary.is_unproven


def test_nothing_is_missing_behind_a_stream_that_said_it_was_over() -> None:
    feed = Feed()
    feed.connect()
    feed.frame(None)
    feed.boundary.completed()
    feed.kill()
    feed.connect()
    feed.frame(None)
    assert feed.gaps == []


def test_a_hole_before_a_stream_that_said_it_was_over_is_still_told() -> None:
    feed = Feed()
    feed.connect()
    feed.frame(None)
    feed.connect()
    feed.boundary.completed()
    assert feed.boundary.is_unproven


def test_an_id_that_fits_no_header_is_not_sent_back() -> None:
    feed = Feed()
    feed.connect()
    feed.frame("a\r\nX-Evil: 1")
    assert feed.boundary.resume_id is None


@pytest.mark.parametrize("saved", [{}, {"lines": "x"}, {**Boundary().saved(), "last": 7}])
def test_a_cursor_that_cannot_be_read_is_refused(saved: dict[str, object]) -> None:
    with pytest.raises((LookupError, TypeError, ValueError)):
        Boundary.restored(saved)
