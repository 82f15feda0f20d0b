"""Replies that are of something else than was asked for."""

from __future__ import annotations

import pytest

from bridge.sources.moot.api import is_of_another


@pytest.mark.parametrize(
    ("reply", "other"),
    [
        ({"space_id": "spc_1", "status": "active"}, False),
        ({"status": "active"}, False),
        ({"id": "spc_1"}, False),
        ({"space_id": "spc_2", "status": "active"}, True),
        ({"id": "spc_2", "status": "active"}, True),
        ([], False),
        ({"space_id": 5}, False),
    ],
)
def test_a_row_of_another_space_is_not_taken_for_this_one(reply: object, other: bool) -> None:
    """A cache in between ended a space with the row of another."""
    assert is_of_another(reply, "spc_1") is other
