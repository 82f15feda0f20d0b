"""A feed's source is one for one id, whatever characters stand in it."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from hypothesis import given
from hypothesis import strategies as st

from bridge.core.event import feed_of, percent_encoded

ANY_TEXT = st.text(st.characters(codec=None), max_size=20)  # lone surrogates too: JSON brings them


def test_the_usual_source() -> None:
    feed = feed_of("miosa", "prod", "sandbox", "Ab/1 ü")
    assert feed.source == "/miosa/prod/sandboxs/Ab%2F1%20%C3%BC"
    assert (feed.system, feed.account, feed.kind, feed.id) == ("miosa", "prod", "sandbox", "Ab/1 ü")


@given(ANY_TEXT)
def test_an_id_is_one_segment_and_comes_back_whole(text: str) -> None:
    segment = percent_encoded(text)
    assert segment.isascii()
    assert not set(segment) & set("/?# ")
    assert unquote_to_bytes(segment).decode("utf-8", "surrogatepass") == text


@given(ANY_TEXT, ANY_TEXT)
def test_two_ids_never_have_one_source(one: str, other: str) -> None:
    sources = {feed_of("s", "a", "k", text).source for text in (one, other)}
    assert len(sources) == len({one, other})
