"""What `top` draws: sorted, filtered, cut to the window; no text of upstream moves the cursor."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from bridge.cli.top.reading import View
from bridge.cli.top.view import ViewOptions, plain, render, selected


def followed(number: int, **more: Any) -> dict[str, Any]:
    return {
        "runId": f"{number:08x}-93d4-4c0a-b6f2-6f4a0b0f9e77", "account": "default",
        "state": "following", "status": "streaming", "events": number, "gaps": 0,
        "lagSeconds": float(number), "followedBy": "poll", "lastFailure": None,
        "nextRequestInSeconds": 1.0, "addedAt": f"2026-08-03T15:00:{number % 60:02}Z",
        "lastEventAt": None, **more,
    }  # fmt: skip


CHECKS = {
    "ready": {"ok": True, "detail": "serving"},
    "journal": {"ok": True, "detail": "writable", "head": 4711, "floor": 1},
    "account default": {
        "ok": True, "detail": "token accepted", "windowRequests": 30, "budgetRequests": 54,
        "refusals": 2, "foreignRequests": 1.0,
    },
    "sink /var/log/events.ndjson": {"ok": False, "detail": "cannot write: no space", "lag": 12},
}  # fmt: skip


FAILED = followed(
    7, state="failed", lastFailure={"code": "UNAUTHORIZED", "message": "the token is refused"}
)


def view(*runs: dict[str, Any]) -> View:
    return View(0.0, "http://x", "1", 5.0, CHECKS, runs, {"sse": 3}, 0)


def test_runs_are_sorted_filtered_and_turned_round() -> None:
    runs = [followed(1), followed(3, account="other"), followed(2), FAILED]

    def order(**options: Any) -> list[int]:
        return [run["events"] for run in selected(view(*runs), ViewOptions(**options))]

    assert order(sort="lag") == [3, 2, 1, 7]  # what is followed comes first
    assert order(sort="events", is_reversed=True) == [1, 2, 3, 7]
    assert order(text="OTHER") == [3]
    assert order(shows_all=False) == [3, 2, 1]


@pytest.mark.parametrize("lines", [15, 24, 60])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_fits_into_the_window(lines: int, width: int) -> None:
    runs = [followed(n) for n in range(500)] + [FAILED] * 20
    console = Console(file=io.StringIO(), width=width, height=lines, force_terminal=True)
    with console.capture() as capture:
        console.print(render(view(*runs), ViewOptions(), lines=lines))
    drawn = capture.get().splitlines()
    assert len(drawn) <= lines
    assert "00000000" in capture.get() or "000001f3" in capture.get()  # runs have room


def test_scrolling_stops_at_both_ends() -> None:
    options = ViewOptions(scroll=10_000)
    render(view(*(followed(n) for n in range(500))), options, lines=30)
    assert 470 <= options.scroll < 500
    options.scroll = -5
    render(view(followed(1)), options, lines=30)
    assert options.scroll == 0


def test_upstreams_words_are_no_markup_and_move_no_cursor() -> None:
    nasty = followed(1, status="[bold]x[/nope]", lastFailure={"code": "X", "message": "a\x1b[2Jb"})
    text = plain(view(nasty), ViewOptions())
    assert "[bold]x[/nope]" in text
    assert "\x1b" not in text
