"""The state of one token, for metrics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Times are of the caller's clock."""

    used: int  # requests in the window or in flight
    assumed: int  # those of a predecessor, assumed without proof
    cap: int  # places that background requests may fill now
    foreign: float  # estimated requests of other programs in the window
    quiet_s: float  # how long an estimate of foreign use holds
    refused_count: int  # 429 answers so far
    blocked_until: float  # end of a pause; 0 when there is none
    followed: int  # runs, parked ones included
    unheard: int  # runs that wait for a first contact
    in_flight: int  # background requests without an answer
    age_max_s: float  # oldest view of a run that is not parked; 0 without runs
    overdue_count: int  # runs older than `kappa` mean intervals
    gap_risk_count: int  # runs whose window of the newest events may be about to overflow
    waited_budget_s: float  # time so far in which a run was ready and the budget was not
    waited_retry_after_s: float  # time so far spent in pauses that the server asked for
