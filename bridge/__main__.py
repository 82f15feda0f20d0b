"""The command `mogplex-bridge`, also as `python -m bridge`.

As process 1 of a container, SIGTERM has no default action: the kernel drops it until the process
handles it. So the handler is set first, before the imports.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run a command and end the process."""
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    from bridge.cli import main as command  # noqa: PLC0415 - it takes a tenth of a second

    command()


if __name__ == "__main__":
    main()
