"""Follows feeds until all have ended and prints their records, without a daemon or a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.clock import Clock, SystemClock
from bridge.config import ResolvedAccount
from bridge.core.errors import Failure, Retry
from bridge.core.event import Feed
from bridge.core.state import FeedState
from bridge.daemon.build import Following, build_following
from bridge.daemon.followed import Followed
from bridge.daemon.printing import Printing
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.outputs.story.printer import Printer
from bridge.redact import Redactor
from bridge.sources.port import Standing
from bridge.tasks import TaskGroup, first_of

# Failures in a row after which the command gives up a run that never answered, because a person
# waits. With replies it waits longer, as a failing database recovers: eight tries take a minute.
GIVE_UP_AFTER = 5
GIVE_UP_AFTER_5XX = 8
# Upstream refuses a valid token while its database is down; it may do so for this long. A token
# that never worked is given up after its second try (`core/pace/credential.py`).
REFUSED_S = 300.0
DOUBT_S = 5.0  # before a refused token is reported; it may recover
LOOK_S = 0.25  # between checks of the follows


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a command: the final state of every feed, and why some did not end."""

    states: Sequence[FeedState]
    failures: Mapping[Feed, Failure]  # of feeds that failed or never answered
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """What the caller wants to see, and for how long."""

    printer: Printer
    write: Callable[[bytes], None]  # may block: a slow reader delays requests, and loses nothing
    tell: Callable[[str], None]  # prints a line about what the command waits for
    timeout_s: float


async def follow_until_ended(
    accounts: list[ResolvedAccount],
    default_account: str,
    wanted: Sequence[tuple[str, str]],
    redactor: Redactor,
    options: FollowOptions,
) -> Outcome:
    """Print every record of the feeds, in order, until every feed has ended or failed.

    Args:
        accounts: The accounts to follow with.
        default_account: The account that is meant where none is named.
        wanted: Kind and id of each feed.
        redactor: Removes secrets from records.
        options: How to print, and when to give up.

    Raises:
        InvalidIdError: No account can have such a feed; no request was sent.
        OSError: `options.write` failed. Every other error of `write` passes through as well.
    """
    clock = SystemClock()
    metrics = Metrics()
    redactor.protect([account.tokens.token() for account in accounts])
    journal = MemoryJournal()
    following = build_following(
        journal,
        redactor,
        metrics,
        clock,
        default_account=default_account,
        log_ends=False,  # the caller reports the ends
    )
    await following.accounts.change(accounts)
    for kind, id_ in wanted:
        await following.follows.follow(kind, id_)
    watch = _Watch(following, options.tell, clock)
    try:
        printing = Printing(journal, journal.pin(0), options.printer, options.write, clock)
        timed_out = await _run(following, watch, printing, options.timeout_s)
    except ExceptionGroup as errors:  # not except*: 3.11.2 wraps what is raised in it
        raise first_of(errors) from None
    finally:
        await following.accounts.close()
        await journal.close()
    states = [entry.feed.state for entry in following.follows.entries()]
    return Outcome(states, watch.failures(), timed_out)


async def _run(following: Following, watch: _Watch, printing: Printing, timeout_s: float) -> bool:
    """Return True if the timeout passed before the feeds ended."""
    async with TaskGroup() as group:
        tasks = [
            group.create_task(following.accounts.run(), name="accounts"),
            group.create_task(following.follows.run(), name="follows"),
            group.create_task(printing.run(), name="printer"),
        ]
        try:
            async with asyncio.timeout(timeout_s):
                await watch.until_over()
            timed_out = False
        except TimeoutError:
            timed_out = True
        await printing.until_printed()
        for task in tasks:
            task.cancel()
    await printing.end()
    return timed_out


class _Watch:
    """Watches the follows: reports trouble to people and gives up feeds that never answered."""

    def __init__(self, following: Following, tell: Callable[[str], None], clock: Clock) -> None:
        self._follows = following.follows
        self._sources = following.accounts.sources
        self._tell = tell
        self._clock = clock
        self._told: dict[Feed, str] = {}
        self._silent: dict[Feed, Failure] = {}
        self._refused_at: dict[Feed, float] = {}  # when a refusal that may pass was first seen

    async def until_over(self) -> None:
        """Return when every feed has ended, failed, or never answered."""
        while any(self._is_open(entry) for entry in self._follows.entries()):
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._follows.until_none_followed()
            except TimeoutError:
                pass

    def failures(self) -> Mapping[Feed, Failure]:
        found = dict(self._silent)
        for entry in self._follows.entries():
            failure = entry.progress.failure
            if failure is not None and not entry.feed.state.ended:
                found[entry.feed.feed] = failure
        return found

    def _is_old(self, feed: Feed) -> bool:
        """Whether a refusal has lasted. Most become final at once and are reported only then."""
        now = self._clock.monotonic()
        return now - self._refused_at.setdefault(feed, now) >= DOUBT_S

    def _is_open(self, entry: Followed) -> bool:
        feed, progress = entry.feed.feed, entry.progress
        if not entry.is_followed:
            return False
        source = self._sources.get(feed.account)
        refusal = _refusal(source.standing(), self._clock.monotonic()) if source else None
        if refusal is not None:
            self._silent[feed] = refusal
            return False
        failure = progress.failure
        if failure is None:
            self._told.pop(feed, None)
            self._refused_at.pop(feed, None)
            return True
        is_grave = failure.retry in (Retry.AUTH_SUSPECT, Retry.PERMANENT)
        is_young = is_grave and not self._is_old(feed)
        if self._told.get(feed) != failure.code and not is_young:
            self._told[feed] = failure.code
            where = f"{feed.kind} {feed.id}"
            self._tell(f"{where}: {failure.code}: {failure.message}{_next(failure)}")
        never_answered = progress.read_at is None and failure.retry is not Retry.AUTH_SUSPECT
        is_faulty = (failure.http_status or 0) >= 500
        give_up_after = GIVE_UP_AFTER_5XX if is_faulty else GIVE_UP_AFTER
        # A certificate will not change while a person waits for a first answer.
        give_up_after = 1 if failure.code == "TLS" else give_up_after
        if never_answered and progress.failures_in_row >= give_up_after:
            self._silent[feed] = failure
            return False
        return True


def _refusal(standing: Standing, now: float) -> Failure | None:
    """Why the account will deliver no more records; None while it may."""
    if standing.suspended_since is None or standing.refused_since is None:
        return None
    is_long = now - standing.refused_since >= REFUSED_S
    return standing.failure if is_long or not standing.was_accepted else None


def _next(failure: Failure) -> str:
    """What the bridge does after a failure that is not final."""
    match failure.retry:
        case Retry.AUTH_SUSPECT:
            return "; upstream says so too while it cannot look tokens up: asking again"
        case Retry.PERMANENT:
            return ""
        case _:
            return "; trying again"
