"""Lists of feeds: what is new in one is followed, what is in none is left; nobody hurries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.core.errors import JournalFullError
from bridge.core.state import By
from bridge.daemon.listed import FULL_WAIT_S, LISTED_WAIT_S, Listed, ListedFeed, list_changes
from bridge.outputs.http.port import InvalidIdError, TooManyFeedsError
from tests.unit.daemon.parts import RUN

Virtually = Callable[[Coroutine[Any, Any, None]], None]


def settings(**accounts: list[tuple[str, str]]) -> Any:
    return SimpleNamespace(
        accounts=[
            SimpleNamespace(name=name, listed=lambda feeds=feeds: feeds)
            for name, feeds in accounts.items()
        ]
    )


class Wanted:
    """Notes what it is asked to follow and to leave; fails as it is told to."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str, str | None, By]] = []
        self.errors: list[Exception] = []

    async def follow(self, kind: str, id_: str, account: str | None = None, *, by: By) -> bool:
        return self._do(f"+{kind}", id_, account, by)

    async def unfollow(self, kind: str, id_: str, account: str | None = None, *, by: By) -> bool:
        return self._do(f"-{kind}", id_, account, by)

    def _do(self, what: str, id_: str, account: str | None, by: By) -> bool:
        if self.errors:
            raise self.errors.pop(0)
        self.done.append((what, id_, account, by))
        return True


def listed(wanted: Wanted) -> Listed:
    follows: Any = wanted
    return Listed(follows)


class TestListChanges:
    def test_what_is_new_and_what_is_gone(self) -> None:
        old = settings(a=[("run", "1"), ("run", "2")], b=[("space", "x")])
        new = settings(a=[("run", "2"), ("run", "3")], b=[("space", "x")])
        changes = list_changes(old, new)
        assert changes.listed == [ListedFeed("a", "run", "3")]
        assert changes.unlisted == [ListedFeed("a", "run", "1")]

    def test_one_id_of_two_accounts_is_two_feeds(self) -> None:
        old = settings(a=[("run", "1")], b=[])
        new = settings(a=[], b=[("run", "1")])
        changes = list_changes(old, new)
        assert changes.listed == [ListedFeed("b", "run", "1")]
        assert changes.unlisted == [ListedFeed("a", "run", "1")]

    def test_feeds_of_an_account_that_went_away_wait_for_its_return(self) -> None:
        assert list_changes(settings(a=[("run", "1")]), settings()).unlisted == []


def account(name: str, *feeds: tuple[str, str]) -> Any:
    return SimpleNamespace(name=name, settings=SimpleNamespace(listed=lambda: feeds))


async def test_what_the_settings_name_is_followed_before_anybody_may_ask() -> None:
    wanted = Wanted()
    await listed(wanted).follow_now([account("a", ("run", "1"), ("run", "2"))])
    assert wanted.done == [("+run", "1", "a", By.LISTED), ("+run", "2", "a", By.LISTED)]


def test_what_a_full_journal_did_not_take_is_followed_later(virtually: Virtually) -> None:
    async def main() -> None:
        wanted = Wanted()
        wanted.errors = [JournalFullError("no space")] * 3
        lists = listed(wanted)
        await lists.follow_now([account("a", ("run", "1"), ("run", "2"))])
        assert wanted.done == []
        async with asyncio.TaskGroup() as group:
            task = group.create_task(lists.run())
            await asyncio.sleep(1)
            assert wanted.done == []  # the third refusal
            await asyncio.sleep(FULL_WAIT_S)
            task.cancel()
        assert [id_ for _, id_, _, _ in wanted.done] == ["1", "2"]

    virtually(main())


def test_a_changed_list_leaves_first_and_is_done_when_take_returns(virtually: Virtually) -> None:
    async def main() -> None:
        wanted = Wanted()
        lists = listed(wanted)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(lists.run())
            old, new = settings(a=[("run", "1")]), settings(a=[("run", "2")])
            await lists.take(list_changes(old, new))
            assert [what for what, *_ in wanted.done] == ["-run", "+run"]
            task.cancel()

    virtually(main())


def test_a_list_that_waits_for_a_full_journal_holds_a_reload_up_for_its_time_only(
    virtually: Virtually,
) -> None:
    async def main() -> None:
        wanted = Wanted()
        wanted.errors = [JournalFullError("no space")] * 100
        lists, loop = listed(wanted), asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(lists.run())
            before = loop.time()
            await lists.take(list_changes(settings(a=[]), settings(a=[("run", "1")])))
            assert loop.time() - before == LISTED_WAIT_S
            task.cancel()

    virtually(main())


@pytest.mark.parametrize(
    "error", [TooManyFeedsError("10,000 are followed"), InvalidIdError("no run id")]
)
def test_a_feed_that_cannot_be_followed_is_told_and_the_next_one_is(
    virtually: Virtually, error: Exception
) -> None:
    async def main() -> None:
        wanted = Wanted()
        wanted.errors = [error]
        lists = listed(wanted)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(lists.run())
            new = settings(a=[("run", "1"), ("run", "2")])
            await lists.take(list_changes(settings(a=[]), new))
            task.cancel()
        assert [id_ for _, id_, _, _ in wanted.done] == ["2"]

    with capture_logs() as logged:
        virtually(main())
    (line,) = [line for line in logged if line["event"] == "feed.not_added"]
    assert (line["feed"], line["reason"]) == ("1", str(error))


async def test_a_wrong_line_of_a_file_is_told_by_its_number_and_passed_over(
    tmp_path: Path,
) -> None:
    file = tmp_path / "runs"
    file.write_text(f"# a comment\n{{not json\n{RUN}\n")
    wanted = Wanted()
    lists = listed(wanted)
    with capture_logs() as logged:
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            task = group.create_task(lists.watch(str(file)))
            while not wanted.done:
                await asyncio.sleep(0)
            task.cancel()
    assert wanted.done == [("+run", RUN, None, By.LISTED)]
    (line,) = [line for line in logged if line["event"] == "runs_from.line_refused"]
    assert (line["line"], line["reason"]) == (2, "not JSON")
