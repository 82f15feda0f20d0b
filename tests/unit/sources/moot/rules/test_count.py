"""What upstream counts is a reason to look once more, then to tell; never to tell twice."""

from __future__ import annotations

from bridge.sources.moot.rules.count import FLAPS_MAX, CountCheck, Verdict


def test_a_count_that_fits_or_is_unknown_is_no_alarm() -> None:
    check = CountCheck()
    assert check.read(5, 5) is Verdict.FINE
    assert check.read(3, 5) is Verdict.FINE  # deleted upstream, kept here
    assert check.read(None, 5) is Verdict.FINE
    assert check.deficit == 0


def test_more_than_is_known_is_searched_for_and_then_told_once() -> None:
    check = CountCheck()
    assert check.read(7, 5) is Verdict.SEARCH
    assert check.deficit == 2
    check.searched(5)
    assert check.read(7, 5) is Verdict.MISSING
    assert check.tell() == 2
    assert check.read(7, 5) is Verdict.FINE
    assert check.read(8, 5) is Verdict.SEARCH  # one more: that is news
    assert check.deficit == 1


def test_a_search_that_brings_them_is_the_end_of_it() -> None:
    check = CountCheck()
    assert check.read(7, 5) is Verdict.SEARCH
    check.searched(7)
    assert check.read(7, 7) is Verdict.FINE
    assert check.read(8, 7) is Verdict.SEARCH


def test_events_that_came_since_the_search_make_a_reading_old() -> None:
    check = CountCheck()
    check.read(7, 5)
    check.searched(5)
    assert check.read(8, 6) is Verdict.FINE  # taken before the sixth came, perhaps
    assert check.read(8, 6) is Verdict.MISSING


def test_the_last_reading_does_not_wait_for_another() -> None:
    check = CountCheck()
    assert check.read(8, 5, is_last=True) is Verdict.SEARCH
    check.searched(6)
    assert check.read(8, 6, is_last=True) is Verdict.MISSING
    assert check.tell() == 2


def test_a_count_that_flaps_is_believed_no_more() -> None:
    check = CountCheck()
    for _ in range(FLAPS_MAX):
        assert check.read(9, 5) is Verdict.SEARCH
        check.searched(5)
        assert check.read(5, 5) is Verdict.FINE
    assert check.read(9, 5) is Verdict.FINE


def test_what_was_told_before_a_restart_is_known() -> None:
    assert CountCheck(told=2).read(7, 5) is Verdict.FINE
