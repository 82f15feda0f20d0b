"""Who is at the head: grouped by what they want, and free to leave at any moment."""

from __future__ import annotations

from typing import Any

from bridge.core.event import Feed, Record
from bridge.core.filter import Filter
from bridge.outputs.streams.at_head import AtHead
from bridge.outputs.streams.formats import NDJSON_RAW, SSE_RAW, Format
from bridge.outputs.streams.subscriber import State

ALL = Filter()
ONE = Filter(ids=frozenset({"r1"}))


class Reader:
    """As much of a subscriber as is looked at here."""

    def __init__(self, only: Filter = ALL, format_: Format = SSE_RAW) -> None:
        self.only, self.format = only, format_
        self.state, self.position = State.QUEUED, 0


def joined(head: AtHead, *readers: Any) -> Any:
    for reader in readers:
        head.join(reader)
    return readers[0] if len(readers) == 1 else readers


def record(seq: int, run: str) -> Record:
    return Record(seq, Feed("mogplex", "a", "run", run, f"/{run}"), f"e{seq}", "t", b"{}")


def groups(head: AtHead, *records: Record) -> dict[tuple[Any, ...], list[int]]:
    return {
        (format_, frozenset(members)): [r.seq for r in wanted]
        for format_, members, wanted in head.wanting(records)
    }


def test_who_wants_the_same_in_the_same_form_is_one_group() -> None:
    head = AtHead()
    a, b, c, d = joined(head, Reader(), Reader(), Reader(format_=NDJSON_RAW), Reader(ONE))
    found = groups(head, record(1, "r1"), record(2, "r2"))
    assert found == {
        (SSE_RAW, frozenset({a, b})): [1, 2],
        (NDJSON_RAW, frozenset({c})): [1, 2],
        (SSE_RAW, frozenset({d})): [1],
    }


def test_a_filter_that_lets_nothing_through_is_no_group() -> None:
    head = AtHead()
    joined(head, Reader(ONE))
    assert groups(head, record(1, "r2")) == {}


def test_who_leaves_has_everything_up_to_the_position_and_is_counted_no_more() -> None:
    head = AtHead()
    a, b = joined(head, Reader(), Reader())
    assert a.state is State.LIVE
    head.leave(a, 7)
    assert a.position == 7
    assert (len(head), list(head)) == (1, [b])
    head.leave(b, 7)
    assert not head
    assert groups(head, record(1, "r1")) == {}


def test_all_may_leave_while_they_are_looked_at() -> None:
    head = AtHead()
    joined(head, *(Reader(only) for only in (ALL, ONE, ALL)))
    for reader in head:
        head.leave(reader, 1)
    assert not head


def test_who_leaves_while_a_batch_is_written_leaves_the_others_their_groups() -> None:
    head = AtHead()
    a, b = joined(head, Reader(), Reader(format_=NDJSON_RAW))
    seen = []
    for format_, _, _ in head.wanting([record(1, "r1")]):
        seen.append(format_)
        if head and a.state is State.LIVE:
            for reader in list(head):
                reader.state = State.QUEUED
                head.leave(reader, 0)
    assert seen == [SSE_RAW, NDJSON_RAW]
    assert b.position == 0


def test_streams_with_equal_filters_do_not_each_keep_a_filter() -> None:
    head = AtHead()
    first, second = joined(
        head, Reader(Filter(ids=frozenset({"r1"}))), Reader(Filter(ids=frozenset({"r1"})))
    )
    assert first.only is second.only
    head.leave(first, 1)
    third = joined(head, Reader(Filter(ids=frozenset({"r1"}))))
    assert third.only is second.only
    head.leave(second, 1)
    head.leave(third, 1)
    fourth = joined(head, Reader(Filter(ids=frozenset({"r1"}))))
    assert groups(head, record(2, "r1")) == {(SSE_RAW, frozenset({fourth})): [2]}
