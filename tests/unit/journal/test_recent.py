"""The newest records in memory."""

from __future__ import annotations

import pytest

from bridge.core.filter import EVERYTHING, Filter
from bridge.journal.port import LOOKED_AT_MAX
from bridge.journal.recent import RECORD_OVERHEAD_BYTES, Recent
from tests.journal_records import draft, record

RECORDS = [record(draft("a" if n % 2 else "b", f"e{n}", pad=400), n) for n in range(1, 101)]
ONE = len(RECORDS[-1].body) + RECORD_OVERHEAD_BYTES


def test_a_page_follows_its_position_or_there_is_none() -> None:
    recent = Recent(1)
    recent.extend(RECORDS[:50])
    recent.extend(RECORDS[50:])
    assert recent.maybe_after(0, 1000, EVERYTHING) == (RECORDS, 100)
    assert recent.maybe_after(98, 1, EVERYTHING) == ([RECORDS[98]], 99)
    assert recent.maybe_after(100, 5, EVERYTHING) == ([], 100)
    recent.drop_below(11)
    assert recent.maybe_after(9, 5, EVERYTHING) is None
    assert recent.maybe_after(10, 5, EVERYTHING) == (RECORDS[10:15], 15)


def test_a_filtered_page_moves_on_over_what_does_not_match() -> None:
    recent = Recent(1)
    recent.extend(RECORDS)
    only = Filter(ids=frozenset({"b"}))
    assert recent.maybe_after(0, 2, only) == ([RECORDS[1], RECORDS[3]], 4)
    assert recent.maybe_after(99, 2, only) == ([RECORDS[99]], 100)
    assert recent.maybe_after(0, 2, Filter(ids=frozenset({"none"}))) == ([], 100)


def test_a_filtered_page_looks_at_a_bounded_number() -> None:
    recent = Recent(1)
    recent.extend([RECORDS[0]._replace(seq=n) for n in range(1, LOOKED_AT_MAX + 10)])
    page = recent.maybe_after(0, 5, Filter(ids=frozenset({"none"})))
    assert page == ([], LOOKED_AT_MAX)


@pytest.mark.parametrize("step", [1, 7, 100])
def test_the_bytes_stay_within_the_limit_and_the_newest_stay(step: int) -> None:
    recent = Recent(1, bytes_max=10 * ONE)
    for start in range(0, 100, step):
        recent.extend(RECORDS[start : start + step])
        assert recent.bytes <= 10 * ONE
        assert recent.bytes == sum(
            len(r.body) + RECORD_OVERHEAD_BYTES for r in recent.last(1000, EVERYTHING)
        )
    held = recent.last(1000, EVERYTHING)
    assert held == RECORDS[-len(held) :]
    assert 7 <= len(held) <= 10
    assert recent.first == held[0].seq


def test_a_record_above_the_limit_is_held_until_the_next() -> None:
    recent = Recent(1, bytes_max=10)
    recent.extend(RECORDS[:1])
    assert recent.maybe_after(0, 5, EVERYTHING) == (RECORDS[:1], 1)
    recent.extend(RECORDS[1:2])
    assert recent.maybe_after(0, 5, EVERYTHING) is None
    assert recent.maybe_after(1, 5, EVERYTHING) == (RECORDS[1:2], 2)


def test_records_must_follow_on() -> None:
    recent = Recent(1)
    recent.extend(RECORDS[:2])
    recent.extend(RECORDS[3:])  # a sequence that went to something else
    with pytest.raises(AssertionError, match="follow on"):
        recent.extend(RECORDS[2:3])


def test_holes_do_not_shift_what_is_found() -> None:
    some = [RECORDS[n] for n in (2, 5, 6, 40, 90)]  # sequences 3, 6, 7, 41, 91
    recent = Recent(1)
    recent.extend(some)
    assert recent.maybe_after(0, 2, EVERYTHING) == (some[:2], 6)
    assert recent.maybe_after(7, 9, EVERYTHING) == (some[3:], 91)
    assert recent.maybe_after(40, 9, EVERYTHING) == (some[3:], 91)
    assert recent.maybe_after(95, 9, EVERYTHING) == ([], 95)
    assert recent.drop_below(7) == some[:2]
    assert (recent.first, recent.oldest) == (7, 7)
    assert recent.maybe_after(5, 9, EVERYTHING) is None
    assert recent.maybe_after(6, 1, EVERYTHING) == (some[2:3], 7)
    assert recent.drop_oldest() == some[2]
    assert recent.maybe_after(7, 1, EVERYTHING) == (some[3:4], 41)


def test_dropping_returns_what_went_and_stops_at_the_end() -> None:
    recent = Recent(1)
    recent.extend(RECORDS)
    assert recent.drop_below(4) == RECORDS[:3]
    assert recent.drop_below(2) == []
    assert recent.drop_below(500) == RECORDS[3:]
    assert (len(recent), recent.bytes, recent.first) == (0, 0, 101)
