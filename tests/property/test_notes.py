"""What kinds keep of events for people takes any object: one odd member must not stop a follow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.kind import Kind
from bridge.systems import BUILT_IN
from bridge.wire.jsontext import dumps, loads

# One of each way of taking notes.
KINDS = list({k.note: k for system in BUILT_IN for k in system.kinds.values()}.values())
NAMES = (
    "id type event message payload createdAt toolName status state error branch updatedAt runId"
    " metadata exit_code command exec_id line progress message_type thread_id text speaker_name"
    " speaker_id name title harness participants created_at"
).split()
WORDS = (
    "log started tool_started tool_finished finished failed cancelled success assistant_delta"
    " command_started ls 2026-11-30T10:00:00Z 99-Z running"
).split()
DEEP: Any = "x"
for _ in range(900):  # what the parser takes
    DEEP = [DEEP]

leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20),
    st.sampled_from(WORDS), st.just("\ud800"), st.just(DEEP), st.just(10**400),
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*NAMES, "kind", "prompt", "toolCallId", "input", "command", "path"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(NAMES), values, max_size=8)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type_prefix)
@given(row=objects, events=st.lists(objects, max_size=4))
@settings(deadline=None)
def test_any_object_of_upstream_leaves_notes_that_can_be_kept_and_told(
    kind: Kind, row: dict[str, Any], events: list[dict[str, Any]]
) -> None:
    """An event whose type was an object crashed the follow of its run for ever."""
    notes: Any = {}
    for _ in range(2):  # what was kept is read back
        if kind.note is not None:
            notes = loads(dumps(kind.note(notes, events)))
        told = kind.tell(row, notes)
        assert isinstance(loads(dumps(told)), dict)
        kind.tell(row, {"open": DEEP, "types": 5, "open_tools": [5, {}], "title": []})
