"""Whether a page begins at the run's beginning, and ends with its end."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sources.mogplex.api import RunPage, to_page
from bridge.sources.mogplex.pages import begins_at_origin, ends


def page(*events: tuple[str, str | None]) -> RunPage:
    raw: list[dict[str, Any]] = [
        {"id": f"e{n}", "type": type_, "createdAt": at and f"2026-08-03T15:00:{at}+00:00"}
        for n, (type_, at) in enumerate(events)
    ]
    run = {"runId": "r", "status": "streaming", "createdAt": "2026-08-03T15:00:20+00:00"}
    made = to_page({"run": run, "events": raw}, {})
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("events", "is_origin"),
    [
        ([], True),
        ([("started", "20.1")], True),  # written with the row
        ([("started", "20.0")], True),
        ([("log", "20.0")], True),  # of one transaction with it
        ([("log", "20.1")], False),
        ([("started", "22.5")], False),  # the second one, alone
        ([("started", "22.5"), ("started", "25")], True),  # both
        ([("log", "22.5"), ("started", "23"), ("started", "24")], False),
        ([("started", None)], False),
    ],
)
def test_the_first_page_of_a_run(events: list[tuple[str, str | None]], is_origin: bool) -> None:
    assert begins_at_origin(page(*events), is_later_segment=False) is is_origin


@pytest.mark.parametrize(
    ("message", "is_origin"),
    [("External Mogplex run accepted", True), ("Harness run started: codex", False), (None, False)],
)
def test_the_first_event_says_so_whenever_it_was_written(
    message: str | None, is_origin: bool
) -> None:
    first = page(("started", "40"))
    first.events[0].data["message"] = message  # type: ignore[index] - a dict, here
    assert begins_at_origin(first, is_later_segment=False) is is_origin


@pytest.mark.parametrize(
    ("type_", "is_origin"), [("started", True), ("status_changed", True), ("log", False)]
)
def test_the_first_page_of_a_later_segment(type_: str, is_origin: bool) -> None:
    assert begins_at_origin(page((type_, "20.0")), is_later_segment=True) is is_origin


@pytest.mark.parametrize("type_", ["finished", "failed", "cancelled"])
def test_only_the_last_event_ends_a_page(type_: str) -> None:
    assert ends(page(("log", "21"), (type_, "22")))
    assert not ends(page((type_, "21"), ("log", "22")))
    assert not ends(page())
