"""When a feed is over: the row, two quiet looks, five seconds."""

from __future__ import annotations

from bridge.sources.miosa.rules.ending import CAP_S, Ending


def test_a_row_alone_ends_nothing() -> None:
    ending = Ending()
    ending.saw_row(0.0, is_end=True)
    assert not ending.is_over(5.0)
    ending.saw_look(1.0, is_fresh=False)
    ending.saw_look(2.0, is_fresh=False)
    assert not ending.is_over(4.9)
    assert ending.is_over(5.0)


def test_news_after_the_row_begins_the_wait_again() -> None:
    ending = Ending()
    ending.saw_row(0.0, is_end=True)
    ending.saw_look(2.0, is_fresh=False)
    ending.saw_look(4.0, is_fresh=True)
    ending.saw_look(6.0, is_fresh=False)
    assert not ending.is_over(6.0)
    ending.saw_look(9.0, is_fresh=False)
    assert ending.is_over(9.0)


def test_a_row_that_leaves_its_end_goes_on() -> None:
    ending = Ending()
    ending.saw_row(0.0, is_end=True)
    ending.saw_look(3.0, is_fresh=False)
    ending.saw_row(4.0, is_end=False)
    ending.saw_look(6.0, is_fresh=False)
    assert not ending.is_over(100.0)
    assert not ending.is_near


def test_it_ends_although_news_never_stops() -> None:
    ending = Ending()
    ending.saw_row(0.0, is_end=True)
    for second in range(1, int(CAP_S) + 1):
        ending.saw_look(float(second), is_fresh=True)
    assert ending.is_over(CAP_S)


def test_the_last_look_is_asked_for_when_it_can_end_it() -> None:
    ending = Ending()
    ending.saw_row(10.0, is_end=True)
    assert ending.ask_at(10.0) == 12.5
    ending.saw_look(12.5, is_fresh=False)
    assert ending.ask_at(12.5) == 15.0
