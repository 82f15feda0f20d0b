"""Replies that are of something else than was asked for."""

from __future__ import annotations

import pytest

from bridge.sources.miosa.api import Row, is_of_another, to_lines, to_list, to_row

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


@pytest.mark.parametrize("value", [{"events": None}, {"data": None}, {"data": {"events": None}}])
def test_an_empty_list_written_as_null_is_an_empty_page(value: object) -> None:
    assert to_list(value) == ()


@pytest.mark.parametrize("value", [{}, {"error": {"code": "X"}}, {"error": None, "data": None}, 5])
def test_a_reply_without_a_list_is_no_empty_page(value: object) -> None:
    assert to_list(value) is None


def test_a_row_with_data_of_its_own_is_read() -> None:
    row = to_row("sandbox", {"id": "x", "state": "running", "data": {"size": 3}})
    assert row is not None
    assert row.status == "running"


@pytest.mark.parametrize("text", ["a\u2028b\nc\n", "a\x0bb\r\nc", "a\u0085b\rc"])
def test_only_line_ends_end_a_line_of_a_log(text: str) -> None:
    assert [line[-1] for line in to_lines({"data": {"logs": text}}) or ()] == ["b", "c"]


def test_a_line_that_is_an_object_is_written_as_json() -> None:
    assert to_lines({"lines": [{"n": 1}, None, "x"]}) == ['{"n":1}', "null", "x"]
