"""What people see of a feed: in one look, with what goes on lasting until now."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bridge.core.state import FeedState
from bridge.core.status import State
from bridge.daemon.followed import Followed
from bridge.daemon.views import Views, intervals
from bridge.sources.port import Requests, Standing
from bridge.wire.jsontext import dumps
from tests.unit.daemon.parts import REFUSED, RUN, HandClock, StandingSource, followed, run_of

STATE = FeedState(run_of(), "streaming", State.RUNNING, events=12, gaps=1)
BUDGET = Requests(used=1, budget=54)


def look(entry: Followed, clock: HandClock, *others: Followed) -> dict[str, Any]:
    source = StandingSource("default")
    source.stands = Standing("token accepted", requests=BUDGET)
    sources: Any = {"default": source}
    return Views(clock, [entry, *others], sources).of(entry)


def test_a_feed_says_what_it_is_and_how_it_stands() -> None:
    clock = HandClock()
    view = look(followed(STATE, clock=clock, followed_by="poll", read_at=998.0), clock)
    assert (view["kind"], view["id"], view["account"], view["system"]) == (
        "run",
        RUN,
        "default",
        "mogplex",
    )
    assert (view["status"], view["state"], view["following"]) == (
        "streaming",
        "running",
        "following",
    )
    assert (view["events"], view["gaps"], view["followedBy"]) == (12, 1, "poll")
    assert view["addedAt"] == "2026-08-03T15:00:00.000000Z"
    assert view["lastEventAt"] is None
    dumps(view)  # JSON-ready


def test_a_poll_lags_by_the_time_since_it_read_all_and_a_stream_by_none() -> None:
    clock = HandClock(1000.0)
    assert look(followed(STATE, followed_by="poll", read_at=997.5), clock)["lagSeconds"] == 2.5
    for live in ("stream", "websocket"):
        view = look(followed(STATE, followed_by=live, read_at=900.0), clock)
        assert view["lagSeconds"] == 0.0
        assert view["nextRequestInSeconds"] is None


@pytest.mark.parametrize(
    ("changed", "wanted", "word"),
    [
        ({"ended": True}, True, "ended"),
        ({"ended": True}, False, "ended"),
        ({}, False, "stopped"),
        ({"failed": "FORBIDDEN"}, True, "failed"),
    ],
)
def test_what_is_not_followed_has_no_lag_and_no_next_request(
    changed: dict[str, Any], wanted: bool, word: str
) -> None:
    state = dataclasses.replace(STATE, **changed)
    entry = followed(state, is_wanted=wanted, followed_by="poll", read_at=990.0)
    view = look(entry, HandClock())
    assert view["following"] == word
    assert view["lagSeconds"] is None
    assert view["nextRequestInSeconds"] is None
    assert view["followedBy"] is None


def test_the_next_request_is_a_turn_after_the_last_and_not_before_a_wait_is_over() -> None:
    clock = HandClock(1000.0)
    polled = followed(STATE, followed_by="poll", read_at=999.5)
    assert look(polled, clock)["nextRequestInSeconds"] == pytest.approx(60 / 54 - 0.5, abs=0.001)
    others = [
        followed(FeedState(run_of(id_=f"{n:08d}-8d5e-4c8e-9d0a-2b1f6c7d8e9f"))) for n in range(8)
    ]
    assert look(polled, clock, *others)["nextRequestInSeconds"] == 9.5  # nine take turns
    waiting = followed(STATE, followed_by="poll", read_at=999.5, retry_at=1030.0)
    assert look(waiting, clock)["nextRequestInSeconds"] == 30.0
    late = followed(STATE, followed_by="poll", read_at=900.0)
    assert look(late, clock)["nextRequestInSeconds"] == 0.0


def test_a_failure_is_told_in_full_while_it_is_known_and_by_its_code_after_a_restart() -> None:
    view = look(followed(STATE, failure=REFUSED), HandClock())
    assert view["lastFailure"] == {
        "code": "UNAUTHORIZED",
        "message": "bad token",
        "operation": "runs.get",
        "httpStatus": 401,
        "retry": "permanent",
        "requestId": "q1",
    }
    given_up = dataclasses.replace(STATE, failed="FORBIDDEN")
    assert look(followed(given_up), HandClock())["lastFailure"] == {"code": "FORBIDDEN"}
    assert look(followed(STATE), HandClock())["lastFailure"] is None


def test_a_run_that_goes_on_has_lasted_until_now_and_one_that_ended_until_its_end() -> None:
    clock = HandClock(wall_s=1785769200.0)  # 15:00:00
    row = {"createdAt": "2026-08-03T14:59:30.000Z"}
    running = dataclasses.replace(STATE, row=dumps(row))
    assert look(followed(running, clock=clock), clock)["durationSeconds"] == 30.0
    over = dataclasses.replace(
        STATE,
        row=dumps({**row, "status": "success", "updatedAt": "2026-08-03T14:59:40.000Z"}),
        ended=True,
    )
    view = look(followed(over, clock=clock), clock)
    assert view["durationSeconds"] == 10.0
    assert view["endedAt"] == "2026-08-03T14:59:40.000Z"


def test_only_what_is_polled_takes_turns() -> None:
    polled = [followed(STATE, followed_by=by) for by in ("poll", None)]
    live = followed(STATE, followed_by="stream")
    stopped = followed(STATE, is_wanted=False)
    assert intervals([*polled, live, stopped], {"default": Requests(0, 30)}) == {"default": 4.0}
    assert intervals([live], {"default": BUDGET}) == {}


def test_without_a_limit_the_turns_are_a_second_apart() -> None:
    assert intervals([followed(STATE)] * 3, {"default": None}) == {"default": 3.0}
    assert intervals([followed(STATE)], {"default": Requests(0, 0)}) == {"default": 1.0}
