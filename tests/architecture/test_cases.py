"""`each_case` loses no case of a table, and names those that fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases import each_case

tried: list[tuple[int, str]] = []


@each_case("number", [1, 2, 3])
@each_case("word", ["a", "b"])
def remembers(number: int, word: str) -> None:
    tried.append((number, word))


def test_every_combination_of_two_tables_is_tried() -> None:
    tried.clear()
    remembers()
    assert sorted(tried) == [(n, w) for n in (1, 2, 3) for w in "ab"]


@each_case(("number", "square"), [(1, 1), (2, 5), (3, 9), (4, 17)], ids=["one", "two", "3", "four"])
def is_square(number: int, square: int) -> None:
    tried.append((number, ""))
    if number == 4:
        with pytest.raises(ValueError, match="never"):
            pass
    assert number * number == square


def test_each_failing_case_is_named_and_the_others_are_tried() -> None:
    tried.clear()
    with pytest.raises(BaseExceptionGroup, match="2 of 4 cases failed: two, four") as failed:
        is_square()
    assert [number for number, _ in tried] == [1, 2, 3, 4]
    first, second = failed.value.exceptions
    assert isinstance(first, AssertionError)
    assert first.__notes__ == ["case: two"]
    assert "DID NOT RAISE" in str(second)


@each_case("name", ["a", "b"])
def test_fixtures_are_given_beside_the_cases(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()


def test_a_table_without_cases_is_refused() -> None:
    with pytest.raises(AssertionError, match="tests nothing"):
        each_case("number", [])


def test_a_parameter_that_the_test_has_not_is_refused() -> None:
    with pytest.raises(AssertionError, match="of_nobody"):
        each_case("of_nobody", [1])(lambda number: None)
