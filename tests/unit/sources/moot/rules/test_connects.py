"""Connects wait longer only after failures, and never less than a second."""

from __future__ import annotations

from bridge.sources.moot.rules.connects import Connects

HALF = 0.999  # the jitter that shortens a wait most


def test_connects_are_a_second_apart_whatever_the_jitter() -> None:
    connects = Connects()
    connects.refused(0.0, HALF)
    assert connects.at == 1.0


def test_failures_in_a_row_double_the_wait_up_to_half_a_minute() -> None:
    connects = Connects()
    waits = []
    for now in range(0, 700, 100):
        connects.refused(float(now), 0.0)
        waits.append(connects.at - now)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_stream_that_lived_is_no_failure_and_one_that_closed_at_once_is() -> None:
    connects = Connects()
    for now in (0.0, 100.0, 200.0):
        connects.opened(now)
        connects.closed(now + 0.1, 0.0, has_understood=False)
    assert connects.at == 200.1 + 4.0
    connects.opened(300.0)
    connects.closed(300.1, 0.0, has_understood=True)
    assert connects.at == 301.1
    connects.refused(400.0, 0.0)
    assert connects.at == 401.0


def test_connects_are_refused_until_one_opens() -> None:
    connects = Connects()
    connects.refused(0.0, 0.0)
    assert connects.is_refused
    connects.opened(5.0)
    assert not connects.is_refused
