"""What was asked and what came back, in the shapes of agents: a command beside its output."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

# Members that hold a command, and those that hold an object with one.
COMMANDS: Final = tuple("command cmd script commandLine command_line shell_command argv".split())
ASKED: Final = tuple(
    """input arguments args params parameters tool_input toolInput item request action call rawInput
    raw_input input_preview inputPreview arguments_preview argumentsPreview""".split()
)
# Members that hold what it printed, as a text or as an object with one.
OUTPUTS: Final = tuple(
    """output stdout aggregated_output aggregatedOutput result content text formatted_output
    response logs data value tool_output toolOutput tool_result toolResult rawOutput raw_output item
    output_preview outputPreview stdout_preview stdoutPreview result_preview resultPreview delta
    chunk success outcome structuredContent structured_content metadata body""".split()
)
CALL_IDS: Final = tuple(
    "toolCallId tool_call_id callId call_id toolUseId tool_use_id item_id itemId".split()
)
_ASKS: Final = frozenset((*COMMANDS, *ASKED))
_DEPTH_MAX = 3
_COMMAND_MAX = 8_192  # characters that are looked at; the table reads less
_ITEMS_MAX = 32


def may_tell(names: Collection[str]) -> bool:
    """May an object of these names say what a command printed, here or under its call?"""
    asks = not _ASKS.isdisjoint(names)
    has_call = any(member in names for member in CALL_IDS)
    return has_call or (asks and any(member in names for member in OUTPUTS))


def command_of(obj: Mapping[str, Any], depth: int = 0) -> str:
    """The command that an object says it ran, or nothing."""
    if _ASKS.isdisjoint(obj):
        return ""
    for member in COMMANDS:
        if member in obj and (command := _plain(obj[member])):
            return command
    if depth >= _DEPTH_MAX:
        return ""
    for member in ASKED:
        if member in obj and (command := _asked(obj[member], depth)):
            return command
    return ""


def _plain(found: Any) -> str:
    if type(found) is str:
        return found[:_COMMAND_MAX]
    return _joined(found) if type(found) is list else ""


def _asked(found: Any, depth: int) -> str:
    if type(found) is dict:
        return command_of(found, depth + 1)
    if type(found) is str:
        return _of_text(found[:_COMMAND_MAX], depth)
    return _plain(found)


def _joined(items: list[Any]) -> str:
    """The arguments of a command; a list of objects is none."""
    if not all(type(item) is str for item in items[:_ITEMS_MAX]):
        return ""
    return " ".join(items[:_ITEMS_MAX])[:_COMMAND_MAX]


def _of_text(text: str, depth: int) -> str:
    """`arguments` are often a JSON text; else the text is what was asked."""
    if text[:1] == "{":
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return text.replace('\\"', '"')  # cut
        return command_of(found, depth + 1) if type(found) is dict else ""
    return text


def call_of(obj: Mapping[str, Any]) -> str:
    """The id of the call that an object belongs to, or nothing."""
    for member in CALL_IDS:
        found = obj.get(member)
        if type(found) is str:
            return found
    return ""


def outputs(obj: Mapping[str, Any]) -> Iterator[str]:
    """The members that hold what a command printed."""
    for member in OUTPUTS:
        if member in obj:
            yield member
