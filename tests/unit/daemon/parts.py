"""A source that stands as a test says, and feeds of it, for what is above sources."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bridge import systems
from bridge.core.errors import Failure, Retry
from bridge.core.event import Feed
from bridge.core.state import FeedState, Wish
from bridge.daemon.followed import Followed
from bridge.intake import Intake
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.redact import Redactor
from bridge.sources.mogplex.system import MOGPLEX
from bridge.sources.port import Progress, Standing, System

RUN = "3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f"
REFUSED = Failure("runs.get", "UNAUTHORIZED", "bad token", Retry.PERMANENT, 401, request_id="q1")


class HandClock:
    """Both times, moved by hand."""

    def __init__(self, monotonic_s: float = 1000.0, wall_s: float = 1785769200.0) -> None:
        self.now_s, self.wall_s = monotonic_s, wall_s

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return self.wall_s


class StandingSource:
    """As much of a source as those need who only ask how it stands and what it remembers."""

    def __init__(self, name: str, system: System = MOGPLEX) -> None:
        self.name, self.system = name, system
        self.stands = Standing("token accepted", was_accepted=True)
        self.remembers = b""
        self.recalled: list[bytes] = []
        self.age_s: float | None = None  # of what was recalled last
        self.told: list[str] = []

    def standing(self) -> Standing:
        return self.stands

    def memory(self) -> bytes:
        return self.remembers

    def recall(self, memory: bytes, age_s: float | None = None) -> None:
        self.recalled.append(memory)
        self.age_s = age_s

    def token_replaced(self) -> None:
        self.told.append("token replaced")

    def ask_again(self) -> None:
        self.told.append("ask again")


def followed(
    state: FeedState, *, clock: HandClock | None = None, is_wanted: bool = True, **progress: Any
) -> Followed:
    """A feed in this state, with the follow's progress as given."""
    clock = clock or HandClock()
    metrics = Metrics({state.feed.account: MOGPLEX.words})
    intake = Intake(MemoryJournal(), Redactor(), metrics, clock)
    open_feed = intake.feed(state, systems.kind_of(state.feed))
    wish = Wish(state.feed, is_wanted, added_at_s=clock.wall_s)
    return Followed(wish, open_feed, Progress(**progress))


def run_of(account: str = "default", id_: str = RUN) -> Feed:
    return MOGPLEX.feed(account, "run", id_)


def entries(*followed: Followed) -> Any:
    """As much of `Follows` as those need who only look at its entries."""
    return SimpleNamespace(entries=lambda: list(followed))
