"""An hour of traffic on virtual time with a secret in everything upstream says: none comes out.

What comes out is looked at as a whole: records, views, metrics, log lines of every level and form,
failures, and the stack of a task that crashed.
"""

from __future__ import annotations

import asyncio
import io
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bridge import log as logs
from bridge.daemon.trouble import troubles
from bridge.redact import Redactor
from bridge.wire.jsontext import dumps, loads
from tests import accounts
from tests.canaries import Canaries, CanarySimulator
from tests.record_types import FOLLOW_FAILED, RUN_STATUS
from tests.stages import mogplex as mogplex_stage
from tests.stages import stage as any_stage
from tests.stages.mogplex import Stage, play

HOUR_S = 3600
OWN_TOKEN = "mog_" + "c" * 24  # as made up as can be: known by heart, not by its looks


@pytest.fixture(autouse=True)
def _restore_logs() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, raising = list(root.handlers), root.level, logging.raiseExceptions
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    logging.captureWarnings(False)
    root.handlers[:], logging.raiseExceptions = handlers, raising
    root.setLevel(level)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    structlog.reset_defaults()


class Watched:
    """A stage with canaries, and all that came out of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, level: str, form: str) -> None:
        self.canaries = Canaries(seed=6, own_token=OWN_TOKEN)
        self.lines = io.StringIO()
        redactor = Redactor()
        redactor.protect([OWN_TOKEN])
        logs.configure(redactor.twin().value, level=level, form=form, stream=self.lines, environ={})
        monkeypatch.setattr(accounts, "TOKEN", OWN_TOKEN)
        monkeypatch.setattr(any_stage, "Redactor", lambda: redactor)
        monkeypatch.setattr(
            mogplex_stage,
            "Simulator",
            lambda **more: CanarySimulator(self.canaries, monkeypatch, **more),
        )
        self.seen: list[str] = []

    async def look(self, stage: Stage) -> None:
        stage.replace_token(OWN_TOKEN)
        self.seen += [record.body.decode() for record in await stage.records()]
        self.seen += [repr(state) for state in await stage.journal.states()]
        self.seen += [dumps(view).decode() for view in stage.follows.views()]
        self.seen.append(stage.metrics.render()[0].decode())
        self.seen.append(stage.metrics.render("application/openmetrics-text")[0].decode())
        self.seen.append(repr(troubles(stage.follows.entries())))

    def leaks(self) -> list[str]:
        return self.canaries.found_in("\n".join([*self.seen, self.lines.getvalue()]))


async def _talk(stage: Stage, run: Any, canaries: Canaries, every_s: float, count: int) -> None:
    for number in range(count):
        await asyncio.sleep(every_s)
        stage.sim.append(
            run,
            {
                "type": ("log", "tool_started", "assistant_message")[number % 3],
                "message": canaries.text(),
                "tool_name": canaries.text() if number % 4 == 0 else "shell",
                "payload": canaries.tree({"input": {"command": "x"}, "lines": ["a", "b"]}),
            },
        )


async def _trouble(stage: Stage, canaries: Canaries) -> None:
    """Everything that can go wrong with a request, again and again."""
    for number in range(60):
        await asyncio.sleep(50)
        kind = ("reply", "html_5xx", "not_json", "database", "crash", "cut_body")[number % 6]
        more: dict[str, Any] = {"times": 2}
        if kind == "reply":
            status = (500, 403, 307, 429, 409)[number // 6 % 5]
            code = f"BAD_msk_live_{canaries.secret()}" if number % 12 == 0 else "CONFLICT"
            more |= {
                "status": status,
                "code": code,
                "message": canaries.text(),
                "endpoint": "events",
            }
        stage.sim.fault(kind, **more)


def _hour(monkeypatch: pytest.MonkeyPatch, *, level: str, form: str, of_it: float = 1.0) -> Watched:
    watched = Watched(monkeypatch, level, form)
    canaries = watched.canaries

    async def scenario(stage: Stage) -> None:
        stage.replace_token(OWN_TOKEN)
        talkers = [stage.sim.create_run(events=3) for _ in range(3)]
        gone = "00000000-0000-4000-8000-00000000dead"
        await stage.follow(*talkers, gone)
        stage.sim.set_status(talkers[1], f"waiting for {canaries.text()}")
        stage.sim.set_status(talkers[2], "streaming", error=canaries.text())
        async with asyncio.TaskGroup() as group:
            for number, run in enumerate(talkers):
                every_s = 40 + 7 * number
                group.create_task(
                    _talk(stage, run, canaries, every_s, int(HOUR_S * of_it / every_s))
                )
            troubling = group.create_task(_trouble(stage, canaries))
            group.create_task(_crash_once(stage, canaries, HOUR_S * of_it / 2))
            await asyncio.sleep(HOUR_S * of_it)
            troubling.cancel()
        await watched.look(stage)
        for run in talkers:
            stage.sim.finish(run)
        await stage.over(HOUR_S)
        await watched.look(stage)
        types = {record.type for record in await stage.records()}
        assert {FOLLOW_FAILED, RUN_STATUS} <= types

    play(scenario, stream_comment_s=15.0, stream_max_s=120.0, limiter="off")
    return watched


async def _crash_once(stage: Stage, canaries: Canaries, after_s: float) -> None:
    """A bug: a task dies with a text of upstream's in its exception, and another one as cause."""
    await asyncio.sleep(after_s)
    intake, true_write = stage.follows._intake, stage.follows._intake.write

    async def broken(*_: Any) -> Any:
        intake.write = true_write  # type: ignore[method-assign]
        try:
            raise ValueError(canaries.text())
        except ValueError as cause:
            raise RuntimeError(f"cannot take {canaries.text()}") from cause

    intake.write = broken  # type: ignore[method-assign]


def test_after_an_hour_no_canary_is_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = _hour(monkeypatch, level="debug", form="json")
    text = watched.lines.getvalue()
    assert len(watched.canaries.planted) > 1_500
    assert "follow.crashed" in text
    assert "Traceback" in text
    assert "REDACTED" in text
    assert sum("REDACTED" in seen for seen in watched.seen) > 200
    assert watched.leaks() == []


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
@pytest.mark.parametrize("form", ["json", "text"])
def test_at_every_level_in_every_form_no_canary_is_logged(
    monkeypatch: pytest.MonkeyPatch, level: str, form: str
) -> None:
    watched = _hour(monkeypatch, level=level, form=form, of_it=0.1)
    assert "Traceback" in watched.lines.getvalue()
    assert watched.leaks() == []


def test_the_search_itself_finds_what_is_left() -> None:
    canaries = Canaries(seed=1)
    texts = [canaries.text() for _ in range(24)]
    assert canaries.found_in("\n".join(texts)) == canaries.planted
    assert canaries.found_in(texts[0][: texts[0].index(canaries.planted[0]) + 18]) != []
    assert canaries.found_in(dumps(loads(b'{"a":1}')).decode()) == []
