"""The followed runs of one token, and which of them has the most to gain from a request.

The order: what the caller asked for, then what was never heard (or is unheard for longest), then
the overdue (oldest first), then those whose newest-200 window may overflow (worst first), then the
square-root index (scheduler.md 3). One pass over the runs, once a second: no heap is needed, and
none could hold ages that all grow at their own speed.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Hashable
from typing import Generic, TypeVar

from bridge.core.pace.run_rate import Followed

Run = TypeVar("Run", bound=Hashable)


class Want(enum.Enum):
    """What a place that the caller asks for is for."""

    POLL = enum.auto()  # a look beside a stream, say: the next tick of the pace will do
    CONTACT = enum.auto()  # the connect of a stream: any free place, after those never heard
    AT_ONCE = enum.auto()  # a connect that cannot wait: any free place, before all others


class Ranking(Generic[Run]):
    """Holds the runs. A run is either active or parked: not wanted before a time to come.

    Parked runs are not compared and do not count for what a fair interval is.
    """

    __slots__ = ("_active", "_beta", "_parked", "_tenants", "_unheard", "_wanted", "followed")

    def __init__(self, *, beta: float) -> None:
        self.followed: dict[Run, Followed] = {}
        self._active: dict[Run, Followed] = {}
        self._parked: dict[Run, Followed] = {}
        self._wanted: dict[Run, Want] = {}  # asked for by the caller, in this order
        self._unheard: dict[Run, float] = {}  # those to be contacted first, see `unheard`
        self._beta = beta
        self._tenants = 0  # runs that belong to a tenant; 0 saves the arithmetic

    def add(self, run: Run, entry: Followed) -> None:
        self.followed[run] = entry
        self._active[run] = entry
        self._tenants += entry.tenant is not None

    def remove(self, run: Run) -> None:
        entry = self.followed.pop(run, None)
        if entry is not None:
            self._tenants -= entry.tenant is not None
        self._active.pop(run, None)
        self._parked.pop(run, None)
        self._wanted.pop(run, None)
        self._unheard.pop(run, None)

    def want(self, run: Run, want: Want) -> None:
        """Put an active or parked run in front, until it is `taken`."""
        if run in self.followed:
            self._wanted[run] = want

    def unheard(self, run: Run, need: float) -> None:
        """Its next request is a contact, before all polls; the lowest `need` comes first."""
        if run in self.followed:
            self._unheard[run] = need

    def heard(self, run: Run) -> None:
        """It was contacted, or does not answer: from now on it is polled like the others."""
        self._unheard.pop(run, None)

    def pick_contact(self, now: float, *, may_repeat: bool = True) -> Run | None:
        """The contact to make next, for which no pace is to be kept; None when there is none.

        What a person would miss most comes first: a connect on which others wait, a run that was
        never heard, one that is unheard for longest, then the connects of those that were read.
        `may_repeat`: also what was heard before the process began, or before its token was refused.
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
        """A request for the run leaves: it is not wanted any more, and busy until it is `back`."""
        self._wanted.pop(run, None)
        entry = self.followed[run]
        entry.is_out = True
        entry.ready_at = math.inf
        if self._parked.pop(run, None) is not None:
            self._active[run] = entry
        return entry

    def back(self, run: Run, entry: Followed, *, ready_at: float, parked: bool) -> None:
        """The run may be asked again from `ready_at` on."""
        entry.is_out = False
        entry.ready_at = ready_at
        if parked:
            self._active.pop(run, None)
            self._parked[run] = entry
        elif self._parked.pop(run, None) is not None:
            self._active[run] = entry

    def wake(self, now: float) -> None:
        """Make those parked runs active whose time has come."""
        for run in [run for run, entry in self._parked.items() if entry.ready_at <= now]:
            self._active[run] = self._parked.pop(run)

    def _pick_wanted(self, now: float) -> Run | None:
        contact = self.pick_contact(now)
        if contact is not None:
            return contact
        return next((run for run in self._wanted if not self.followed[run].is_out), None)

    def pick(self, now: float, *, overdue_before: float) -> Run | None:
        """The run to ask next; None when none may be asked now."""
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
        return any(
            entry.ready_at <= now
            for entries in (self._active, self._parked)
            for entry in entries.values()
        )

    def ready_at(self) -> float:
        """When the first run may be asked; infinity when only an answer can tell."""
        return min((entry.ready_at for entry in self.followed.values()), default=math.inf)

    @property
    def unheard_count(self) -> int:
        return len(self._unheard)

    @property
    def active_count(self) -> int:
        return len(self._active)

    def active(self) -> list[Followed]:
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
