"""A value that would hold the loop is cut, one that would not is the same object."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.wire.bounded import DEPTH_MAX, NODES_MAX, SMALL_BYTES, bounded, json_if_small
from bridge.wire.jsontext import dumps


def nodes(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(nodes, value.values()))
    if isinstance(value, list):
        return len(value) + sum(map(nodes, value))
    return 0


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [None, 1, "x" * 10**6, [], {}, {"a": [1, {"b": "c"}]}, [0] * NODES_MAX, nested(50)]
)
def test_what_is_usual_is_not_even_copied(value: Any) -> None:
    assert bounded(value) is value


def test_two_million_numbers_become_as_many_as_are_allowed_and_a_mark() -> None:
    value = {"id": "e", "payload": {"values": list(range(2_200_000)), "note": "kept"}}
    cut = bounded(value)
    assert nodes(cut) <= NODES_MAX + 5
    assert (cut["id"], cut["payload"]["note"]) == ("e", "kept")
    assert cut["payload"]["values"][:3] == [0, 1, 2]
    left = 2_200_000 - len(cut["payload"]["values"]) + 1
    assert cut["payload"]["values"][-1] == f"…[{left} items left out]"
    assert len(value["payload"]["values"]) == 2_200_000


@pytest.mark.slow
def test_one_glutton_does_not_eat_up_its_neighbours() -> None:
    value = {"big": [{"n": n} for n in range(700_000)], "small": {"a": {"b": [1, 2, 3]}}}
    cut = bounded(value)
    assert cut["small"] == {"a": {"b": [1, 2, 3]}}
    assert cut["big"][:2] == [{"n": 0}, {"n": 1}]
    assert nodes(cut) <= NODES_MAX + 5


def test_members_without_number_are_counted_in_place() -> None:
    cut = bounded({f"key{n}": n for n in range(20_000)})
    assert cut["…"] == f"[{20_000 - NODES_MAX} members left out]"


def test_nesting_without_end_is_cut_at_a_depth_that_everybody_can_walk() -> None:
    cut = bounded(nested(900))
    json.dumps(cut)
    assert json.dumps(cut).count("[") <= DEPTH_MAX + 2


def test_names_that_nothing_else_would_cut_are_cut() -> None:
    (name,) = bounded({"k" * 10**6: 1})
    assert len(name) == 256


@pytest.mark.parametrize("value", [{}, {"a": [1, {"b": "ü"}]}, {"a": "x" * 4000}])
def test_what_is_small_is_known_by_its_json(value: Any) -> None:
    assert json_if_small(value) == dumps(value)


@pytest.mark.parametrize(
    "value", [{"a": "x" * SMALL_BYTES}, nested(DEPTH_MAX + 1), nested(300), {"a": {1, 2}}]
)
def test_what_is_long_or_deep_or_no_json_is_not_small(value: Any) -> None:
    assert json_if_small(value) is None
