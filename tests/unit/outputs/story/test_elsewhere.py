"""What events of other systems say, by the shape of their data."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.outputs.story.elsewhere import Words, words_of

RUN, SANDBOX, SPACE = (
    f"{prefix}.event." for prefix in ("ai.miosa.run", "ai.miosa.sandbox", "io.mootup.space")
)


@pytest.mark.parametrize(
    ("type_", "data", "expected"),
    [
        (f"{SPACE}message", {"speaker_name": "ana", "text": "Hi"}, ("say", "plain", "ana: Hi")),
        (f"{SPACE}bug", {"speaker_id": "agt_1", "text": "It fails", "thread_id": "thr_1"},
         ("say", "plain", "↳ agt_1 [bug]: It fails")),
        (f"{SPACE}message", {"speaker_name": 7, "text": ["x"]}, ("note", "plain", "message")),
        (f"{RUN}assistant.message", {"message": "I look."}, ("say", "plain", "I look.")),
        (f"{RUN}command_finished", {"message": "ls", "metadata": {"exit_code": 0}},
         ("tool", "plain", "ls", "✓")),
        (f"{RUN}message", {"message": "Installing"}, ("note", "plain", "message: Installing")),
        (f"{SANDBOX}exec.started", {"command": "npm test"}, ("tool", "plain", "$ npm test")),
        (f"{SANDBOX}exec.stderr", {"line": "a warning"}, ("out", "warn", "a warning")),
        (f"{SANDBOX}exec.completed", {"exit_code": True}, ("note", "plain", "exec.completed")),
        (f"{SANDBOX}exec.completed", {"exit_code": 1, "duration_ms": -5},
         ("tool", "bad", "", "✗ exit 1 (0 ms)")),
        (f"{SANDBOX}exec.completed", {"exit_code": 1, "duration_ms": 10**400},
         ("tool", "bad", "", "✗ exit 1")),
        ("ai.miosa.build.event.build_event", {"state": "ready"},
         ("note", "plain", "build_event: ready")),
        ("io.other.thing", {}, ("note", "plain", "thing")),
    ],
)  # fmt: skip
def test_each_shape_is_told_in_its_way(
    type_: str, data: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert words_of(type_, data) == Words(*expected)
