"""An account is in trouble when a feed of it fails again and again; each change is one line."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.core.errors import Failure, Retry
from bridge.core.state import FeedState
from bridge.daemon.followed import Followed
from bridge.daemon.trouble import DEGRADED_AFTER, TroubleLog, troubles
from tests.unit.daemon.parts import RUN, followed, run_of

OUTAGE = Failure("runs.events", "HTTP_ERROR", "bad gateway", Retry.TRANSIENT, 502)
STATE = FeedState(run_of())


def failing(in_row: int = DEGRADED_AFTER, **state: Any) -> Followed:
    return followed(dataclasses.replace(STATE, **state), failure=OUTAGE, failures_in_row=in_row)


def test_feeds_of_one_account_are_counted_and_one_is_named() -> None:
    other = followed(FeedState(run_of("second")), failure=OUTAGE, failures_in_row=DEGRADED_AFTER)
    found = troubles([failing(), other, failing(), followed(STATE)])
    assert {account: trouble.feeds for account, trouble in found.items()} == {
        "default": 2,
        "second": 1,
    }
    assert (found["default"].kind, found["default"].id, found["default"].failure) == (
        "run",
        RUN,
        OUTAGE,
    )


@pytest.mark.parametrize(
    "entry",
    [
        failing(DEGRADED_AFTER - 1),
        failing(ended=True),
        failing(failed="FORBIDDEN"),  # given up: told by a record and by `follow.failed`
        followed(STATE, failures_in_row=DEGRADED_AFTER),
    ],
)
def test_what_is_no_trouble(entry: Followed) -> None:
    assert troubles([entry]) == {}


def test_a_change_is_one_line_and_staying_so_is_none() -> None:
    log = TroubleLog()
    with capture_logs() as logged:
        for entries in ([], [failing()], [failing(), failing()], [], []):
            log.look(["default"], troubles(entries))
    assert [line["event"] for line in logged] == ["follow.degraded", "follow.recovered"]
    assert (logged[0]["code"], logged[0]["feeds"], logged[0]["run_id"]) == ("HTTP_ERROR", 1, RUN)


def test_an_account_that_went_away_has_not_recovered() -> None:
    log = TroubleLog()
    log.look(["default"], troubles([failing()]))
    with capture_logs() as logged:
        log.look([], {})
    assert logged == []
