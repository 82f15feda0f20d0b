"""Faults that hit a counted number of requests, optionally of one endpoint, feed or token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FAULTS_MAX = 1_000  # bounds the memory of a control script that never clears its faults
DELAY_S_MAX = 3_600.0

# Kinds that any service can have -> the effect. "counted": the limiter has counted the request.
COMMON_KINDS: dict[str, str] = {
    "html_5xx": "an HTML page with `status` (default 502); not counted",
    "reset": "the connection is dropped at once; not counted",
    "not_json": "200 with an HTML page, as from a proxy; counted",
    "slow": "executed, the reply waits `delay_s`; counted",
    "lost_reply": "executed, no reply, the connection is dropped; counted",
    "cut_body": "executed, half of the body, the connection is dropped; counted",
}
EARLY = frozenset({"html_5xx", "reset"})  # before the application sees the request
AFTERWARDS = frozenset({"slow", "lost_reply", "cut_body"})


@dataclass(slots=True)
class Fault:
    """`times` matching requests are hit, after `skip` of them were let through."""

    kind: str
    times: int = 1
    skip: int = 0
    endpoint: str | None = None  # a name out of the profile's table of routes; None is any
    feed_id: str | None = None
    token: str | None = None  # the token's hash as in the request log
    status: int | None = None
    code: str = "INTERNAL_ERROR"
    message: str = "Injected fault"
    retry_after: str | None = None  # sent unchanged, so that a test can try invalid values
    delay_s: float = 0.0

    def as_json(self, feed_key: str) -> dict[str, Any]:
        """`feed_key`: what the profile calls the id of a feed."""
        return {
            feed_key if name == "feed_id" else name: getattr(self, name) for name in Fault.__slots__
        }


class FaultList:
    """Faults in the order they were added; the first that matches is used up first."""

    def __init__(self, kinds: Mapping[str, str]) -> None:
        """`kinds`: every kind the profile knows, with what it does."""
        self.kinds = kinds
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Add a fault behind those that wait.

        Raises:
            ValueError: The profile does not know its kind, or FAULTS_MAX faults wait already.
        """
        if fault.kind not in self.kinds:
            raise ValueError(f"no fault {fault.kind!r}; there are {', '.join(self.kinds)}")
        if len(self.waiting) >= FAULTS_MAX:
            raise ValueError(f"{FAULTS_MAX} faults wait already; clear them first")
        self.waiting.append(fault)

    def clear(self) -> None:
        """Forget all faults that wait."""
        self.waiting.clear()

    def draw(
        self, kinds: frozenset[str], *, endpoint: str, feed_id: str | None, token: str | None
    ) -> Fault | None:
        """Use up one hit of the first fault that matches, or None."""
        for fault in self.waiting:
            if (
                fault.kind in kinds
                and fault.endpoint in {None, endpoint}
                and fault.feed_id in {None, feed_id}
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
