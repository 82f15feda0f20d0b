"""Follow runs until all have ended and print their records: no daemon, no state on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.clock import SystemClock
from bridge.config import ResolvedAccount
from bridge.core.errors import Failure, Retry
from bridge.core.state import FeedState
from bridge.daemon.building import build_sources, close_sources
from bridge.daemon.follows import Follows
from bridge.daemon.printing import Printing
from bridge.daemon.supervisor import raise_first
from bridge.intake import JournalIntake
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.outputs.story.printer import Printer
from bridge.redact import Redactor
from bridge.sources.gate import Account
from bridge.sources.mogplex.source import MogplexSource

# Failures in a row after which a run that never answered is given up: a person waits. Who gets a
# reply waits longer, for a failing database passes: eight tries take about a minute.
GIVE_UP_AFTER = 5
GIVE_UP_AFTER_5XX = 8
# A token that worked is refused while upstream's database is away: it may be so for this long. One
# that never worked is given up after its second try (`core/pace/credential.py`).
REFUSED_S = 300.0
LOOK_S = 0.25  # between two looks at how the follows are going


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went: the state of every run, and why some of them did not end."""

    states: Sequence[FeedState]
    failures: Mapping[str, Failure]  # by run id; of runs given up, or silent until the end
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller wants to see."""

    printer: Printer
    write: Callable[[bytes], None]  # may block: a slow reader slows the requests, drops nothing
    tell: Callable[[str], None]  # a line for people about what is being waited for
    timeout_s: float


async def follow_until_ended(
    accounts: list[ResolvedAccount],
    default_account: str,
    run_ids: Sequence[str],
    redactor: Redactor,
    wishes: Wishes,
) -> Outcome:
    """Print every record of the runs, in order, until the last run has ended or was given up.

    Raises InvalidRunIdError before anything is asked, and what `wishes.write` raises.
    """
    clock = SystemClock()
    metrics = Metrics([account.name for account in accounts])
    redactor.protect([account.tokens.token() for account in accounts])
    sources = build_sources(accounts, redactor, metrics, clock)
    journal = MemoryJournal()
    intake = JournalIntake(journal, redactor, metrics, clock)
    follows = Follows(
        sources,
        intake,
        metrics,
        clock,
        default_account=default_account,
        requests_per_minute={a.name: a.settings.requests_per_minute for a in accounts},
        log_ends=False,  # the caller does, in words
    )
    intake.on_change = follows.state_changed
    for run_id in run_ids:
        await follows.follow(run_id)
    watch = _Watch(
        follows, wishes.tell, lambda name: _refusal(sources[name].account, clock.monotonic())
    )
    try:
        printing = Printing(journal, journal.pin(0), wishes.printer, wishes.write, clock)
        timed_out = await _run(sources, follows, watch, printing, wishes.timeout_s)
    except ExceptionGroup as errors:  # not except*: 3.11.2 wraps what is raised in it
        raise raise_first(errors) from None
    finally:
        await close_sources(sources)
        await journal.close()
    return Outcome(follows.states(), watch.failures(), timed_out)


async def _run(
    sources: Mapping[str, MogplexSource],
    follows: Follows,
    watch: _Watch,
    printing: Printing,
    timeout_s: float,
) -> bool:
    """Return True when the time was over before the runs were."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(source.account.drive(), name=f"account {name}")
            for name, source in sources.items()
        ]
        tasks.append(group.create_task(follows.run(), name="follows"))
        tasks.append(group.create_task(printing.run(), name="printer"))
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
    """Looks at the follows: tells people about trouble, and gives up what never answered."""

    def __init__(
        self,
        follows: Follows,
        tell: Callable[[str], None],
        refusal: Callable[[str], Failure | None],
    ) -> None:
        """`refusal`: why nothing more is to be expected of an account, None while something is."""
        self._follows = follows
        self._refusal = refusal
        self._tell = tell
        self._told: dict[str, str] = {}
        self._silent: dict[str, Failure] = {}

    async def until_over(self) -> None:
        """Return when every run has ended, was given up, or never answered."""
        while any(self._is_open(state) for state in self._follows.states()):
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._follows.until_none_followed()
            except TimeoutError:
                pass

    def failures(self) -> Mapping[str, Failure]:
        found = dict(self._silent)
        for state in self._follows.states():
            failure = self._follows.progress_of(state.feed.id).failure
            if failure is not None and not state.ended:
                found[state.feed.id] = failure
        return found

    def _is_open(self, state: FeedState) -> bool:
        run_id = state.feed.id
        if state.ended or state.failed is not None:
            return False
        refusal = self._refusal(state.feed.account)
        if refusal is not None:
            self._silent[run_id] = refusal
            return False
        progress = self._follows.progress_of(run_id)
        failure = progress.failure
        if failure is None:
            self._told.pop(run_id, None)
            return True
        if self._told.get(run_id) != failure.code:
            self._told[run_id] = failure.code
            self._tell(f"run {run_id}: {failure.code}: {failure.message}{_next(failure)}")
        never_answered = progress.read_at is None and failure.retry is not Retry.AUTH_SUSPECT
        is_faulty = (failure.http_status or 0) >= 500
        give_up_after = GIVE_UP_AFTER_5XX if is_faulty else GIVE_UP_AFTER
        # Nobody exchanges a certificate while a person waits for a first answer.
        give_up_after = 1 if failure.code == "TLS" else give_up_after
        if never_answered and progress.failures_in_row >= give_up_after:
            self._silent[run_id] = failure
            return False
        return True


def _refusal(gate: Account, now: float) -> Failure | None:
    standing = gate.credential
    if standing.suspended_since is None or standing.refused_since is None:
        return None
    is_long = now - standing.refused_since >= REFUSED_S
    return gate.refusal if is_long or not standing.was_accepted else None


def _next(failure: Failure) -> str:
    """What happens after a failure that is not the end."""
    match failure.retry:
        case Retry.AUTH_SUSPECT:
            return "; upstream says so too while it cannot look tokens up: asking again"
        case Retry.PERMANENT:
            return ""
        case _:
            return "; trying again"
