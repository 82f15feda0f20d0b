"""Spans in order, joined where they overlap, and none beside a marker that stands there already."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bridge.redact.spans import MARKER, MARKER_MAX, Scan, Span, beside_markers, merged

SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 10)).map(
        lambda pair: Span(pair[0], pair[0] + pair[1], "k", "r")
    ),
    max_size=12,
)


def covered(spans: list[Span]) -> set[int]:
    return {at for span in spans for at in range(span.start, span.end)}


@given(SPANS)
def test_joined_spans_cover_the_same_characters_in_order_without_overlap(spans: list[Span]) -> None:
    found = merged(list(spans))
    assert covered(found) == covered(spans)
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_the_first_of_two_that_overlap_gives_the_name() -> None:
    one, other = Span(0, 5, "password", "a"), Span(3, 9, "token", "b")
    assert merged([other, one]) == [Span(0, 9, "password", "a")]
    wide, narrow = Span(0, 9, "token", "b"), Span(0, 5, "password", "a")
    assert merged([narrow, wide]) == [wide]  # who says more says it better


def test_neighbours_stay_two() -> None:
    pair = [Span(0, 5, "a", "a"), Span(5, 9, "b", "b")]
    assert merged(pair) == pair


def test_what_touches_a_marker_is_left_and_what_stands_beside_it_is_not() -> None:
    text = "abc [REDACTED:token] def"
    start, end = MARKER.search(text).span()  # type: ignore[union-attr]
    inside, across = Span(start + 2, start + 6, "k", "r"), Span(0, start + 1, "k", "r")
    before, behind = Span(0, start, "k", "r"), Span(end, len(text), "k", "r")
    assert beside_markers([before, across, inside, behind], text) == [before, behind]
    assert beside_markers([across], "no marker in here") == [across]


def test_the_longest_marker_is_as_long_as_said() -> None:
    longest = "[REDACTED:" + "a" * 24 + ":" + "0" * 10 + "]~9999"
    assert MARKER.fullmatch(longest)
    assert len(longest) <= MARKER_MAX


def test_upstreams_mark_of_a_cut_is_no_part_of_the_text() -> None:
    text = "x=1\n...[truncated 500 characters]"
    scan = Scan(text, text.lower())
    assert scan.was_cut
    assert text[: scan.end] == "x=1"
    whole = Scan("x=[1]", "x=[1]")
    assert (whole.was_cut, whole.end) == (False, 5)
