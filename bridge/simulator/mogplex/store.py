"""All runs and their events, in the order of commits and in the order of reading.

This module does not wait and has no HTTP. Readers of a stream hold a position in `Run.commits` and
are woken by `Run.watchers`; they own no queue.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.ids import new_uuid
from bridge.simulator.kit.mistakes import FullError
from bridge.simulator.kit.times import format_time, to_us
from bridge.simulator.mogplex.knobs import Knobs
from bridge.simulator.mogplex.sanitise import sanitised_json

RUNS_MAX = 20_000  # in all; the oldest ended run makes room for a new one
EVENTS_MAX = 1_000_000  # of one run; more is a mistake of the caller
TERMINAL_STATUSES = frozenset({"success", "failed", "cancelled"})
TERMINAL_TYPES = frozenset({"finished", "failed", "cancelled"})
EVENT_TYPES = (
    "started",
    "status_changed",
    "tool_started",
    "tool_finished",
    "cancel_requested",
    "cancelled",
    "finished",
    "failed",
    "log",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it has an id and a time."""

    type: str
    message: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    tool_name: str | None = None
    broken: bytes = b""  # sent as the payload, whatever it is


class StoredEvent:
    """One event as committed: raw, with its encoded form kept after the first read."""

    __slots__ = (
        "_style",
        "_wire",
        "ai_call_id",
        "committed_us",
        "created_us",
        "draft",
        "id",
    )

    def __init__(self, event_id: str, ai_call_id: str, draft: Draft, created_us: int) -> None:
        self.id = event_id
        self.ai_call_id = ai_call_id
        self.draft = draft
        self.created_us = created_us
        self.committed_us = created_us
        self._wire = b""
        self._style = ""

    @property
    def key(self) -> tuple[int, str]:
        """The place among a segment's events: createdAt in microseconds, then the id."""
        return (self.created_us, self.id)

    def wire(self, style: str) -> bytes:
        """The object as a reader gets it: payload sanitised, the rest untouched."""
        if self._style != style:
            draft = self.draft
            head = jsonjs.dumps(
                {
                    "id": self.id,
                    "type": draft.type,
                    "toolName": draft.tool_name,
                    "message": draft.message,
                }
            )
            created = format_time(self.created_us, style).encode()
            payload = draft.broken or sanitised_json(draft.payload)
            self._wire = b'%b,"payload":%b,"createdAt":"%b"}' % (head[:-1], payload, created)
            self._style = style
        return self._wire


@dataclass(slots=True, eq=False)
class Run:
    """One row, and its events."""

    id: str
    chance: Random  # every id and every made-up event of this run
    dice: Random  # choices made while reading, so that readers cannot change the ids
    ai_call_id: str
    sandbox_record_id: str | None
    repo_id: str
    created_us: int
    updated_us: int
    status: str = "pending"
    sandbox_id: str | None = None
    harness: str = "codex"
    base_branch: str = "main"
    working_branch: str = "main"
    create_branch: bool = False
    root_directory: str | None = None
    error: str | None = None
    runtime_provider: str | None = "trigger"
    runtime_run_id: str | None = None
    worktree_id: str | None = None
    agent_id: str | None = None
    mode: str | None = None
    commit_sha: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    commits: list[StoredEvent] = field(default_factory=list)  # all segments, order of commit
    reading: list[StoredEvent] = field(default_factory=list)  # this segment, (createdAt, id)
    by_id: dict[str, StoredEvent] = field(default_factory=dict)  # all segments
    watchers: set[Callable[[], None]] = field(default_factory=set)  # open streams, to be woken
    held: list[Draft] = field(default_factory=list)  # written while the run waits for input
    resumes: bool = False  # it will go on by itself: writes are held until then
    when_resumed: list[Callable[[], None]] = field(default_factory=list)
    has_ended: bool = False  # the row was terminal once, even if it is not now
    drafted: int = 0  # events asked for so far, committed or not
    generated: int = 0  # made-up log events so far
    writer: Iterator[Draft] | None = None  # where made-up events come from
    last_created_us: int = 0

    @property
    def is_terminal(self) -> bool:
        """Whether the status is terminal now; see `has_ended` for earlier."""
        return self.status in TERMINAL_STATUSES

    def object(self, style: str) -> dict[str, Any]:
        """The run object of mogplex.md 1.6."""
        root = f"/api/v1/mogplex/runs/{self.id}"
        return {
            "runId": self.id,
            "aiCallId": self.ai_call_id,
            "sandboxRecordId": self.sandbox_record_id,
            "sandboxId": self.sandbox_id,
            "repoId": self.repo_id,
            "harness": self.harness,
            "status": self.status,
            "branch": {
                "base": self.base_branch,
                "working": self.working_branch,
                "createBranch": self.create_branch,
            },
            "rootDirectory": self.root_directory,
            "eventsUrl": f"{root}/events",
            "cancelUrl": f"{root}/cancel",
            "createdAt": format_time(self.created_us, style),
            "updatedAt": format_time(self.updated_us, style),
            "error": self.error,
            "runtime": {"provider": self.runtime_provider, "runId": self.runtime_run_id},
            "worktreeId": self.worktree_id,
            "agentId": self.agent_id,
            "mode": self.mode,
            "terminalCommitSha": self.commit_sha,
        }

    def page(self, limit: int, knobs: Knobs) -> list[StoredEvent]:
        """What GET /events shows of the present segment, oldest first."""
        events = self.reading
        if knobs.tie_order == "arbitrary":
            events = _shuffled_ties(events, self.dice)
        return events[:limit] if knobs.window == "head" else events[-limit:]

    def newest(self, limit: int) -> list[StoredEvent]:
        """What a fresh stream replays: always the newest, whatever the window of /events."""
        return self.reading[-limit:]

    def after(self, event: StoredEvent) -> list[StoredEvent]:
        """Everything of this segment behind `event` in (createdAt, id) order."""
        return self.reading[bisect.bisect_right(self.reading, event.key, key=_key) :]

    def wake(self) -> None:
        """Call the watchers after a commit: open streams look for news."""
        for watcher in tuple(self.watchers):
            watcher()


def _key(event: StoredEvent) -> tuple[int, str]:
    return event.key


def _shuffled_ties(events: list[StoredEvent], dice: Random) -> list[StoredEvent]:
    """The same order by createdAt, ties in a new order at each call."""
    mixed: list[StoredEvent] = []
    start = 0
    for end in range(1, len(events) + 1):
        if end == len(events) or events[end].created_us != events[start].created_us:
            group = events[start:end]
            if len(group) > 1:
                dice.shuffle(group)
            mixed += group
            start = end
    return mixed


class Store:
    """All runs. The same seed and the same calls give the same ids."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.runs: dict[str, Run] = {}
        self._count = 0

    def create(self, now_s: float, repo_id: str, run_id: str | None = None) -> Run:
        """Create a pending run without events.

        Raises:
            FullError: The store holds as many runs as it may.
        """
        if run_id is not None and run_id in self.runs:
            raise FullError(f"run {run_id} exists already")
        if len(self.runs) >= RUNS_MAX:
            self._drop_oldest()
        self._count += 1
        # Each run has a source of chance of its own, so that runs that work at the same time
        # cannot change each other's ids.
        chance = Random(f"{self.seed}/{self._count}")  # noqa: S311 - repeatable, not secret
        own_id = new_uuid(chance)
        now_us = to_us(now_s)
        run = Run(
            id=run_id or own_id,
            chance=chance,
            dice=Random(f"{self.seed}/{self._count}/dice"),  # noqa: S311 - repeatable, not secret
            ai_call_id=new_uuid(chance),
            sandbox_record_id=new_uuid(chance),
            repo_id=repo_id,
            created_us=now_us,
            updated_us=now_us,
            runtime_run_id=f"run_{chance.getrandbits(64):016x}",
        )
        self.runs[run.id] = run
        return run

    def _drop_oldest(self) -> None:
        for run in self.runs.values():
            if run.is_terminal and not run.watchers:
                del self.runs[run.id]
                return
        raise FullError(f"{RUNS_MAX} runs are going on; end or delete some first")

    def prepare(
        self,
        run: Run,
        draft: Draft,
        now_s: float,
        knobs: Knobs,
        *,
        event_id: str | None = None,
        created_us: int | None = None,
    ) -> StoredEvent:
        """Give a draft its id and createdAt; it is not visible before `commit`.

        Without `created_us` times only grow, by at least 1 µs, except where `tie_size` requests
        equal ones.

        Raises:
            FullError: The store holds as many events as it may.
        """
        if run.drafted >= EVENTS_MAX:
            raise FullError(f"run {run.id} has {EVENTS_MAX} events; that is the limit")
        if event_id is not None and event_id in run.by_id:
            raise FullError(f"event {event_id} exists already")
        if created_us is None:
            if knobs.tie_size > 1 and run.drafted % knobs.tie_size:
                created_us = run.last_created_us
            else:
                created_us = max(to_us(now_s), run.last_created_us + 1)
            run.last_created_us = created_us
        run.drafted += 1
        return StoredEvent(event_id or new_uuid(run.chance), run.ai_call_id, draft, created_us)

    def commit(self, run: Run, event: StoredEvent, now_s: float, knobs: Knobs) -> None:
        """Make it visible. An event of an earlier segment is kept but never shown."""
        now_us = to_us(now_s)
        event.committed_us = now_us
        run.commits.append(event)
        run.by_id[event.id] = event
        if event.ai_call_id == run.ai_call_id:
            reading = run.reading
            if not reading or reading[-1].key < event.key:
                reading.append(event)
            else:
                bisect.insort(reading, event, key=_key)
        if knobs.touch_row:
            run.updated_us = max(now_us, run.updated_us)
        run.wake()

    def set_status(self, run: Run, status: str, now_s: float, error: str | None = None) -> None:
        """Change the row alone."""
        run.status = status
        if error is not None:
            run.error = error
        run.updated_us = max(to_us(now_s), run.updated_us + 1)

    def new_segment(self, run: Run) -> None:
        """A resumed run has a new aiCallId: its earlier events vanish from every read."""
        run.ai_call_id = new_uuid(run.chance)
        run.reading = []
        run.wake()
