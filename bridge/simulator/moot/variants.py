"""Events made to trip a careless reader. All secrets are made up and useless."""

from __future__ import annotations

from collections.abc import Callable

from bridge.simulator.moot.store import DROP, Draft

FAKE_KEY = "convo_key_" + "q7W8e9R0t1Y2u3I4o5P6a7S8"
FAKE_PAT = "mootup_pat_" + "Zx9Cv8Bn7Mq6Lw5Ke4Jr3Ht2"
TEXT_CHARS_MAX = 65_536
_OPTIONAL = (
    *("space_id", "speaker_id", "speaker_name", "speaker_type", "timestamp"),
    *("parent_event_id", "references", "thread_id", "metadata"),
)


def _line_separator() -> Draft:
    """U+2028 ends a line in JavaScript, not in a frame."""
    return Draft("before\u2028after\u2029end", message_type="message")


VARIANTS: dict[str, Callable[[], Draft]] = {
    "line_separator": _line_separator,
    "long_text": lambda: Draft("long " * (TEXT_CHARS_MAX // 5), message_type="code_share"),
    "longest_frame": lambda: Draft("\u0001" * TEXT_CHARS_MAX, message_type="message"),
    "emoji": lambda: Draft("héllo 👩‍👩‍👧 wörld", message_type="status_update"),
    "secret_text": lambda: Draft(f"export MOOT_KEY={FAKE_KEY}", message_type="code_share"),
    "secret_metadata": lambda: Draft(
        "see metadata", raw={"metadata": {"message_type": "message", "api_key": FAKE_PAT}}
    ),
    "no_id": lambda: Draft("no id", raw={"event_id": DROP}),
    "number_id": lambda: Draft("an id that is a number", raw={"event_id": 17}),
    "other_space": lambda: Draft("of another space", raw={"space_id": "spc_elsewhere"}),
    "no_metadata": lambda: Draft("no metadata", raw={"metadata": DROP}),
    "type_null": lambda: Draft("null", raw={"metadata": {"message_type": None}}),
    "type_number": lambda: Draft("a number", raw={"metadata": {"message_type": 3}}),
    "type_empty": lambda: Draft("empty", raw={"metadata": {"message_type": ""}}),
    "type_long": lambda: Draft("long", raw={"metadata": {"message_type": "x" * 65}}),
    "type_strange": lambda: Draft("strange", raw={"metadata": {"message_type": "git request!"}}),
    "no_timestamp": lambda: Draft("no time", raw={"timestamp": DROP}),
    "bare": lambda: Draft("only an id and a text", raw=dict.fromkeys(_OPTIONAL, DROP)),
    "metadata_text": lambda: Draft("metadata is a text", raw={"metadata": "free text"}),
}
# Those that a reader cannot name: no usable id, or of another space. They are no records.
NAMELESS = frozenset({"no_id", "number_id", "other_space"})
