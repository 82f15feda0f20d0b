"""The index answers as if each filter had been asked (the oracle: `Filter.matches`)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.filter import Filter
from bridge.outputs.streams.filter_index import FilterIndex
from tests.journal_records import draft, feed, record

RUNS, ACCOUNTS, TYPES = ("r1", "r2"), ("a", "b"), ("x.log", "x.failed", "y")
filters = st.builds(
    Filter,
    ids=st.frozensets(st.sampled_from(RUNS), max_size=2),
    types=st.lists(st.sampled_from(("x.*", "!x.failed", "y", "*")), max_size=2).map(tuple),
    accounts=st.frozensets(st.sampled_from(ACCOUNTS), max_size=2),
)
kinds = st.tuples(st.sampled_from(RUNS), st.sampled_from(ACCOUNTS), st.sampled_from(TYPES))
steps = st.lists(st.tuples(st.booleans(), filters) | st.lists(kinds, max_size=4), max_size=12)


@pytest.mark.slow
@given(steps)
def test_the_index_routes_as_if_each_filter_had_been_asked(actions: list[object]) -> None:
    index, held, seq = FilterIndex(), set[Filter](), 0
    for action in actions:
        if isinstance(action, tuple):
            is_added, only = action
            if is_added and only not in held:
                held.add(only)
                index.add(only)
            elif not is_added and only in held:
                held.discard(only)
                index.remove(only)
            continue
        assert isinstance(action, list)
        records = []
        for run, account, type_ in action:
            seq += 1
            records.append(record(draft(feed(run, account), f"e{seq}", type_), seq))
        wanted = {
            only: found
            for only in held
            if (found := [r for r in records if only.matches(r.feed, r.type)])
        }
        assert {only: list(found) for only, found in index.route(records).items()} == wanted
