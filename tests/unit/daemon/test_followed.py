"""Known feeds by source and by name, and from which state a follow begins."""

from __future__ import annotations

import dataclasses

import pytest

from bridge.core.state import By, FeedState, Wish
from bridge.daemon.followed import KnownFeeds, answering, may_find
from tests.unit.daemon.parts import RUN, followed, run_of

STATE = FeedState(run_of(), failed="FORBIDDEN", asked=1)


def test_one_id_of_two_accounts_is_two_feeds_with_one_name() -> None:
    known = KnownFeeds()
    one, other = (followed(FeedState(run_of(account))) for account in ("a", "b"))
    known.enter(one)
    known.enter(other)
    assert list(known.named("run", RUN)) == [one, other]
    assert known.has_id(RUN)
    known.leave(one)
    assert list(known.named("run", RUN)) == [other]
    assert list(known.values()) == [other]
    known.leave(other)
    assert list(known.named("run", RUN)) == []
    assert not known.has_id(RUN)


def test_a_name_is_of_one_kind() -> None:
    known = KnownFeeds()
    known.enter(followed(FeedState(run_of())))
    assert list(known.named("space", RUN)) == []


def test_what_was_given_up_is_tried_again_only_when_it_was_asked_for_since() -> None:
    wish = Wish(STATE.feed, asked=1)
    assert answering(wish, STATE).failed == "FORBIDDEN"
    again = answering(dataclasses.replace(wish, asked=2), STATE)
    assert (again.failed, again.asked) == (None, 2)


@pytest.mark.parametrize(
    ("wish", "again", "may"),
    [
        ({"followed": False, "by": By.OPERATOR}, True, False),  # stopped stays stopped
        ({"followed": False, "by": By.LISTED}, False, True),
        ({"followed": False, "by": By.DISCOVERY}, False, True),
        ({"followed": True}, False, False),  # it ended, or was given up
        ({"followed": True}, True, True),
    ],
)
def test_what_discovery_may_take_up(wish: dict[str, object], again: bool, may: bool) -> None:
    entry = followed(STATE)
    entry.wish = dataclasses.replace(entry.wish, **wish)
    assert may_find(entry, again=again) is may
