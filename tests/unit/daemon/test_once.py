"""When `follow` gives a run up that upstream never showed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from bridge.clock import SystemClock
from bridge.core.errors import Failure, Retry
from bridge.core.event import feed_of
from bridge.core.state import FeedState, Wish
from bridge.daemon.followed import Followed
from bridge.daemon.once import GIVE_UP_AFTER, GIVE_UP_AFTER_5XX, _Watch
from bridge.sources.port import Progress

RUN = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"


def is_open(progress: Progress) -> bool:
    state = FeedState(feed_of("mogplex", "default", "run", RUN))
    feed = cast("Any", SimpleNamespace(feed=state.feed, state=state))
    following = cast("Any", SimpleNamespace(follows=None, accounts=SimpleNamespace(sources={})))
    watch = _Watch(following, list[str]().append, SystemClock())
    return watch._is_open(Followed(Wish(state.feed), feed, progress))


def failing(status: int | None, times: int, **more: Any) -> Progress:
    failure = Failure("runs.events", "ANY", "text", Retry.TRANSIENT, status)
    return Progress(failure=failure, failures_in_row=times, **more)


@pytest.mark.parametrize(
    ("status", "most"),
    [(None, GIVE_UP_AFTER), (200, GIVE_UP_AFTER), (404, GIVE_UP_AFTER), (429, GIVE_UP_AFTER),
     (500, GIVE_UP_AFTER_5XX), (503, GIVE_UP_AFTER_5XX)],
)  # fmt: skip
def test_a_run_that_never_answered_is_given_up_after_some_failures(
    status: int | None, most: int
) -> None:
    assert is_open(failing(status, most - 1))
    assert not is_open(failing(status, most))


def test_a_run_that_answered_once_is_waited_for() -> None:
    assert is_open(failing(500, 1000, read_at=1.0))
    assert is_open(failing(None, 1000, read_at=1.0))
