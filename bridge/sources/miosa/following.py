"""What the follows of all kinds share: requests with a turn, and how they react to refusals."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from bridge.clock import Clock
from bridge.core.backoff import Backoff
from bridge.core.error_table import WAIT_S, Wait
from bridge.core.errors import Failure, Retry
from bridge.core.event import Feed
from bridge.core.pace.line import Rank
from bridge.core.status import State
from bridge.log import get_logger
from bridge.metrics import Metrics
from bridge.sources.key_gate import KeyGate
from bridge.sources.miosa.api import SNAPSHOT_ROOTS, MiosaApi, Row, row_path
from bridge.sources.miosa.classify import UNAVAILABLE_TRIES, Verdict
from bridge.sources.miosa.errors import advice
from bridge.sources.miosa.rules import words
from bridge.sources.miosa.rules.ending import Ending
from bridge.sources.miosa.rules.learnt import Learnt
from bridge.sources.port import Batch, OpenFeed, Progress, Receipt
from bridge.tasks import TaskGroup, first_of
from bridge.wire.jsontext import JsonError, dumps, loads

log = get_logger()

GONE_STRIKES = 3  # refusals in a row until a thing that the follow had read counts as deleted
GONE_WAIT_S = 5.0  # between these refusals
STATE_LOOKS = 60  # refusals because of a state, although the row runs, until the follow ends
ROW_S = 60.0  # the follow reads the row at least so often, if the budget allows
WATCH_SHARE = 0.3  # share of the key's requests for looks beside open streams

T = TypeVar("T")


async def beside(
    main: Coroutine[Any, Any, None], companion: Coroutine[Any, Any, None], name: str
) -> None:
    """Run `main` to its end, then cancel the companion.

    Raises:
        Exception: The first error that either of the two raised, not wrapped in a group.
    """
    try:
        async with TaskGroup() as group:
            task = group.create_task(companion, name=name)
            try:
                await main
            finally:
                task.cancel()
    except ExceptionGroup as errors:  # not except*: 3.11.2 wraps the raised error in it
        raise first_of(errors) from None


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that all follows of one account share."""

    gate: KeyGate
    api: MiosaApi
    learnt: Learnt
    clock: Clock
    metrics: Metrics
    jitter: Callable[[], float]
    watched: set[Feed]  # feeds that are followed now; their number sets the pace of looks

    def tell_gate(self, verdict: Verdict, started: float, feed_id: str | None) -> None:
        """Report a refusal to the gate; one of the whole key stops all feeds."""
        failure = verdict.failure
        self.gate.failed(
            failure.operation,
            started,
            failure,
            feed_id,
            of_key=verdict.is_of_key,
            bad_key=is_of_bad_key(verdict),
        )

    def count_reconnect(self, kind: str, reason: str) -> None:
        """Count a stream that ended and will be opened again."""
        self.metrics.own["stream_reconnects_total"].labels(self.gate.account, kind, reason).inc()


def clearer(verdict: Verdict, other: Verdict | None) -> Verdict:
    """Choose between two 404s the one with a code: "no such run" says more than "no such route"."""
    is_better = other is not None and verdict.row is None and other.row is not None
    return other if other is not None and is_better else verdict


def is_of_bad_key(verdict: Verdict) -> bool:
    """Whether a JSON route said that the key itself is bad.

    A 401 of a stream or ticket path may be about the ticket or the kind of user instead.
    """
    failure = verdict.failure
    is_json = not failure.operation.endswith(".stream") and failure.operation != "tickets"
    return is_json and failure.http_status == 401


class Following(ABC):
    """One follow. `finish` it only after the batch that ends it."""

    def __init__(self, feed: OpenFeed, parts: Parts, progress: Progress) -> None:
        self.open = feed
        self.feed = feed.feed
        self.kind = feed.feed.kind
        self.parts = parts
        self.gate, self.api, self.learnt = parts.gate, parts.api, parts.learnt
        self.clock = parts.clock
        self.progress = progress
        self._over = asyncio.Event()
        self.ending = Ending()
        self.row: Row | None = None
        self.row_at = -1e9  # when the row was read
        self.held_until = 0.0  # a refusal holds this feed: no requests before then
        self.wake = asyncio.Event()  # wakes the reading loop
        self.wants_row = True
        self.root = SNAPSHOT_ROOTS[0]  # the collection of a snapshot's owner
        self._backoffs: dict[Wait, Backoff] = {}
        self._unavailable: dict[str, int] = {}  # SERVICE_UNAVAILABLE in a row, by operation
        self._absent = 0
        self._state_looks: dict[str, int] = {}  # refusals because of a state, likewise
        self._tried_roots: set[str] = set()

    @abstractmethod
    async def run(self) -> None:
        """Follow until `is_over`."""

    @property
    def is_over(self) -> bool:
        """Whether the end of the follow is durable."""
        return self._over.is_set()

    def finish(self) -> None:
        """End the follow: its end, or its failure, is durable."""
        self._over.set()

    async def until_over(self, *loops: Coroutine[Any, Any, None]) -> None:
        """Run loops until one of them has finished the follow; the others may wait for a turn.

        Raises:
            Exception: The first error that one of them raised, not wrapped in a group.
        """
        try:
            async with TaskGroup() as group:
                tasks = [group.create_task(loop, name=f"follow {self.feed.id}") for loop in loops]
                await self._over.wait()
                for task in tasks:
                    task.cancel()
        except ExceptionGroup as errors:  # not except*: 3.11.2 wraps the raised error in it
            raise first_of(errors) from None

    # What survives a restart

    def saved(self) -> dict[str, Any]:
        """Return the cursor; subclasses add their own fields."""
        return {"root": self.root}

    def restore(self, saved: dict[str, Any]) -> None:
        """Load what `saved` returned.

        Raises:
            LookupError: A field is missing.
            TypeError: A field has another type; ValueError: another value.
        """
        if saved["root"] not in SNAPSHOT_ROOTS:
            raise ValueError(saved["root"])
        self.root = saved["root"]

    def load(self) -> None:
        """Load the stored cursor; an unreadable one only costs requests."""
        try:
            saved = loads(self.open.state.cursor) if self.open.state.cursor else None
            if saved is not None:
                self.restore(saved)
        except (JsonError, LookupError, TypeError, ValueError):
            log.warning("follow.cursor_unreadable", kind=self.kind, id=self.feed.id)

    async def take(self, batch: Batch) -> Receipt:
        """Hand a batch over, together with the cursor that a restart needs."""
        cursor = dumps(self.saved()).decode()
        if cursor != self.open.state.cursor:
            batch = replace(batch, cursor=cursor)
        return await self.open.take(batch)

    # Requests

    async def ask(
        self, rank: Rank, operation: str, request: Callable[[], Awaitable[T | Verdict]]
    ) -> T | Verdict:
        """Send one request with a turn of its own and book it; the caller reacts to a refusal."""
        await self.until(self.held_until)
        async with self.gate.turn((self.feed, "read"), rank) as turn:
            started = self.clock.monotonic()
            turn.sent()
            answer = await request()
            turn.answered()
        if isinstance(answer, Verdict):
            self._tell_gate(answer, started)
        else:
            self.gate.accepted(operation, started, self.feed.id)
        return answer

    def _tell_gate(self, verdict: Verdict, started: float) -> None:
        self.parts.tell_gate(verdict, started, self.feed.id)

    async def until(self, instant: float) -> None:
        """Sleep until a monotonic instant."""
        wait_s = instant - self.clock.monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    def went_well(self, operation: str) -> None:
        """Reset the counters of refusals after a good answer to this kind of request."""
        self.progress.failure = None
        self.progress.failures_in_row = 0
        self.progress.retry_at = None
        self._absent = 0
        self._unavailable.pop(operation, None)
        self._state_looks.pop(operation, None)
        for backoff in self._backoffs.values():
            backoff.reset()
        if self.progress.followed_by is None:
            self.progress.followed_by = "poll"

    async def refused(self, verdict: Verdict) -> None:
        """React to a refusal: hold this feed, or end the follow."""
        failure = verdict.failure
        self.progress.failure = failure
        self.progress.failures_in_row += 1
        if is_of_bad_key(verdict):
            return  # the gate stops all feeds; only a further request can show more
        if failure.retry is Retry.TRANSIENT:
            await self._passing(verdict)
        elif failure.retry is Retry.CONDITIONAL:
            await self._conditional(verdict)
        elif failure.http_status == 404:
            await self._not_there(failure)
        elif failure.retry is Retry.DONE:
            self.wants_row = True  # the target state holds already: the row says what that means
            self.hold(GONE_WAIT_S)
        else:
            await self.give_up(failure)

    async def _passing(self, verdict: Verdict) -> None:
        failure = verdict.failure
        if failure.code == "SERVICE_UNAVAILABLE":
            tries = self._unavailable.get(failure.operation, 0) + 1
            self._unavailable[failure.operation] = tries
            if tries >= UNAVAILABLE_TRIES:
                await self.give_up(replace(failure, retry=Retry.PERMANENT))
                return
        if verdict.is_of_key:
            self.progress.retry_at = self.gate.line.blocked_until(self.clock.monotonic())
            return  # the gate stops all feeds
        self.hold(self.wait_s(verdict))

    def wait_s(self, verdict: Verdict) -> float:
        """Return the wait that the server demands, else the usual one; seconds.

        A demand under a second is none: retries without a pause would spend the key.
        """
        if verdict.hinted_s is not None and verdict.hinted_s >= 1.0:
            return verdict.hinted_s
        first_s, cap_s = WAIT_S[verdict.wait]
        backoff = self._backoffs.setdefault(
            verdict.wait, Backoff(base_s=max(first_s, 1.0), cap_s=max(cap_s, 1.0))
        )
        return backoff.after_failure(jitter=self.parts.jitter())

    async def _conditional(self, verdict: Verdict) -> None:
        """Wait for a state that may change by itself; end the follow when a person has to act."""
        operation = verdict.failure.operation
        looks = self._state_looks[operation] = self._state_looks.get(operation, 0) + 1
        if verdict.wait is Wait.HUMAN or looks > STATE_LOOKS:
            await self.give_up(verdict.failure)
            return
        self.wants_row = True
        self.hold(self.wait_s(verdict))

    async def _not_there(self, failure: Failure) -> None:
        """End a follow with an unknown id at once, but a known one only after some looks.

        A failing look-up at upstream may say 404 too.
        """
        self._absent += 1
        if (self.row is None and self.open.state.status is None) or self._absent >= GONE_STRIKES:
            await self.give_up(replace(failure, retry=Retry.PERMANENT))
        else:
            self.wants_row = True
            self.hold(GONE_WAIT_S)

    def hold(self, wait_s: float) -> None:
        """Send no requests for this feed for `wait_s` seconds; a longer hold stays."""
        self.held_until = max(self.held_until, self.clock.monotonic() + wait_s)
        self.progress.retry_at = self.held_until

    async def give_up(self, failure: Failure) -> None:
        """Record that this follow ends without its feed having ended, and what to do about it."""
        failure = replace(failure, message=advice(failure.code, failure.message))
        self.progress.failure = failure
        await self.take(Batch(failure=failure))
        self.finish()

    # The row

    async def read_row(self, rank: Rank = Rank.NEWS) -> bool:
        """Read the row and record it; False when upstream refused that."""
        elsewhere: Verdict | None = None  # the verdict under the other name
        while not self.is_over:
            operation = f"{self._list_name}.get"
            name = self.learnt.runs.name
            path = row_path(self.feed, self.learnt, self.root)
            request = partial(self.api.row, path, operation, self.kind)
            answer = await self.ask(rank, operation, request)
            if isinstance(answer, Verdict):
                if answer.failure.retry is Retry.FEATURE_ABSENT and self.kind == words.RUN:
                    self.learnt.runs.gone(name)  # the server was upgraded
                if answer.is_route_missing and self._other_path(name):
                    elsewhere = answer
                    continue
                await self.refused(clearer(answer, elsewhere))
                return False
            self._found(name)
            self.went_well(operation)
            await self.take_row(answer)
            return True
        return False

    async def take_row(self, row: Row) -> None:
        """Record the contents of a row."""
        now = self.clock.monotonic()
        self.row, self.row_at, self.wants_row = row, now, False
        if words.state_of(row.status) is not State.RUNNING:
            self._state_looks.clear()  # the row explains refusals because of a state
        self.ending.saw_row(now, is_end=words.is_end(self.kind, row.status))
        await self.take(Batch(status=row.status, state=words.state_of(row.status), row=row.value))

    @property
    def _list_name(self) -> str:
        return "sandboxes" if self.kind == words.SANDBOX else f"{self.kind}s"

    def _other_path(self, name: str) -> bool:
        """After a 404, decide whether to try the other name at once.

        `name` is the name that this request used; another run may have learned a new one since.
        """
        if self.kind == words.RUN:
            return self.learnt.runs.refused(name)
        if self.kind == words.SNAPSHOT and self.row is None:
            self._tried_roots.add(self.root)
            others = [root for root in SNAPSHOT_ROOTS if root not in self._tried_roots]
            if others:
                self.root = others[0]
                return True
            self._tried_roots.clear()
        return False

    def _found(self, name: str) -> None:
        if self.kind == words.RUN:
            self.learnt.runs.worked(name)
        self._tried_roots.clear()

    def watch_s(self, least_s: float) -> float:
        """Return the seconds between looks beside an open stream; all of them share the key."""
        per_s = self.gate.line.limit / 60.0 * WATCH_SHARE
        return max(least_s, len(self.parts.watched) / per_s)

    async def sleep_until(self, instant: float) -> None:
        """Sleep until an instant, or until an event wakes the reading loop."""
        wait_s = instant - self.clock.monotonic()
        if wait_s > 0 and not self.wake.is_set():
            try:
                async with asyncio.timeout(wait_s):
                    await self.wake.wait()
            except TimeoutError:
                pass
        self.wake.clear()
