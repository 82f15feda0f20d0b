"""G1: a start is forgotten only when its run is followed or upstream refused that start."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from bridge.core.errors import Failure, Retry
from bridge.journal.memory import MemoryJournal
from bridge.outputs.gateway.starts import CHECKPOINT, KeyTakenError, Starts
from bridge.outputs.gateway.upstream import Reply
from bridge.sources.mogplex.dialect import MogplexDialect
from tests.virtual_clock import VirtualClock, run_virtually

RUN = "3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f"
STARTED = Reply(202, {}, json.dumps({"ok": True, "data": {"runId": RUN}}).encode())
LOST = Failure("gateway POST", "TIMEOUT", "no answer", Retry.TRANSIENT)
FULL = Failure("gateway POST", "RATE_LIMITED", "the gate is full", Retry.TRANSIENT, 429, 30.0)


def refused(status: int, code: str) -> Reply:
    return Reply(status, {}, json.dumps({"ok": False, "error": {"code": code}}).encode())


class FewRuns:
    """Accounts as the gateway sees them: what is followed, and a key to seal with."""

    def __init__(self) -> None:
        self.followed: list[str] = []

    async def follow(self, account: str, id_: str) -> None:
        self.followed.append(id_)

    def accounts(self) -> list[str]:
        return ["default"]

    def sealing_key(self, account: str) -> bytes:
        return b"k" * 32


class Answers:
    """Upstream: one answer after the other, the last one for ever."""

    def __init__(self, *answers: Reply | Failure) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def ask(self, account: str, question: object) -> Reply | Failure:
        self.asked += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def left_after(*answers: Reply | Failure, until: Callable[[FewRuns], bool]) -> FewRuns:
    """What is followed after one start and the tries that come behind it."""

    async def scenario() -> FewRuns:
        journal, runs, upstream = MemoryJournal(), FewRuns(), Answers(*answers)
        clock = VirtualClock(asyncio.get_running_loop())
        starts = Starts(journal, runs, upstream, MogplexDialect(), clock)  # type: ignore[arg-type]
        async with asyncio.TaskGroup() as group:
            again = group.create_task(starts.run())
            await starts.start("client", "default", "key", b"{}")
            for _ in range(100):
                if until(runs):
                    break
                await asyncio.sleep(1)
            again.cancel()
        kept = await journal.checkpoint(CHECKPOINT)
        assert (kept == b"[]") == bool(runs.followed)
        await journal.close()
        return runs

    return run_virtually(scenario())


@pytest.mark.parametrize(
    "says_nothing",
    [
        FULL,
        refused(429, "RATE_LIMITED"),
        refused(401, "UNAUTHORIZED"),
        refused(503, "SERVICE_UNAVAILABLE"),
        Failure("gateway POST", "LOGIN_REDIRECT", "not seen", Retry.PERMANENT, 307),
    ],
    ids=["full gate", "429", "401", "503", "login"],
)
def test_a_lost_start_is_not_forgotten_when_asking_again_is_refused(
    says_nothing: Reply | Failure,
) -> None:
    """The refusal is of the question whether it was started, not of the start."""
    with capture_logs() as logged:
        runs = left_after(LOST, says_nothing, STARTED, until=lambda runs: bool(runs.followed))
    assert runs.followed == [RUN]
    assert [line["event"] for line in logged] == ["gateway.start_unknown"]


def test_a_lost_start_is_not_replaced_by_another_request_with_its_key() -> None:
    """Asked again with the other body, upstream would refuse, and the first run were lost."""

    async def scenario() -> None:
        journal, runs, upstream = MemoryJournal(), FewRuns(), Answers(LOST, STARTED)
        clock = VirtualClock(asyncio.get_running_loop())
        starts = Starts(journal, runs, upstream, MogplexDialect(), clock)  # type: ignore[arg-type]
        assert await starts.start("client", "default", "key", b'{"prompt": "one"}') is LOST
        with pytest.raises(KeyTakenError):
            await starts.start("client", "default", "key", b'{"prompt": "two"}')
        assert upstream.asked == 1
        assert await starts.start("client", "default", "key", b'{"prompt": "one"}') == STARTED
        assert runs.followed == [RUN]
        await journal.close()

    run_virtually(scenario())


def test_a_jump_of_the_wall_clock_does_not_give_up_a_start_that_is_a_minute_old() -> None:
    class Jumping(VirtualClock):
        ahead_s = 0.0

        def wall(self) -> float:
            return super().wall() + self.ahead_s

    async def scenario() -> None:
        journal, runs = MemoryJournal(), FewRuns()
        clock = Jumping(asyncio.get_running_loop())
        answers = Answers(LOST, LOST, LOST, STARTED)
        starts = Starts(journal, runs, answers, MogplexDialect(), clock)  # type: ignore[arg-type]
        async with asyncio.TaskGroup() as group:
            again = group.create_task(starts.run())
            await starts.start("client", "default", "key", b"{}")
            clock.ahead_s = 7200.0
            await asyncio.sleep(60)
            again.cancel()
        assert runs.followed == [RUN]
        await journal.close()

    run_virtually(scenario())


@pytest.mark.parametrize(
    "refusal",
    [FULL, Failure("gateway POST", "UNAUTHORIZED", "no", Retry.AUTH_SUSPECT, 401)],
    ids=["full gate", "401"],
)
def test_a_start_that_was_never_asked_is_forgotten_at_once(refusal: Failure) -> None:
    """After a 401 it began much later, when the client had been told that it failed."""

    async def scenario() -> None:
        journal, runs = MemoryJournal(), FewRuns()
        clock = VirtualClock(asyncio.get_running_loop())
        starts = Starts(journal, runs, Answers(refusal), MogplexDialect(), clock)  # type: ignore[arg-type]
        await starts.start("client", "default", "key", b"{}")
        assert await journal.checkpoint(CHECKPOINT) == b"[]"
        await journal.close()

    run_virtually(scenario())
