"""Copies the simulator's list of runs to a file, again and again: `list_runs.py URL FILE`."""

from __future__ import annotations

import sys
import time
import urllib.request
from pathlib import Path

EVERY_S = 2.0
TIMEOUT_S = 5.0


def copy(url: str, file: Path) -> None:
    """Replace the file at once, so that no half of it is ever read."""
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as reply:  # noqa: S310 - our own argument
        text = reply.read()
    new = file.with_suffix(".new")
    new.write_bytes(text)
    new.replace(file)


def main() -> None:
    """Copy the list every EVERY_S seconds, for ever; a failed attempt is a line on stderr."""
    url, file = sys.argv[1], Path(sys.argv[2])
    while True:
        try:
            copy(url, file)
        except OSError as error:  # the simulator is not there yet, or no more
            sys.stderr.write(f"{url}: {error}\n")
        time.sleep(EVERY_S)


if __name__ == "__main__":
    main()
