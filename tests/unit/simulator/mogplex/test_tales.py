"""The written runs: each tells what it is there for."""

from __future__ import annotations

from collections import Counter

import pytest

from bridge.simulator.mogplex.scenarios import SCENARIOS
from bridge.simulator.mogplex.tales import TALES, Tale, steps_of


def test_there_is_a_fix_a_failure_a_question_and_a_cancelled_one() -> None:
    assert Counter(tale.outcome for tale in TALES) == {"success": 2, "failed": 1, "cancelled": 1}
    assert sum(any(step.pause for step in steps_of(tale)) for tale in TALES) == 1
    assert all(tale.error for tale in TALES if tale.outcome == "failed")
    assert "tales" in SCENARIOS


@pytest.mark.parametrize("tale", TALES, ids=lambda tale: tale.branch)
def test_a_tale_is_told_at_a_persons_pace(tale: Tale) -> None:
    steps = steps_of(tale)
    times = [step.at_s for step in steps]
    assert times == sorted(times)
    assert 30 < times[-1] < 180
    assert len(steps) / times[-1] < 3  # events a second
    assert [step for step in steps if step.finish or step.cancel] == [steps[-1]]


@pytest.mark.parametrize("tale", TALES, ids=lambda tale: tale.branch)
def test_every_call_has_its_end_but_the_one_that_was_cancelled(tale: Tale) -> None:
    drafts = [draft for step in steps_of(tale) for draft in step.drafts]
    begun = [d.payload["toolCallId"] for d in drafts if d.type == "tool_started"]
    ended = [d.payload["toolCallId"] for d in drafts if d.type == "tool_finished"]
    assert begun == ended


def test_an_event_that_exists_already_is_left_out() -> None:
    assert len(steps_of(TALES[0], accepted=True)) == len(steps_of(TALES[0])) - 1
