"""The gateway's tests have sockets and no patience: nobody waits for a timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from tests.virtual_clock import ImpatientLoop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of every test in this folder."""
    return {"impatient": ImpatientLoop}
