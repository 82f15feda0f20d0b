"""Replies that are of something else than was asked for."""

from __future__ import annotations

import pytest

from bridge.sources.miosa.api import Row, is_of_another

ASKED = "0c1d7e88-0000-4000-8000-0000000000aa"
OTHER = "0c1d7e88-0000-4000-8000-0000000000bb"


@pytest.mark.parametrize(
    ("path", "id_", "other"),
    [
        (f"/runs/{ASKED}", ASKED, False),
        (f"/runs/{ASKED}", ASKED.upper(), False),
        (f"/runs/{ASKED}", None, False),
        (f"/runs/{ASKED}", "a-slug", False),
        (f"/sandboxes/{ASKED}", OTHER, True),
        ("/sandboxes/box/snapshots/s1", OTHER, False),  # named by its owner
    ],
)
def test_a_row_of_another_thing_is_not_taken_for_this_one(
    path: str, id_: object, other: bool
) -> None:
    """A cache in between ended a run with the row of another."""
    assert is_of_another(Row("running", {"id": id_}), path) is other
