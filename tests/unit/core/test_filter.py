"""Globs against the plainest reading of them, and against those who bring many."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.event import Feed, Record
from bridge.core.filter import Filter, matches_glob
from bridge.outputs.streams.filter_index import FilterIndex
from tests.steps import steps

TYPE = "com.mogplex.run.event.tool_started"


@cache
def oracle(glob: str, text: str) -> bool:
    """What a glob means, word by word; it may take as long as it likes."""
    if not glob:
        return not text
    if glob[0] == "*":
        return oracle(glob[1:], text) or (bool(text) and oracle(glob, text[1:]))
    return bool(text) and glob[0] in ("?", text[0]) and oracle(glob[1:], text[1:])


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_a_glob_means_what_it_says(glob: str, text: str) -> None:
    assert matches_glob(glob, text) == oracle(glob, text)


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("*", True),
        ("", False),
        ("com.*", True),
        ("*.tool_*", True),
        ("com.*.tool_?tarted", True),
        (TYPE, True),
        (TYPE + "*", True),
        (TYPE + "?", False),
        ("COM.*", False),
        ("*com.mogplex.*.com*", False),
        ("com?mogplex.*", True),
        ("com[.]*", False),  # no sets of characters here
    ],
)
def test_globs_of_types(glob: str, expected: bool) -> None:
    assert matches_glob(glob, TYPE) == expected
    assert Filter(types=("!" + glob,)).matches_type(TYPE) == (not expected)


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 7)), max_size=30),
    st.lists(st.integers(0, 5), min_size=1, max_size=5),
)
def test_an_index_that_changes_says_what_a_new_one_would(
    changes: list[tuple[bool, int]], kinds: list[int]
) -> None:
    filters = [
        Filter(),
        Filter(types=("a*",)),
        Filter(types=("!a*",)),
        Filter(accounts=frozenset({"x"})),
        Filter(types=("*b",), accounts=frozenset({"y"})),
        Filter(ids=frozenset({"r"})),
        Filter(ids=frozenset({"r", "s"}), types=("c",)),
        Filter(types=("b", "c")),
    ]
    records = [
        Record(
            n,
            Feed("m", "xy"[kind % 2], "run", "rs"[kind % 2], "/"),
            f"e{n}",
            ("a", "ab", "c")[kind // 2],
            b"",
        )
        for n, kind in enumerate(kinds)
    ]
    index, used = FilterIndex(), set()
    for is_added, n in changes:
        if is_added and filters[n] not in used:
            used.add(filters[n])
            index.add(filters[n])
        elif not is_added and filters[n] in used:
            used.remove(filters[n])
            index.remove(filters[n])
        wanted = {
            only: [r for r in records if only.matches(r.feed, r.type)]
            for only in used
            if any(only.matches(r.feed, r.type) for r in records)
        }
        assert index.route(records) == wanted


@pytest.mark.slow
@pytest.mark.parametrize(
    "glob",
    [
        "*".join("abcdefgh" * 8),
        "*e" * 32,
        "*?" * 32,
        "?" * 63 + "*",
        "*" + "?" * 30 + "x*" + "?" * 30,
    ],
)
def test_many_hostile_filters_do_not_stop_the_loop(glob: str) -> None:
    """Five hundred streams of one client, each with thirty-two globs as long as they may be.

    By regular expressions this took half a minute for each type not seen before.
    """
    index = FilterIndex()
    for n in range(500):
        index.add(Filter(types=tuple(f"{glob[:60]}{n:02x}{m:02}" for m in range(32))))
    record = Record(1, Feed("mogplex", "default", "run", "r", "/r"), "e", TYPE, b"")
    a_glob = 3 * len(glob) + 10  # calls for one of them, if each of its characters costs a few
    assert steps(lambda: index.route([record])) < 500 * (32 * a_glob + 10)

    def more() -> None:
        for n in range(100):
            index.add(Filter(types=(f"x{n}",)))
            index.route([record])

    assert steps(more) < 100 * 20 * 500  # what is known of the others is not found out again
