"""Ranks the followed runs of one token by how much a request would gain.

The order: requests of the caller, then runs never read (or unread for longest), then overdue ones
(oldest first), then those whose window of the newest events may overflow (worst first), then the
square-root index (scheduler.md 3). It passes over the runs once a second; a heap would not help,
because each run's age grows at its own speed.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Hashable
from typing import Generic, TypeVar

from bridge.core.pace.run_rate import Followed

Run = TypeVar("Run", bound=Hashable)


class Want(enum.Enum):
    """The purpose of a place that the caller requests."""

    POLL = enum.auto()  # a look beside a stream, say, at the next tick of the pace
    CONTACT = enum.auto()  # the connect of a stream: any free place, after those never read
    AT_ONCE = enum.auto()  # a connect that cannot wait: any free place, before all others


class Ranking(Generic[Run]):
    """Holds the runs; each is active, or parked until a later time.

    Parked runs are not compared, and do not count toward the fair interval.
    """

    __slots__ = ("_active", "_beta", "_parked", "_tenants", "_unheard", "_wanted", "followed")

    def __init__(self, *, beta: float) -> None:
        self.followed: dict[Run, Followed] = {}
        self._active: dict[Run, Followed] = {}
        self._parked: dict[Run, Followed] = {}
        self._wanted: dict[Run, Want] = {}  # requests of the caller, in this order
        self._unheard: dict[Run, float] = {}  # runs to contact first, see `unheard`
        self._beta = beta
        self._tenants = 0  # runs with a tenant; 0 saves the arithmetic

    def add(self, run: Run, entry: Followed) -> None:
        """Add a run."""
        self.followed[run] = entry
        self._active[run] = entry
        self._tenants += entry.tenant is not None

    def remove(self, run: Run) -> None:
        """Remove a run."""
        entry = self.followed.pop(run, None)
        if entry is not None:
            self._tenants -= entry.tenant is not None
        self._active.pop(run, None)
        self._parked.pop(run, None)
        self._wanted.pop(run, None)
        self._unheard.pop(run, None)

    def want(self, run: Run, want: Want) -> None:
        """Put an active or parked run first, until it is `taken`."""
        if run in self.followed:
            self._wanted[run] = want

    def unheard(self, run: Run, need: float) -> None:
        """Make the run's next request a contact, before all polls, the lowest `need` first."""
        if run in self.followed:
            self._unheard[run] = need

    def heard(self, run: Run) -> None:
        """Note that the run was contacted, or does not answer; it is polled from now on."""
        self._unheard.pop(run, None)

    def pick_contact(self, now: float, *, may_repeat: bool = True) -> Run | None:
        """Return the next contact, which keeps no pace; None when there is none.

        The order: a connect on which others wait, a run that was never read, the run unread for
        longest, then the connects of runs that were read. `may_repeat` includes runs that were read
        before the process began, or before its token was refused.
        """
        connect: Run | None = None
        for run, want in self._wanted.items():
            if want is not Want.POLL and not self.followed[run].is_out:
                if want is Want.AT_ONCE:
                    return run
                if connect is None and run not in self._unheard:
                    connect = run
        ready = (
            run
            for run, need in self._unheard.items()
            if self.followed[run].ready_at <= now and (may_repeat or need == -math.inf)
        )
        unheard = min(ready, key=self._unheard.__getitem__, default=None)
        return connect if unheard is None else unheard

    def taken(self, run: Run) -> Followed:
        """Take the run out of the order while its request is on the wire, until it is `back`."""
        self._wanted.pop(run, None)
        entry = self.followed[run]
        entry.is_out = True
        entry.ready_at = math.inf
        if self._parked.pop(run, None) is not None:
            self._active[run] = entry
        return entry

    def back(self, run: Run, entry: Followed, *, ready_at: float, parked: bool) -> None:
        """Put the run back; it is ready from `ready_at` on."""
        entry.is_out = False
        entry.ready_at = ready_at
        if parked:
            self._active.pop(run, None)
            self._parked[run] = entry
        elif self._parked.pop(run, None) is not None:
            self._active[run] = entry

    def wake(self, now: float) -> None:
        """Make parked runs active whose time has come."""
        for run in [run for run, entry in self._parked.items() if entry.ready_at <= now]:
            self._active[run] = self._parked.pop(run)

    def _pick_wanted(self, now: float) -> Run | None:
        contact = self.pick_contact(now)
        if contact is not None:
            return contact
        return next((run for run in self._wanted if not self.followed[run].is_out), None)

    def pick(self, now: float, *, overdue_before: float) -> Run | None:
        """Return the run to poll next; None when none is ready."""
        asked = self._pick_wanted(now)
        if asked is not None:
            return asked
        factors = self._tenant_factors() if self._tenants else None
        oldest_since, best_urgency, best_danger = math.inf, -math.inf, -math.inf
        oldest = best = endangered = None
        for run, entry in self._active.items():
            if entry.ready_at > now:
                continue
            since = entry.since
            if since < oldest_since:
                oldest_since, oldest = since, run
            if entry.gap_at < now:
                danger = entry.gap_rate * (now - entry.snapshot_at)
                if danger > best_danger:
                    best_danger, endangered = danger, run
            if entry.is_curved:
                urgency = entry.expected(now - since)
            else:
                urgency = entry.weight * (now - since)
            if factors is not None:
                urgency *= factors[entry.tenant]
            if urgency > best_urgency:
                best_urgency, best = urgency, run
        if oldest_since < overdue_before:
            return oldest
        return best if endangered is None else endangered

    def is_any_ready(self, now: float) -> bool:
        """Whether any active run is ready."""
        return any(
            entry.ready_at <= now
            for entries in (self._active, self._parked)
            for entry in entries.values()
        )

    def ready_at(self) -> float:
        """Return when the first run is ready; infinity when that depends on an answer."""
        return min((entry.ready_at for entry in self.followed.values()), default=math.inf)

    @property
    def unheard_count(self) -> int:
        """Return the number of runs that wait for a first contact."""
        return len(self._unheard)

    @property
    def active_count(self) -> int:
        """Return the number of active runs."""
        return len(self._active)

    def active(self) -> list[Followed]:
        """Return the active runs."""
        return list(self._active.values())

    def _tenant_factors(self) -> dict[Hashable, float]:
        """Multiplier of each tenant's urgencies: by need, mixed with equal shares by `beta`."""
        shares: dict[Hashable, float] = {}
        for entry in self._active.values():
            shares[entry.tenant] = shares.get(entry.tenant, 0.0) + entry.share
        total = sum(shares.values())
        beta, count = self._beta, len(shares)
        # phi_k * S / S_k with phi_k = (1 - beta) * S_k / S + beta / K
        return {k: (1.0 - beta) + beta * total / (count * s) for k, s in shares.items()}
