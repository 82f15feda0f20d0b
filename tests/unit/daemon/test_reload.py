"""The parts of a reload that real processes reach only by chance."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bridge.clock import SystemClock
from bridge.config import Loaded, ResolvedAccount, Settings
from bridge.config.tokens import TokenVariable
from bridge.core.errors import ConfigError, JournalFullError
from bridge.core.state import FeedState
from bridge.daemon.accounts import Accounts
from bridge.daemon.build import build_following
from bridge.daemon.listed import ListedFeed, list_changes
from bridge.daemon.reload import prepared_or_refused
from bridge.daemon.sinks import Sinks
from bridge.daemon.supervisor import Crew
from bridge.intake import Intake, OpenFeed
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.outputs.sinks.ndjson import NdjsonOutput
from bridge.redact import Policy, Redactor
from bridge.sources.mogplex.api import to_event
from bridge.sources.mogplex.settings import MogplexAccount
from bridge.sources.mogplex.system import MOGPLEX, RUN_KIND
from bridge.sources.port import Batch
from tests.accounts import mogplex_account, mogplex_metrics
from tests.stages.mogplex import Stage, play

RUNS = [f"{n:08x}-93d4-4c0a-b6f2-6f4a0b0f9e77" for n in range(4)]


# Tasks that come and go


async def test_a_member_that_comes_late_runs_and_one_that_goes_is_gone() -> None:
    crew, seen = Crew(), []

    async def work(name: str) -> None:
        seen.append(name)
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(f"{name} gone")

    crew.add("early", lambda: work("early"))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(crew.run())
        await asyncio.sleep(0)
        crew.add("late", lambda: work("late"))
        await asyncio.sleep(0.01)
        await crew.remove("early")
        assert seen == ["early", "late", "early gone"]
        crew.add("early", lambda: work("early again"))  # its name is free again
        await crew.remove("nobody")
        await asyncio.sleep(0.01)
        running.cancel()
    assert sorted(seen[3:]) == ["early again", "early again gone", "late gone"]


async def test_a_member_that_fails_fails_the_ring() -> None:
    crew = Crew()

    async def fail() -> None:
        raise OSError("disk")

    crew.add("bad", fail)
    with pytest.raises(ExceptionGroup) as caught:
        await crew.run()
    assert caught.group_contains(OSError, match="disk")


# A commit that somebody no longer waits for


class SlowJournal(MemoryJournal):
    """Appends wait for `gate`, as a disk makes them; cancelling does not undo one that began."""

    def __init__(self, *, full_after_cut: bool = False) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self._full_after_cut = full_after_cut
        self._was_cut = False

    async def append(self, *args: Any, **kwargs: Any) -> Sequence[int | None]:
        if self._was_cut and self._full_after_cut:
            raise JournalFullError("no space")
        if not self._was_cut:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self._was_cut = True
                if not self._full_after_cut:
                    await super().append(*args, **kwargs)  # the writer's thread went on
                raise
        return await super().append(*args, **kwargs)


def event(number: int) -> Any:
    made = to_event(
        {
            "id": f"e{number}", "type": "log", "toolName": None, "message": "", "payload": {},
            "createdAt": "2026-08-03T15:00:00+00:00",
        }
    )  # fmt: skip
    assert made is not None
    return made


async def cut_off(journal: SlowJournal) -> tuple[OpenFeed, list[FeedState]]:
    """Take a batch and be cancelled while it is being committed."""
    intake = Intake(journal, Redactor(), mogplex_metrics(), SystemClock())
    told: list[FeedState] = []
    named = MOGPLEX.feed("default", "run", RUNS[0])
    feed = intake.feed(FeedState(named), RUN_KIND, told.append)
    await feed.open()
    async with asyncio.TaskGroup() as group:
        batch = Batch(events=(event(1), event(2)), status="streaming")
        taking = group.create_task(feed.take(batch))
        await asyncio.sleep(0.01)
        taking.cancel()
        await asyncio.wait((taking,))
        assert taking.cancelled()
    feed.close()
    return feed, told


async def test_the_next_follow_knows_what_a_cut_off_commit_stored() -> None:
    """Else it would number its own records as the stored ones, and the journal would drop them."""
    journal = SlowJournal()
    feed, told = await cut_off(journal)
    state = feed.state
    assert (state.events, state.status, state.marks) == (2, "streaming", 1)
    assert list(await journal.states()) == [state] == told
    await feed.open()
    receipt = await feed.take(Batch(events=(event(2), event(3)), status="success", ended=True))
    assert [e.id for e in receipt.fresh] == ["e3"]
    page = await journal.read(0, 100)
    assert [record.type.rpartition(".")[2] for record in page.records] == [
        "log", "log", "status", "log", "status", "ended"
    ]  # fmt: skip
    assert receipt.state.events == 3


async def test_a_cut_off_commit_without_room_leaves_the_state_as_it_was() -> None:
    journal = SlowJournal(full_after_cut=True)
    feed, told = await cut_off(journal)
    assert told == []
    assert feed.state.events == 0
    assert list(await journal.states()) == []


# Follows that wait for their account


def test_a_paused_account_asks_nothing_and_goes_on_where_it_was() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=3)
        await stage.follow(run)
        await asyncio.sleep(5)
        await stage.follows.pause("default")
        assert [t for t in asyncio.all_tasks() if t.get_name() == f"follow {run.id}"] == []
        assert stage.view(run)["following"] == "following"  # type: ignore[index]
        count = len(stage.sim.requests)
        stage.sim.append(run, 4)
        await asyncio.sleep(60)
        assert len(stage.sim.requests) == count
        assert await stage.follows.follow("run", run.id) is False  # it is followed, it only waits
        stage.follows.resume("default")
        stage.follows.resume("default")  # twice is once
        await asyncio.sleep(5)
        names = [task.get_name() for task in asyncio.all_tasks()]
        assert names.count(f"follow {run.id}") == 1
        stage.sim.finish(run)
        await stage.over(60)
        assert await stage.event_ids(run) == stage.truth_ids(run)

    play(scenario)


def test_resuming_revives_who_was_given_up_for_the_token_and_nobody_else() -> None:
    async def scenario(stage: Stage) -> None:
        given_up, stopped = (stage.sim.create_run(events=2) for _ in range(2))
        stage.sim.fault("html_5xx", times=200, status=404)
        await stage.follow(given_up, stopped)
        await stage.over(300)
        assert await stage.follows.unfollow("run", stopped.id)
        stage.sim.fault("html_5xx", times=0)
        await stage.follows.pause("default")
        stage.follows.resume("default")
        states = {view["id"]: view["following"] for view in stage.follows.views()}
        assert states == {given_up.id: "following", stopped.id: "stopped"}

    play(scenario)


# Accounts, outputs, lists


def resolved(**settings: Any) -> ResolvedAccount:
    return mogplex_account("https://example.com", **settings)


async def accounts_of(metrics: Metrics | None = None, follows: Any = None) -> Accounts:
    """With the one of `resolved`."""
    following = build_following(
        MemoryJournal(),
        Redactor(),
        metrics or mogplex_metrics(),
        SystemClock(),
        default_account="default",
    )
    accounts = following.accounts
    await accounts.change([resolved()])
    if follows is not None:
        accounts._follows = follows
    return accounts


class NoFollows:
    """No runs: a change of accounts only has to keep its order."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def pause(self, account: str) -> None:
        self.said.append(f"pause {account}")

    def resume(self, account: str) -> None:
        self.said.append(f"resume {account}")


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({}, True),
        ({"requests_per_minute": 30}, True),
        ({"reserve": 9, "min_interval": "3s"}, True),
        ({"runs": (RUNS[0],)}, True),
        ({"requests_per_minute": 600}, False),  # another window
        ({"q": 0.1}, False),
        ({"ra_cap": "10s"}, False),
        ({"stream": False}, False),
        ({"token_env": "U"}, False),
    ],
)
async def test_what_a_source_takes_over_and_what_makes_another(
    change: dict[str, Any], is_same: bool
) -> None:
    follows = NoFollows()
    accounts = await accounts_of(follows=follows)
    before: Any = accounts.sources["default"]
    now = SystemClock().monotonic()
    before._gate.scheduler.start(now, [now - 1] * 7)
    wanted = resolved(**change)
    if "token_env" in change:
        tokens = TokenVariable("U", "default", {"U": "mog_abcdefghijklmnop"})
        wanted = ResolvedAccount(wanted.settings, wanted.base_url, tokens)
    await accounts.change([wanted])
    after: Any = accounts.sources["default"]
    assert (after is before) == is_same
    assert follows.said == ([] if is_same else ["pause default", "resume default"])
    state = after._gate.scheduler.snapshot(SystemClock().monotonic())
    # The minute goes on: a reload must not cause a 429, and must not assume the worst either.
    assert state.used == 7
    settings: Any = wanted.settings
    assert state.cap == min(settings.requests_per_minute, max(60, settings.requests_per_minute)
                            - settings.reserve)  # fmt: skip
    assert accounts.resolved[0].settings == settings


async def test_series_of_an_account_come_and_go_with_it() -> None:
    metrics = mogplex_metrics()
    accounts = await accounts_of(metrics, NoFollows())

    def named() -> set[str]:
        return {word for word in ("default", "other") if f'account="{word}"'.encode() in
                metrics.render(None)[0]}  # fmt: skip

    await accounts.change([resolved(), resolved(name="other")])
    assert named() == {"default", "other"}
    await accounts.change([resolved(name="other")])
    assert named() == {"other"}
    assert list(accounts.sources) == ["other"]


async def test_an_output_that_cannot_be_opened_puts_all_of_them_back(tmp_path: Path) -> None:
    journal: Any = MemoryJournal()
    metrics = Metrics()
    sinks = Sinks(journal, metrics, SystemClock(), on_end=lambda: None)

    def output(name: str, **more: Any) -> NdjsonOutput:
        return NdjsonOutput.model_validate({"path": str(tmp_path / name), **more})

    kept, changed, gone = (output(name) for name in ("kept", "changed", "gone"))
    await sinks.change([kept, changed, gone])
    async with asyncio.TaskGroup() as group:
        running = group.create_task(sinks.run())
        await asyncio.sleep(0)
        before = sinks._sinks[kept.path]
        bad = output("none/x")
        with pytest.raises(ConfigError):
            await sinks.change([kept, output("changed", line_bytes=2048), output("new"), bad])
        assert set(sinks.checks()) == {f"sink {o.path}" for o in (kept, changed, gone)}
        assert sinks._sinks[kept.path] is before  # not touched
        assert sinks._exchange.held[changed.path] == changed
        rendered = metrics.render(None)[0]
        assert b"/gone" in rendered
        assert b"/new" not in rendered
        assert b"none/x" not in rendered
        await sinks.change([changed])
        assert set(sinks.checks()) == {f"sink {changed.path}"}
        assert b"/gone" not in metrics.render(None)[0]
        running.cancel()
    await sinks.close()


def test_a_bug_in_the_check_refuses_the_reload_and_ends_nothing() -> None:
    def load() -> Loaded:
        raise RecursionError("maximum recursion depth exceeded")

    with pytest.raises(ConfigError, match=r"a bug in this program \(RecursionError\)"):
        prepared_or_refused(load)


def test_lists_of_runs_are_compared() -> None:
    def settings(**lists: list[str]) -> Settings:
        return Settings(
            accounts=tuple(MogplexAccount(name=n, runs=tuple(r)) for n, r in lists.items())
        )

    def names(feeds: Sequence[ListedFeed]) -> list[tuple[str, str]]:
        assert {feed.kind for feed in feeds} <= {"run"}
        return [(feed.id, feed.account) for feed in feeds]

    old = settings(a=[RUNS[0], RUNS[1]], b=[RUNS[2]])
    assert list_changes(old, old).listed == list_changes(old, old).unlisted == []
    moved = list_changes(old, settings(a=[RUNS[0]], b=[RUNS[2], RUNS[1], RUNS[3]]))
    assert names(moved.listed) == [(RUNS[1], "b"), (RUNS[3], "b")]
    # A feed of another account is another feed: the old one is left.
    assert names(moved.unlisted) == [(RUNS[1], "a")]
    gone = list_changes(old, settings(a=[RUNS[1]], b=[])).unlisted
    assert names(gone) == [(RUNS[0], "a"), (RUNS[2], "b")]
    # The account goes: its runs wait for its return.
    assert list_changes(old, settings(a=[RUNS[0], RUNS[1]])).unlisted == []


def test_a_redactor_takes_over_a_policy_and_keeps_what_it_knows() -> None:
    redactor = Redactor()
    text = redactor.text  # held by the logs from the start
    redactor.protect(["hunter2-hunter2"])
    redactor.event({"message": "hunter2-hunter2"})
    redactor.adopt(Redactor(Policy(patterns=(("custom_1", "EMP-[0-9]{6}"),))))
    assert "EMP" not in text("EMP-123456")
    assert "hunter2" not in text("hunter2-hunter2")
    assert sum(redactor.take_counts().values()) == 3  # one of them from before
