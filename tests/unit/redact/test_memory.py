"""What is remembered between the two events of a call, and for how long."""

from __future__ import annotations

from typing import Any

from bridge.redact import Memory, Redactor
from bridge.redact.memory import CALLS_MAX
from tests.corpus.commands import shapes

REDACTOR = Redactor()  # an automaton takes a tenth of a second to build


def told(command: str, output: str, shape: str) -> list[dict[str, Any]]:
    return dict(shapes(command, output))[shape]


def redacted(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    memory = Memory()
    return [REDACTOR.event(event, memory) for event in events]


def test_an_output_is_judged_by_its_own_call() -> None:
    events = told("pass show db", "Amber5528x\n", "two events")
    events[2]["payload"]["toolCallId"] = "call_8"
    assert redacted(events) == events


def test_a_call_is_forgotten_with_its_output() -> None:
    redactor, memory = REDACTOR, Memory()
    for event in told("pass show db", "Amber5528x\n", "two events"):
        redactor.event(event, memory)
    assert memory.calls == {}


def test_calls_that_never_end_are_forgotten_the_oldest_first() -> None:
    redactor, memory = REDACTOR, Memory()
    for number in range(CALLS_MAX + 5):
        event = told("pass show db", "", "two events")[0]
        event["payload"]["toolCallId"] = f"call_{number}"
        redactor.event(event, memory)
    assert len(memory.calls) == CALLS_MAX
    assert "call_4" not in memory.calls
    assert "call_5" in memory.calls
