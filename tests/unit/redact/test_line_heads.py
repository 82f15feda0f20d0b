"""What all lines begin with, put there by a tool that nobody told of."""

from __future__ import annotations

import pytest

from bridge.redact import Redactor
from bridge.redact.dress import View
from bridge.redact.line_heads import HITS_MAX, LINES_MAX, without_shared
from tests.cases import each_case

P = "tundra" + "Harbor7241"
REDACTOR = Redactor()


def left(text: str, *hits: int) -> str | None:
    view = without_shared(text, hits)
    return None if view is None else view.text


@each_case(
    ("text", "expected"),
    [
        ("api:dev: - name: A\napi:dev:   value: b", "- name: A\n  value: b"),
        ("[web 9] a: 1\n[web 10] b: 2\n", "a: 1\nb: 2\n"),
        ("    default: a: 1\n    default: b: 2", "a: 1\nb: 2"),
        ("app |\napp | a: 1\napp | b: 2", "\n a: 1\n b: 2"),  # an empty line has no blank
        ("$ docker logs x\n// a: 1\n// b: 2\n// c: 3", "$ docker logs x\na: 1\nb: 2\nc: 3"),
        ("| a: 1\n| b: 2", "a: 1\nb: 2"),
        ("-- a: 1\n-- b: 2", "a: 1\nb: 2"),
        ("; a: 1\n; b: 2", "a: 1\nb: 2"),
    ],
)
def test_what_all_lines_begin_with_hides_the_lines(text: str, expected: str) -> None:
    assert left(text) == expected


@each_case(
    "text",
    [
        "a: 1", "a: 1\nb: 2", "- a\n- b\n- c", "| a | b |\n| a | c |", "abc1\nabc2", "db:5432:a\ndb:5432:b",
        "codes:\n1234 5678\n1235 5679", "tokens:\n  - a\n  - b", "{\n  {", "\n\n\n", "x: 1\n", "   \n   ",
    ],
)  # fmt: skip
def test_lines_that_only_look_alike_stay_as_they_are(text: str) -> None:
    assert left(text) is None


def test_a_name_that_all_lines_begin_with_is_not_taken_for_a_prefix() -> None:
    text = "web password: a1\nweb password: a2"
    assert left(text, 4, 21) == "password: a1\npassword: a2"
    assert left("password is a1\npassword is a2", 0, 15) is None
    assert P not in REDACTOR.text(f"password is {P}\npassword is {P}x")


def test_a_view_knows_where_the_lines_stood() -> None:
    text = "[web 9] a: 1\n[web 10] b: 2"
    view = without_shared(text, ())
    assert isinstance(view, View)
    first, last = view.back(view.text.index("b"), view.text.index("b") + 1)
    assert text[first:last] == "b"
    assert view.is_of_lines


def test_a_text_of_very_many_lines_or_names_is_read_as_it_stands() -> None:
    assert left("\n".join(["app: a"] * (LINES_MAX + 1))) is None
    assert left("app: a\napp: b", *range(HITS_MAX + 1)) is None


def test_empty_lines_between_hide_no_prefix_of_a_long_text() -> None:
    text = "\n\n".join(f"worker-{n} | line {n}x" for n in range(60))
    assert left(text) == "\n\n".join(f"line {n}x" for n in range(60)).replace("line ", "")


@pytest.mark.parametrize("count", [2, 3, 40])
def test_a_value_on_the_line_below_is_found_behind_any_prefix(count: int) -> None:
    lines = [f"worker-{n} | line {n}" for n in range(count - 2)]
    text = "\n".join([*lines, "worker-7 | - name: DB_PASSWORD", f"worker-8 |   value: {P}"])
    assert REDACTOR.text(text) == text.replace(P, "[REDACTED:password]")
