"""How records of a kind are named, and who reads its row for people."""

from __future__ import annotations

from bridge.core.kind import Kind, unknown_kind


def test_all_types_of_a_kind_follow_from_its_prefix_and_its_name() -> None:
    kind = Kind("space", "io.mootup.space")
    assert kind.event_prefix == "io.mootup.space.event."
    assert kind.status_type == "io.mootup.space.status"
    assert kind.ended_type == "bridge.space.ended"


def test_a_row_alone_is_described_and_notes_are_ignored() -> None:
    kind = Kind("space", "x", describe=lambda row: {"title": row["name"]})
    assert kind.tell({"name": "Sprint"}, {"title": "of the notes"}) == {"title": "Sprint"}


def test_where_notes_are_kept_they_and_the_row_tell_together() -> None:
    kind = Kind(
        "run",
        "x",
        describe=lambda _: {"title": "by the row alone"},
        note=lambda notes, events: {"last": [*notes.get("last", ()), *events][-1]},
        recall=lambda row, notes: {"title": row["prompt"], "lastText": notes["last"]["text"]},
    )
    assert kind.note is not None
    notes = kind.note({}, [{"text": "a"}, {"text": "b"}])
    assert kind.tell({"prompt": "Do"}, notes) == {"title": "Do", "lastText": "b"}


def test_a_kind_that_says_nothing_of_itself_tells_nothing() -> None:
    assert Kind("tenant", "x").tell({"any": "row"}, {}) == {}


def test_a_kind_of_a_system_that_this_program_does_not_know_has_names_of_its_own() -> None:
    kind = unknown_kind("orbit")
    assert kind.ended_type == "bridge.orbit.ended"
    assert kind.event_prefix == "bridge.unknown.orbit.event."
    assert not kind.may_reopen
