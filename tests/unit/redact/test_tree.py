"""One event costs a bounded number of steps, however it is cut into texts, names and values."""

from __future__ import annotations

import json

import pytest

from bridge.redact import Redactor
from bridge.redact.scanner import EVENT_EFFORT_MAX, TEXT_EFFORT
from bridge.redact.tree import EVENT_VALUES_MAX, NAME_VALUES

UNREAD = "[REDACTED:unscanned]"


@pytest.mark.slow
def test_hostile_text_in_many_pieces_costs_no_more_than_in_one() -> None:
    redactor = Redactor()
    count = EVENT_EFFORT_MAX // (TEXT_EFFORT + 1) + 500
    result = redactor.value({"o": ["password=Qx7vT2mLw9"] * count})
    found = redactor.take_counts()
    assert found["assignment"] <= EVENT_EFFORT_MAX // (TEXT_EFFORT + 1) + 1
    assert found["unscanned"] == count - found["assignment"]
    assert result["o"][-1] == UNREAD
    assert "Qx7vT2mLw9" not in json.dumps(result)


def test_what_holds_no_literal_costs_nothing_of_that() -> None:
    tree = {"o": ["just a few words"] * EVENT_EFFORT_MAX}
    assert Redactor().value(tree) is tree


@pytest.mark.slow
@pytest.mark.parametrize(
    "many",
    [
        list(range(EVENT_VALUES_MAX + 1)),
        [{"a": 1}] * (EVENT_VALUES_MAX // 2 + 1),
        {f"name {n} of many": n for n in range(EVENT_VALUES_MAX // NAME_VALUES + 1)},
    ],
    ids=["numbers", "objects", "names"],
)
def test_values_beyond_the_limit_are_not_looked_at(many: object) -> None:
    redactor = Redactor()
    result = redactor.value({"first": "fine", "many": many, "last": [1]})
    assert result["first"] == "fine"
    assert result["last"] == UNREAD or UNREAD in json.dumps(result["many"])
    assert redactor.take_counts()["unscanned"] >= 1
    assert redactor.value({"many": [1, 2]}) == {"many": [1, 2]}, "the next event begins anew"


@pytest.mark.slow
def test_a_second_pass_over_what_was_cut_changes_nothing() -> None:
    redactor = Redactor()
    once = redactor.value({"o": ["password=Qx7vT2mLw9 token"] * EVENT_EFFORT_MAX, "n": [[1]] * 9})
    assert redactor.value(once) == once


@pytest.mark.slow
def test_what_an_event_may_cost_does_not_depend_on_texts_read_before() -> None:
    event = {"payload": ["password token of page 12"] * 20_000}
    redactor = Redactor()
    first = redactor.value(event)
    assert first["payload"][0] == event["payload"][0]
    assert first["payload"][-1] == "[REDACTED:unscanned]"
    assert redactor.value(event) == first


@pytest.mark.slow
def test_an_event_of_too_many_names_is_replaced_but_for_what_tells_it_apart() -> None:
    event = {"id": "e1", "type": "log", **{f"password {n}": "x" for n in range(EVENT_VALUES_MAX)}}
    assert Redactor().event(event) == {"id": "e1", "type": "log", "message": UNREAD}
