"""What all follows of one account share: its requests, its gate, and a verdict on its key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bridge.clock import Clock
from bridge.core.errors import Failure, Retry
from bridge.metrics import Metrics
from bridge.sources.key_gate import KeyGate
from bridge.sources.moot.api import MootApi
from bridge.sources.moot.errors import TENANT_SUSPENDED, Refusal
from bridge.sources.moot.rules.ways import Ways
from bridge.sources.moot.words import Skip


@dataclass(slots=True)
class Desk:
    """One account.

    `verdict` is set while its key is refused or its tenant suspended: no follow sends a request
    until there is another key.
    """

    account: str
    api: MootApi
    gate: KeyGate
    ways: Ways
    clock: Clock
    metrics: Metrics
    jitter: Callable[[], float]
    wanted: str  # the setting `stream`
    verdict: Failure | None = None
    verdict_at: float | None = None
    judged: asyncio.Event = field(default_factory=asyncio.Event)

    def accepted(self, operation: str, started: float) -> None:
        """Book a good answer to a request sent at the monotonic instant `started`."""
        self.gate.accepted(operation, started)

    def failed(self, operation: str, started: float, refusal: Refusal) -> None:
        """Book a refusal, and remember one that concerns the key.

        The log gets no id of a space: users choose those, and they would become labels of
        exemplars.
        """
        self.gate.failed(
            operation,
            started,
            refusal.failure,
            of_key=refusal.of_key,
            bad_key=refusal.bad_key,
        )
        if refusal.failure.code == TENANT_SUSPENDED:
            self._judge(refusal.failure)
        elif self.gate.refused is not None:
            self._judge(replace(self.gate.refused, retry=Retry.PERMANENT))

    def _judge(self, failure: Failure) -> None:
        if self.verdict is None:
            self.verdict, self.verdict_at = failure, self.clock.monotonic()
            self.judged.set()
            if failure.code == TENANT_SUSPENDED:
                self.count("suspended")

    async def until_judged(self) -> Failure:
        """Return the verdict, when there is one."""
        while self.verdict is None:
            await self.judged.wait()
        return self.verdict

    def token_replaced(self) -> None:
        """Use the new key, which counts as good until upstream refuses it."""
        if self.verdict is not None and self.verdict.code == TENANT_SUSPENDED:
            self.count("suspended", -1)
        self.verdict = self.verdict_at = None
        self.judged.clear()  # the same event: follows of the old key wait for it
        self.gate.token_replaced()

    # Counting

    def count(self, name: str, amount: float = 1, *labels: str) -> None:
        """Add to one of moot's own metrics; `labels` follow the account's name."""
        self.metrics.own[name].labels(self.account, *labels).inc(amount)

    def skipped(self, reasons: list[Skip]) -> None:
        """Count frames or items that became no event, each by its reason."""
        for reason in reasons:
            self.count("skipped_frames_total", 1, reason)

    def connected(self, change: int) -> None:
        """Count a connection that opened (1) or ended (-1)."""
        self.count("stream_connected", change)
