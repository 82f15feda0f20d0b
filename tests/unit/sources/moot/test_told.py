"""What a space says about itself between its records: last words, kinds of messages, threads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.moot.told import (
    TEXT_CHARS_MAX,
    THREADS_MAX,
    TYPES_MAX,
    note_space,
    recall_space,
)
from bridge.wire.jsontext import dumps, loads


def said(text: str, *, kind: str | None = None, **more: Any) -> dict[str, Any]:
    metadata = {} if kind is None else {"message_type": kind}
    return {"event_id": "evt_1", "speaker_id": "s1", "text": text, "metadata": metadata, **more}


def test_the_last_speaker_and_sentence_are_told() -> None:
    notes = note_space({}, [said("Ready?", speaker_name="ana"), said("On it.\nSoon.")])
    told = recall_space({"description": "Totals"}, notes)
    assert told["title"] == "Totals"
    assert (told["lastSpeaker"], told["lastText"]) == ("s1", "On it. Soon.")


def test_message_types_are_counted_over_batches_most_frequent_first() -> None:
    notes = note_space({}, [said("a", kind="question"), said("b")])
    notes = note_space(loads(dumps(notes)), [said("c")])
    assert list(recall_space({}, notes)["messageTypes"].items()) == [
        ("message", 2),
        ("question", 1),
    ]


def test_a_thread_is_counted_once() -> None:
    of = [said("a", thread_id="t1"), said("b", thread_id="t2"), said("c", thread_id="t1")]
    assert recall_space({}, note_space({}, of))["threads"] == 2


@pytest.mark.slow
def test_notes_stay_small_whatever_is_said() -> None:
    events = [
        said("x" * 65_536, kind=f"kind_{n}", thread_id=f"t{n}" * 500, speaker_name="n" * 9_000)
        for n in range(5_000)
    ]
    notes = note_space({}, events)
    assert len(dumps(notes)) < 3_000
    assert len(notes["types"]) == TYPES_MAX + 1
    assert len(notes["recent"]) == THREADS_MAX
    assert notes["threads"] == 5_000
    assert len(notes["text"]) == TEXT_CHARS_MAX


def test_an_event_without_text_keeps_the_last_words() -> None:
    notes = note_space({}, [said("Ready?", speaker_name="ana"), said("  ", speaker_name="ben")])
    assert recall_space({}, notes)["lastSpeaker"] == "ana"


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
)
NAMES = (
    "text",
    "speaker_id",
    "speaker_name",
    "thread_id",
    "metadata",
    "types",
    "recent",
    "threads",
)


@pytest.mark.slow
@given(st.lists(st.dictionaries(st.sampled_from(NAMES), JSON), max_size=4))
def test_nothing_that_is_sent_or_stored_raises(values: list[dict[str, Any]]) -> None:
    for value in values:
        recall_space(value, note_space(value, values))
        recall_space(value, value)


@pytest.mark.parametrize("status", ["active", "paused"])
def test_a_space_that_goes_on_has_no_end(status: str) -> None:
    row = {"status": status, "started_at": "2026-08-03T15:00:00Z", "ended_at": None}
    assert "endedAt" not in recall_space(row, {})
