"""An output that one of several replicas writes: the replica that holds the output's lease.

If that replica dies, another takes the output over from its last line (if the file is shared and
can be read back) or from the checkpoint. A replica that freezes in the middle of a write may write
that batch behind the next holder's first lines; no other line is written twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from bridge.core.errors import ConfigError, JournalUnavailableError
from bridge.journal.port import Fence, FencedError, Lease, OwnedJournal
from bridge.log import get_logger
from bridge.outputs.sinks.delivery import Delivery
from bridge.tasks import TaskGroup

ASK_S = 0.25  # between attempts to acquire the lease
AGAIN_S = 5.0  # after a failed open; another replica may succeed

_STANDBY = {"ok": True, "detail": "another replica writes it"}

log = get_logger()


class OnlyOne:
    """`open`, then `run` until cancelled, then `close`, as for a `Delivery`."""

    def __init__(
        self, name: str, journal: OwnedJournal, build: Callable[[Fence], Delivery]
    ) -> None:
        """`build` makes the output for the holder of a lease."""
        self._name = name
        self._journal = journal
        self._build = build
        self._lease: Lease | None = None
        self._delivery: Delivery | None = None
        self._complaint: str | None = None

    @property
    def lag(self) -> int:
        """See `Delivery.lag`; a replica that waits for the lease has none."""
        return 0 if self._delivery is None else self._delivery.lag

    def status(self) -> Mapping[str, Any]:
        """The output's check in /healthz."""
        if self._complaint is not None:
            return {"ok": False, "detail": self._complaint}
        return _STANDBY if self._delivery is None else self._delivery.status()

    def reopen(self) -> None:
        """See `Delivery.reopen`."""
        if self._delivery is not None:
            self._delivery.reopen()

    async def open(self) -> None:
        """Open the output unless another replica holds it.

        Raises:
            ConfigError: The output cannot be opened here.
        """
        try:
            await self._ask()
        except JournalUnavailableError:
            return  # `run` tries again

    async def run(self) -> None:
        """Write whenever this replica holds the lease.

        Runs until cancelled, or until nobody reads the output any more.
        """
        while True:
            try:
                if self._delivery is None and not await self._ask():
                    await asyncio.sleep(ASK_S)
                    continue
                if await self._write():
                    return
            except JournalUnavailableError:
                await asyncio.sleep(ASK_S)
            except ConfigError as error:
                self._complaint = str(error)
                log.error("sink.not_opened", sink=self._name, reason=self._complaint)
                await asyncio.sleep(AGAIN_S)

    async def close(self) -> None:
        """Write the last lines and release the lease. Idempotent."""
        delivery, lease = self._delivery, self._lease
        self._delivery = self._lease = None
        if delivery is not None and lease is not None:
            if lease.is_valid():
                await delivery.close()
            else:
                await delivery.leave()
        if lease is not None:
            await lease.release()

    async def _ask(self) -> bool:
        """Acquire the lease and open the output. Returns False if another replica holds it.

        Raises:
            ConfigError: The output cannot be opened; the lease was released.
        """
        lease = await self._journal.acquire(f"output/{self._name}")
        if lease is None:
            return False
        delivery = self._build(lease.fence)
        try:
            await self._journal.catch_up()  # another replica wrote the checkpoint
            await delivery.open()
        except BaseException:
            await lease.release()
            raise
        self._complaint = None
        self._lease, self._delivery = lease, delivery
        log.info("output.taken", sink=self._name)
        return True

    async def _write(self) -> bool:
        """Write until the lease is lost (False) or the reader has gone (True)."""
        assert self._delivery is not None
        assert self._lease is not None
        delivery, lease = self._delivery, self._lease
        async with TaskGroup() as group:
            writing = group.create_task(_until_fenced(delivery), name=f"write {self._name}")
            losing = group.create_task(lease.until_lost(), name=f"hold {self._name}")
            await asyncio.wait((writing, losing), return_when=asyncio.FIRST_COMPLETED)
            writing.cancel()
            losing.cancel()
        if delivery.is_abandoned:
            return True
        self._delivery = self._lease = None
        await delivery.leave()
        await lease.release()
        log.warning("output.lost", sink=self._name)
        return False


async def _until_fenced(delivery: Delivery) -> None:
    try:
        await delivery.run()
    except FencedError:
        return
    except ExceptionGroup as errors:
        if errors.split(FencedError)[1] is not None:
            raise
