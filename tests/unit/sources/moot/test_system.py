"""The plain line of a message: one line, whatever somebody says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.moot.system import MOOT

EVENT = "io.mootup.space.event."


def line(text: str, who: str = "ana", kind: str = "question") -> str:
    data: dict[str, Any] = {"speaker_name": who, "text": text}
    record = {"type": EVENT + kind, "time": "2026-08-03T15:00:00Z", "data": data}
    found = MOOT.plain(record)
    assert found is not None
    return found.decode()


def test_time_who_kind_and_text() -> None:
    assert line("Ready?") == "2026-08-03T15:00:00Z ana [question] Ready?"


def test_a_speaker_without_a_name_is_a_dash() -> None:
    record = {"type": EVENT + "bug", "time": "t", "data": {"speaker_name": ["x"], "text": {}}}
    assert MOOT.plain(record) == b"t - [bug] "


def test_line_ends_are_written_out() -> None:
    assert line("a\r\nb\\n").endswith("a\\r\\nb\\\\n")


def test_what_somebody_says_steers_no_terminal() -> None:
    shown = line("\x1b]0;taken\x07 \x9b2J \u202etxt", who="\x1b[31meve")
    assert "\x1b" not in shown
    assert "\\u001b[31meve" in shown
    assert "\\u202etxt" in shown


@pytest.mark.slow
@given(st.text(), st.text())
def test_it_is_one_printable_line(text: str, who: str) -> None:
    assert len(line(text, who or "-").splitlines()) == 1


def test_the_records_of_the_bridge_have_no_line_but_the_end() -> None:
    gap = {"type": "bridge.gap", "data": {}}
    assert MOOT.plain(gap) is None
    end = {"type": "bridge.space.ended", "data": {"spaceId": "s", "status": "archived"}}
    assert MOOT.plain(end) == b'{"spaceId":"s","status":"archived"}'
