"""Which feed somebody means: of which account, and what is said when there can be none."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.daemon.names import Names
from bridge.outputs.http.port import InvalidIdError, UnknownAccountError
from bridge.sources.moot.system import MOOT
from tests.stranger.system import STRANGER
from tests.unit.daemon.parts import RUN, StandingSource


def names(default: str = "main", **systems: Any) -> Names:
    sources: Any = {name: StandingSource(name, system) for name, system in systems.items()}
    return Names(sources, default)


def mogplex(name: str) -> Any:
    return StandingSource(name).system


def three() -> Names:
    return names(main=mogplex("main"), second=mogplex("second"), odd=STRANGER, talk=MOOT)


def test_the_default_account_is_meant_where_it_has_such_feeds() -> None:
    assert three().name("run", RUN, None).account == "main"


def test_another_account_is_meant_where_the_default_one_has_no_such_feeds() -> None:
    assert three().name("space", "Sprint", None).account == "talk"
    assert three().name("channel", "Ab/1 ü", None).account == "odd"


def test_the_account_that_is_named_is_the_only_one_asked() -> None:
    assert three().name("run", RUN, "second").account == "second"
    with pytest.raises(InvalidIdError, match='no account has feeds of kind "space"'):
        three().name("space", "Sprint", "second")


def test_the_default_account_may_change() -> None:
    changing = three()
    changing.default_account = "second"
    assert changing.name("run", RUN, None).account == "second"


def test_a_text_without_a_kind_may_mean_a_feed_in_every_system() -> None:
    found = {(feed.account, feed.kind) for feed in three().feeds(None, RUN, None)}
    assert found == {("main", "run"), ("second", "run"), ("odd", "channel"), ("talk", "space")}


def test_what_is_no_id_is_told_in_the_words_of_the_default_account() -> None:
    with pytest.raises(InvalidIdError) as error:
        three().name("run", "nonsense", None)
    assert str(error.value).startswith('"nonsense" is no run id: ')
    assert "UUID" in str(error.value)


def test_a_kind_that_nobody_has_names_those_there_are() -> None:
    with pytest.raises(InvalidIdError, match='kind "orbit"; there are: run, channel, space'):
        three().name("orbit", "x", None)


def test_a_long_text_is_shown_in_part() -> None:
    with pytest.raises(InvalidIdError) as error:
        three().name("run", "x" * 10_000, None)
    assert len(str(error.value)) < 400


def test_an_unknown_account_names_the_nearest() -> None:
    with pytest.raises(UnknownAccountError, match='named "secnd"; did you mean "second"'):
        three().source("secnd")
    with pytest.raises(UnknownAccountError, match=r'named "zzzzzz"$'):
        three().source("zzzzzz")
    assert three().source("odd").system is STRANGER
