"""MIOSA's words and the six of all systems."""

from __future__ import annotations

import pytest

from bridge.core.status import State
from bridge.sources.miosa.rules.words import KINDS, is_end, state_of


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("ready", State.SUCCEEDED),
        ("live", State.SUCCEEDED),
        ("destroyed", State.SUCCEEDED),
        ("succeeded", State.SUCCEEDED),
        ("completed", State.SUCCEEDED),
        ("canceled", State.CANCELLED),
        ("cancelled", State.CANCELLED),
        ("deleted", State.CANCELLED),
        ("error", State.FAILED),
        ("failed", State.FAILED),
        ("queued", State.PENDING),
        ("provisioning", State.PENDING),
        ("active", State.RUNNING),
        ("paused", State.WAITING),
        ("Stopped", State.WAITING),
        ("something new", State.RUNNING),
    ],
)
def test_a_word_is_normalised(word: str, state: State) -> None:
    assert state_of(word) is state


def test_a_word_that_is_new_ends_nothing() -> None:
    assert not any(is_end(kind, "something new") for kind in KINDS)
    assert not any(is_end(kind, None) for kind in KINDS)


@pytest.mark.parametrize(
    ("kind", "ends", "goes_on"),
    [
        ("run", ["succeeded", "failed", "canceled", "cancelled", "completed"], ["running"]),
        ("sandbox", ["destroyed", "error"], ["running", "paused", "snapshotting"]),
        ("computer", ["destroyed", "deleted"], ["stopped", "active"]),
        ("build", ["ready", "failed", "cancelled"], ["queued", "building"]),
        ("snapshot", ["ready", "failed", "deleted"], ["creating", "uploading", "restoring"]),
        ("deployment", ["live", "failed"], ["building", "deploying"]),
        ("tenant", [], ["destroyed", "ready", "failed"]),
    ],
)
def test_what_ends_a_kind(kind: str, ends: list[str], goes_on: list[str]) -> None:
    assert all(is_end(kind, word) for word in ends)
    assert not any(is_end(kind, word) for word in goes_on)
