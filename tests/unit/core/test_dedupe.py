"""A bounded memory of ids."""

from __future__ import annotations

from bridge.core.dedupe import SeenIds


def test_it_knows_what_was_added_and_nothing_else() -> None:
    seen = SeenIds(["a", "b"])
    seen.add("c")
    assert [id_ in seen for id_ in ("a", "b", "c", "d")] == [True, True, True, False]
    assert len(seen) == 3


def test_beyond_its_limit_the_oldest_is_forgotten() -> None:
    seen = SeenIds((str(n) for n in range(5)), ids_max=3)
    assert [str(n) in seen for n in range(5)] == [False, False, True, True, True]
    assert len(seen) == 3


def test_adding_twice_takes_no_place() -> None:
    seen = SeenIds(ids_max=2)
    for id_ in ("a", "b", "b", "b"):
        seen.add(id_)
    assert "a" in seen


def test_what_is_unknown_of_many_is_told_at_once() -> None:
    seen = SeenIds(["a", "b"])
    assert seen.unknown(["c", "b", "c", "d"]) == {"c", "d"}


def test_many_are_added_oldest_first() -> None:
    seen = SeenIds(["a", "b"], ids_max=3)
    seen.add("c", "d", "e")
    assert [id_ in seen for id_ in "abcde"] == [False, False, True, True, True]
