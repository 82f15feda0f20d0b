"""Numbers with their nouns."""

from __future__ import annotations

from bridge.core.counted import counted


def test_one_has_no_plural() -> None:
    assert [counted(n, "run") for n in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
