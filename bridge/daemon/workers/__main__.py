"""The program of a worker; the daemon starts it with the numbers of inherited files."""

from __future__ import annotations

import sys
from functools import partial

from bridge.core.errors import BridgeError
from bridge.daemon.workers.worker import main
from bridge.log import get_logger
from bridge.loop import run

if __name__ == "__main__":
    try:
        run(partial(main, *map(int, sys.argv[1:])))
    except BridgeError as error:
        get_logger().error("worker.failed", reason=str(error))
        sys.exit(1)
