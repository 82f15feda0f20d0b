"""Leases of a journal with a single writing process: the first task that acquires one holds it."""

from __future__ import annotations

import asyncio

from bridge.journal.port import Fence, FencedError


class LocalLeases:
    """Implements `Leases`. Only what `remember` stored may outlive the process."""

    def __init__(self) -> None:
        self._held: dict[str, LocalLease] = {}
        self._left: dict[str, bytes] = {}  # by name: the memory of the last holder
        self._number = 0

    async def acquire(self, name: str) -> LocalLease | None:
        """See `Leases.acquire`."""
        if name in self._held:
            return None
        self._number += 1
        lease = self._held[name] = LocalLease(
            self, Fence(name, self._number), self._left.get(name, b"")
        )
        return lease

    def check(self, fence: Fence | None) -> None:
        """Check that the lease of `fence` is still held.

        Raises:
            FencedError: Another task holds the lease, or nobody does.
        """
        if fence is None:
            return
        held = self._held.get(fence.name)
        if held is None or held.fence != fence:
            raise FencedError(
                f'this replica no longer holds the lease "{fence.name}"; nothing was stored'
            )

    def give_up(self, lease: LocalLease, memory: bytes) -> None:
        """Release the lease, if it is still the present one."""
        if self._held.get(lease.fence.name) is lease:
            del self._held[lease.fence.name]
            self._left[lease.fence.name] = memory


class LocalLease:
    """Implements `Lease`: held until it is released."""

    def __init__(self, leases: LocalLeases, fence: Fence, inherited: bytes) -> None:
        self.fence = fence
        self.inherited = inherited
        self._leases = leases
        self._memory = inherited
        self._lost = asyncio.Event()

    def is_valid(self) -> bool:
        """See `Lease.is_valid`."""
        return not self._lost.is_set()

    def remember(self, memory: bytes) -> None:
        """See `Lease.remember`."""
        self._memory = memory

    async def until_lost(self) -> None:
        """See `Lease.until_lost`."""
        await self._lost.wait()

    async def release(self) -> None:
        """See `Lease.release`."""
        self._leases.give_up(self, self._memory)
        self._lost.set()
