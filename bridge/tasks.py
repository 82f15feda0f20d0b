"""Task groups that never lose a cancellation, and the error that ended such a group."""

from __future__ import annotations

import asyncio
import sys
from types import TracebackType

from bridge.core.errors import BridgeError

# Until then a group takes back what it asked of its owner only when it begins to end.
_TAKES_ALL_BACK = sys.version_info >= (3, 13)


class TaskGroup(asyncio.TaskGroup):
    """A task group of asyncio that reports a cancellation from outside, whatever failed inside.

    Before Python 3.13 a group that ends with errors forgets a cancellation that came at the same
    time. Where the errors are expected, such as those of a stream that was cut, the task would then
    go on for ever, and the canceller would wait for its end.
    """

    _parent_cancel_requested: bool  # asyncio's: a failed member cancelled the owner

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        was_requested = self._parent_cancel_requested
        try:
            await super().__aexit__(kind, error, traceback)
        except BaseExceptionGroup as errors:
            task = asyncio.current_task()
            assert task is not None
            if self._parent_cancel_requested and not was_requested and not _TAKES_ALL_BACK:
                task.uncancel()
            if task.cancelling():  # by another task
                raise asyncio.CancelledError from errors
            raise


def first_of(error: BaseException) -> BaseException:
    """Return the error that ended a group: one of ours if there is one, else the first.

    An error that is no group is returned unchanged.
    """
    leaves: list[BaseException] = []
    queue = [error]
    while queue:
        error = queue.pop(0)
        if isinstance(error, BaseExceptionGroup):
            queue.extend(error.exceptions)
        else:
            leaves.append(error)
    return next((leaf for leaf in leaves if isinstance(leaf, BridgeError)), leaves[0])
