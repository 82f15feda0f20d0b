"""The followed runs: one task each, kept alive, and what people may know about them."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from bridge.clock import Clock
from bridge.core.backoff import Backoff
from bridge.core.errors import BridgeError, Failure, Retry
from bridge.core.event import Feed
from bridge.core.state import FeedState, Wish
from bridge.intake import JournalIntake
from bridge.metrics import Metrics
from bridge.outputs.port import InvalidRunIdError, TooManyRunsError, UnknownAccountError
from bridge.sources.gate import CREDENTIAL_CODES
from bridge.sources.port import Progress, Source
from bridge.wire import times

DEGRADED_AFTER = 5  # failures in a row (common.md 0.3)
FINISHED_MAX = 10_000  # runs that are over and still shown; the journal keeps as many states
# Given up for reasons that somebody may have mended while this program was down.
RETRIED_AT_START = CREDENTIAL_CODES | {"TLS", "HTTP_ERROR"}
RUNS_MAX = 10_000  # followed at a time; a task and its memory of ids are about 30 KB

log = structlog.get_logger()


@dataclass(slots=True)
class _Entry:
    """One run that is or was followed."""

    wish: Wish
    state: FeedState
    progress: Progress = field(default_factory=Progress)
    task: asyncio.Task[None] | None = None
    last_event_at_s: float | None = None  # wall clock; None when none came since the start
    added_at: float | None = None  # monotonic; None when it was taken over from the journal

    @property
    def word(self) -> str:
        if self.state.ended:
            return "ended"
        if not self.wish.followed:
            return "stopped"
        return "following" if self.state.failed is None else "failed"


class Follows:
    """Implements `outputs.port.Runs`. `run` must be running for anything to be followed."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        intake: JournalIntake,
        metrics: Metrics,
        clock: Clock,
        *,
        default_account: str,
        requests_per_minute: Mapping[str, int],
        runs_max: int = RUNS_MAX,
        log_ends: bool = True,
    ) -> None:
        """`sources` and `requests_per_minute` by account name; both may change, see `pause`.

        `default_account` and `runs_max` may be set to other values at any time. `log_ends`: False
        where somebody else says how each follow ended.
        """
        self._log_ends = log_ends
        self._sources = sources
        self._intake = intake
        self._metrics = metrics
        self._clock = clock
        self.default_account = default_account
        self._requests_per_minute = requests_per_minute
        self.runs_max = runs_max
        self._entries: dict[str, _Entry] = {}  # by run id, in the order they were added
        self._group: asyncio.TaskGroup | None = None
        # One change of what is followed at a time: two PUTs of one run must not start it twice.
        self._changing = asyncio.Lock()
        self._degraded: set[str] = set()  # accounts of which the log says so
        self._changed = asyncio.Event()

    # Life

    def restore(self, wishes: Iterable[Wish], states: Iterable[FeedState]) -> None:
        """Take over what the journal says was followed; call before `run`."""
        seen = {state.feed.source: state for state in states}
        for wish in wishes:
            state = seen.get(wish.feed.source, FeedState(wish.feed))
            if state.asked < wish.asked:  # asked for after it was given up
                state = replace(state, failed=None, asked=wish.asked)
            self._entries[wish.feed.id] = _Entry(wish, state)

    async def run(self) -> None:
        """Follow what is to be followed, for ever; cancelling stops every follow."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._resume(self._entries.values())
            await asyncio.Event().wait()

    async def pause(self, account: str) -> None:
        """End the follows of an account whose source is about to be exchanged or to go.

        Their states stay as they are; `resume` begins again from them.
        """
        async with self._changing:
            of_account = [e for e in self._entries.values() if e.state.feed.account == account]
            tasks = [entry.task for entry in of_account if entry.task is not None]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
            for entry in of_account:
                entry.task = None
                entry.progress = Progress()

    def resume(self, account: str) -> None:
        """Follow again what is to be followed of an account: its source is there, or is new."""
        self._resume(
            entry
            for entry in self._entries.values()
            if entry.state.feed.account == account and (entry.task is None or entry.task.done())
        )

    def _resume(self, entries: Iterable[_Entry]) -> None:
        """Start those that are to be followed; their sources know of all before the first asks."""
        expected: dict[str, list[FeedState]] = {}
        starting = []
        for entry in entries:
            if entry.wish.followed and entry.state.failed in RETRIED_AT_START:
                entry.state = replace(entry.state, failed=None)
            if entry.word == "following":
                starting.append(entry)
                expected.setdefault(entry.state.feed.account, []).append(entry.state)
        for account, states in expected.items():
            if account in self._sources:
                self._sources[account].expect(states)
        for entry in starting:
            self._start(entry)

    def state_changed(self, state: FeedState) -> None:
        """The intake's `on_change`."""
        entry = self._entries.get(state.feed.id)
        if entry is None or entry.state.feed != state.feed:
            return
        if state.events > entry.state.events:
            entry.last_event_at_s = self._clock.wall()
        entry.state = state
        if entry.word != "following":
            self._changed.set()

    async def until_none_followed(self) -> None:
        """Return when every run has ended or was given up."""
        while any(entry.word == "following" for entry in self._entries.values()):
            self._changed.clear()
            await self._changed.wait()

    # Runs

    @property
    def following_count(self) -> int:
        """Runs that are followed now."""
        return sum(entry.word == "following" for entry in self._entries.values())

    async def follow(self, run_id: str, account: str | None = None) -> bool:
        feed = self._feed(run_id, self.default_account if account is None else account)
        self._sources[feed.account].ask_again()  # whoever asks may have mended its token
        async with self._changing:
            entry = self._entries.get(feed.id)
            if entry is not None and (account is None or entry.state.feed == feed):
                if entry.word in ("following", "ended"):
                    return False
                wish = replace(entry.wish, followed=True, asked=entry.wish.asked + 1)
                state = replace(entry.state, failed=None, asked=wish.asked)
            else:
                wish = Wish(feed, added_at_s=self._clock.wall())
                state = FeedState(feed, asked=wish.asked)
            if self.following_count >= self.runs_max:
                raise TooManyRunsError(
                    f"{self.runs_max} runs are followed: stop some, or raise limits.runs"
                )
            await self._intake.save(wish, state)
            await self._stop(entry)
            # Last in the order of views, and a fresh start for its progress.
            self._entries.pop(feed.id, None)
            entry = self._entries[feed.id] = _Entry(wish, state, added_at=self._clock.monotonic())
            self._forget_finished()
            self._start(entry)
            return True

    async def unfollow(self, run_id: str) -> bool:
        async with self._changing:
            entry = self._entries.get(run_id.strip().lower())
            if entry is None or not entry.wish.followed:
                return False
            wish = replace(entry.wish, followed=False)
            state = replace(entry.state, failed=None)
            await self._intake.save(wish, state)
            entry.wish, entry.state = wish, state
            await self._stop(entry)
            return True

    def _forget_finished(self) -> None:
        """Keep the newest of those that are over; the journal knows the others longer."""
        over = [id_ for id_, entry in self._entries.items() if entry.word != "following"]
        for id_ in over[: max(0, len(over) - FINISHED_MAX)]:
            del self._entries[id_]

    def views(self) -> Sequence[Mapping[str, Any]]:
        intervals = self._intervals()
        return [self._view(entry, intervals) for entry in reversed(self._entries.values())]

    def view(self, run_id: str) -> Mapping[str, Any] | None:
        entry = self._entries.get(run_id.strip().lower())
        return None if entry is None else self._view(entry, self._intervals())

    def progress_of(self, run_id: str) -> Progress:
        """How the follow of a known run is going. Raises KeyError."""
        return self._entries[run_id].progress

    def states(self) -> list[FeedState]:
        return [entry.state for entry in self._entries.values()]

    def set_metrics(self) -> None:
        """Bring the gauges up to date; called when somebody reads them."""
        counts: dict[str, dict[str | None, int]] = {name: {} for name in self._sources}
        for entry in self._entries.values():
            by_status = counts.get(entry.state.feed.account)  # None: no longer configured
            if entry.word == "following" and by_status is not None:
                by_status[entry.state.status] = by_status.get(entry.state.status, 0) + 1
        for account, by_status in counts.items():
            self._metrics.set_runs(account, by_status)
            self._metrics.runs_given_up.labels(account).set(self.given_up_count(account))

    def given_up_count(self, account: str) -> int:
        """Runs of an account that are wanted, but were refused for good."""
        return sum(
            entry.word == "failed"
            for entry in self._entries.values()
            if entry.state.feed.account == account
        )

    def trouble_of(self, account: str) -> tuple[int, str, Failure] | None:
        """Runs of an account that failed several times in a row: how many, and one of them."""
        return self._troubles().get(account)

    def _troubles(self) -> dict[str, tuple[int, str, Failure]]:
        """`trouble_of` every account that has some, in one look at the runs."""
        found: dict[str, tuple[int, str, Failure]] = {}
        for run_id, entry in self._entries.items():
            failure = entry.progress.failure
            is_failing = entry.progress.failures_in_row >= DEGRADED_AFTER
            if is_failing and failure is not None and entry.word == "following":
                account = entry.state.feed.account
                found[account] = found.get(account, (0,))[0] + 1, run_id, failure
        return found

    def log_trouble(self) -> None:
        """One line when runs of an account fail several times in a row, one when none does."""
        troubles = self._troubles()
        for account in self._sources:
            trouble = troubles.get(account)
            if trouble is not None and account not in self._degraded:
                self._degraded.add(account)
                count, run_id, failure = trouble
                log.warning(
                    "follow.degraded",
                    account=account,
                    runs=count,
                    run_id=run_id,
                    code=failure.code,
                    message=failure.message,
                )
            elif trouble is None and account in self._degraded:
                self._degraded.discard(account)
                log.info("follow.recovered", account=account)

    # Inside

    def _feed(self, run_id: str, account: str) -> Feed:
        source = self._sources.get(account)
        if source is None:
            near = difflib.get_close_matches(account, self._sources, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise UnknownAccountError(f'no account is named "{account[:100]}"{hint}')
        try:
            return source.feed(run_id)
        except ValueError:
            raise InvalidRunIdError(f'"{run_id[:100]}" is no run id: a run id is a UUID') from None

    def _start(self, entry: _Entry) -> None:
        if self._group is not None:
            name = f"follow {entry.state.feed.id}"
            entry.task = self._group.create_task(self._follow(entry, entry.task), name=name)

    @staticmethod
    async def _stop(entry: _Entry | None) -> None:
        if entry is not None and entry.task is not None:
            entry.task.cancel()
            await asyncio.wait((entry.task,))
            entry.task = None

    async def _follow(self, entry: _Entry, previous: asyncio.Task[None] | None) -> None:
        """Follow one run; a crash of its follow is not a crash of the others."""
        if previous is not None:
            await asyncio.wait((previous,))  # it may still be on its way out
        feed = entry.state.feed
        source = self._sources.get(feed.account)
        if source is None:  # the account is no longer configured; the run waits for its return
            log.warning("follow.account_missing", run_id=feed.id, account=feed.account)
            return
        backoff = Backoff(cap_s=60.0)
        await self._intake.open_feed(entry.state)
        try:
            while True:
                try:
                    await source.follow(entry.state, self._intake, entry.progress)
                    break
                except BridgeError:
                    raise  # of the journal: nobody can go on
                except Exception:  # a bug in one follow must not stop the others
                    wait_s = backoff.after_failure(jitter=0.0)
                    log.exception("follow.crashed", run_id=feed.id, retry_in_s=wait_s)
                    text = "a bug in this program; its log has the cause"
                    entry.progress.failure = Failure("follow", "CRASHED", text, Retry.TRANSIENT)
                    entry.progress.failures_in_row += 1
                    await asyncio.sleep(wait_s)
        finally:
            self._intake.close_feed(feed)
        if self._log_ends:
            self._log_end(entry)

    @staticmethod
    def _log_end(entry: _Entry) -> None:
        state, failure = entry.state, entry.progress.failure
        if state.failed is None:
            log.info("run.ended", run_id=state.feed.id, status=state.status, events=state.events)
        else:
            message = failure.message if failure is not None else ""
            log.error("follow.failed", run_id=state.feed.id, code=state.failed, message=message)

    def _intervals(self) -> dict[str, float]:
        """Mean seconds between two polls of one run, by account."""
        polled: dict[str, int] = {}
        for entry in self._entries.values():
            if entry.word == "following" and entry.progress.followed_by != "stream":
                account = entry.state.feed.account
                polled[account] = polled.get(account, 0) + 1
        return {
            account: max(1.0, count * 60.0 / self._requests_per_minute.get(account, 60))
            for account, count in polled.items()
        }

    def _view(self, entry: _Entry, intervals: Mapping[str, float]) -> Mapping[str, Any]:
        state, progress, now = entry.state, entry.progress, self._clock.monotonic()
        is_followed = entry.word == "following"
        is_live = is_followed and progress.followed_by == "stream"
        lag_s = None if progress.read_at is None else max(0.0, now - progress.read_at)
        next_s: float | None = None
        if is_followed and not is_live:
            since = progress.read_at or entry.added_at or now
            due = since + intervals.get(state.feed.account, 1.0)
            next_s = round(max(0.0, max(due, progress.retry_at or 0.0) - now), 3)
        return {
            "runId": state.feed.id,
            "account": state.feed.account,
            "state": entry.word,
            "status": state.status,
            "events": state.events,
            "gaps": state.gaps,
            "lagSeconds": 0.0 if is_live else round(lag_s, 3) if is_followed and lag_s else None,
            "followedBy": progress.followed_by if is_followed else None,
            "lastFailure": _failure_view(state, progress.failure),
            "nextRequestInSeconds": next_s,
            "addedAt": times.rfc3339(entry.wish.added_at_s),
            "lastEventAt": _maybe_time(entry.last_event_at_s),
        }


def _failure_view(state: FeedState, failure: Failure | None) -> Mapping[str, Any] | None:
    if failure is None:
        return None if state.failed is None else {"code": state.failed}
    return {
        "code": failure.code,
        "message": failure.message,
        "operation": failure.operation,
        "httpStatus": failure.http_status,
        "retry": failure.retry.value,
        "requestId": failure.request_id,
    }


def _maybe_time(epoch_s: float | None) -> str | None:
    return None if epoch_s is None else times.rfc3339(epoch_s)
