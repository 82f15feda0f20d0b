"""Which transport is used, and when another one is tried."""

from __future__ import annotations

import pytest

from bridge.sources.moot.rules.ways import AGAIN_S, Way, Ways, may_send_in_query


def test_auto_goes_from_the_stream_to_the_socket_to_pages_and_stays_there() -> None:
    ways = Ways()
    assert ways.now("auto", 0.0) is Way.SSE
    for expected in (Way.WEBSOCKET, Way.POLL, Way.POLL):
        ways.useless(ways.way, 10.0)
        assert ways.now("auto", 10.0) is expected


def test_a_better_way_is_tried_again_after_an_hour() -> None:
    ways = Ways()
    ways.useless(Way.SSE, 10.0)
    assert ways.now("auto", 10.0 + AGAIN_S - 1) is Way.WEBSOCKET
    assert ways.now("auto", 10.0 + AGAIN_S) is Way.SSE


def test_a_word_about_a_way_that_was_left_is_old_news() -> None:
    ways = Ways()
    ways.useless(Way.SSE, 10.0)
    ways.useless(Way.SSE, 11.0)  # another space says so, late
    assert ways.now("auto", 11.0) is Way.WEBSOCKET


@pytest.mark.parametrize("wanted", ["sse", "websocket", "poll"])
def test_a_setting_wins_over_what_was_learnt(wanted: str) -> None:
    ways = Ways(way=Way.POLL)
    assert ways.now(wanted, 0.0) == wanted


def test_what_worked_forgets_the_frames_that_were_too_large() -> None:
    ways = Ways(too_large=3)
    ways.worked(Way.WEBSOCKET)
    assert (ways.way, ways.has_worked, ways.too_large) == (Way.WEBSOCKET, True, 0)


@pytest.mark.parametrize(
    ("origin", "is_local", "may"),
    [
        ("https://moot.example", False, True),
        ("http://127.0.0.1:8080", True, True),
        ("http://moot.example", False, False),
    ],
)
def test_a_key_goes_into_a_query_only_where_nobody_on_the_way_reads_it(
    origin: str, is_local: bool, may: bool
) -> None:
    assert may_send_in_query(origin, is_local=is_local) is may
