"""Groups of tasks from which no cancellation gets lost, and the error that such a group means."""

from __future__ import annotations

import asyncio
import sys
from types import TracebackType

from bridge.core.errors import BridgeError

# Until then a group takes back what it asked of its owner only when it begins to end.
_TAKES_ALL_BACK = sys.version_info >= (3, 13)


class TaskGroup(asyncio.TaskGroup):
    """As asyncio's, but who was cancelled from outside is told so, whatever failed inside.

    Before Python 3.13 a group that is left with errors forgets a cancellation that came at the same
    time. Where the errors are expected, such as those of a stream that was cut, the task then goes
    on for ever, and whoever cancelled it waits for its end.
    """

    _parent_cancel_requested: bool  # asyncio's: a failed member had the owner cancelled

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
            if task.cancelling():  # by others
                raise asyncio.CancelledError from errors
            raise


def first_of(error: BaseException) -> BaseException:
    """The error that ended a group: one of ours if there is one, else the first; any other error is
    itself.
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
