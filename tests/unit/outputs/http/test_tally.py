"""Processes that share a port count each other's clients; one that died is counted out."""

from __future__ import annotations

import mmap

import pytest

from bridge.outputs.http.limits import Limits, Seats
from bridge.outputs.http.problems import ProblemError
from bridge.outputs.http.tally import SharedTally, shared_bytes

ROWS = 3
ADDRESS = "203.0.113.7"


@pytest.fixture
def tallies():
    memory = mmap.mmap(-1, shared_bytes(ROWS) + 64)
    return [SharedTally(memory, row, ROWS, start=64) for row in range(ROWS)]


@pytest.mark.slow
def test_everybody_sees_the_sum_and_a_dead_one_leaves_nothing(tallies):
    for _ in range(70_000):  # more than fit into one place of one row
        tallies[1].add(ADDRESS)
    tallies[2].add(ADDRESS)
    tallies[2].add("198.51.100.1")
    assert [tally.total() for tally in tallies] == [70_002] * ROWS
    assert tallies[0].of(ADDRESS) >= 65_536
    for _ in range(69_999):
        tallies[1].remove(ADDRESS)
    assert tallies[0].of(ADDRESS) == 2
    tallies[0].forget_row(2)
    assert (tallies[0].of(ADDRESS), tallies[0].total()) == (1, 1)


def test_a_limit_holds_for_all_together(tallies):
    limits = Limits(subscribers_max=3, subscribers_per_address_max=2)
    seats = [Seats(limits, tally) for tally in tallies]
    seats[0].take(ADDRESS)
    seats[1].take(ADDRESS)
    with pytest.raises(ProblemError, match="from this address"):
        seats[2].take(ADDRESS)
    seats[2].take("198.51.100.1")
    with pytest.raises(ProblemError, match="limit"):
        seats[0].take("192.0.2.1")
    seats[1].leave(ADDRESS)
    seats[0].take("192.0.2.1")
