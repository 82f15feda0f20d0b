"""Faults that hit a counted number of requests, optionally of one endpoint, run or token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FAULTS_MAX = 1_000  # a control script that forgets to clear must not grow memory
DELAY_S_MAX = 3_600.0

# kind -> what happens. "counted" means that the limiter has taken the request.
FAULT_KINDS: dict[str, str] = {
    "html_5xx": "an HTML page with `status` (default 502) from the platform; not counted",
    "reset": "the connection is dropped before anything is done; not counted",
    "unauthorized": "a spurious 401, as a database error during the token look-up gives; "
    "not counted",
    "database": "500 INTERNAL_ERROR with the endpoint's own message; counted",
    "crash": "an unhandled exception: 500 without a body; counted",
    "reply": "`status`, `code`, `message` and perhaps `retry_after` of your choice; counted",
    "not_json": "200 with an HTML page, as a proxy would send; counted",
    "empty_page": "200 with the run and no events, as a failed query that nobody checked; counted",
    "slow": "executed, then the reply waits `delay_s`; counted",
    "lost_reply": "executed, then the connection is dropped without a reply; counted",
    "cut_body": "executed, then half of the body and a dropped connection; counted",
}
EARLY = frozenset({"html_5xx", "reset"})  # before the application sees the request
AT_SIGN_IN = frozenset({"unauthorized"})
INSTEAD = frozenset({"database", "crash", "reply", "not_json"})  # of the work, after the limiter
WITHIN = frozenset({"empty_page"})  # the work itself; of the events only
AFTERWARDS = frozenset({"slow", "lost_reply", "cut_body"})


@dataclass(slots=True)
class Fault:
    """`times` matching requests are hit, after `skip` of them were let through."""

    kind: str
    times: int = 1
    skip: int = 0
    endpoint: str | None = None  # "run", "events", "stream", ...: see app.ROUTES; None is any
    run_id: str | None = None
    token: str | None = None  # the token's hash as in the request log
    status: int | None = None
    code: str = "INTERNAL_ERROR"
    message: str = "Injected fault"
    retry_after: str | None = None  # sent as it is, so that nonsense can be tried
    delay_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in Fault.__slots__}


class FaultList:
    """Faults in the order they were added; the first that matches is used up first."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        if fault.kind not in FAULT_KINDS:
            raise ValueError(f"no fault {fault.kind!r}; there are {', '.join(FAULT_KINDS)}")
        if len(self.waiting) >= FAULTS_MAX:
            raise ValueError(f"{FAULTS_MAX} faults wait already; clear them first")
        self.waiting.append(fault)

    def clear(self) -> None:
        self.waiting.clear()

    def draw(
        self, kinds: frozenset[str], *, endpoint: str, run_id: str | None, token: str | None
    ) -> Fault | None:
        """Use up one hit of the first fault that matches, or None."""
        for fault in self.waiting:
            if (
                fault.kind in kinds
                and fault.endpoint in {None, endpoint}
                and fault.run_id in {None, run_id}
                and fault.token in {None, token}
            ):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return None
