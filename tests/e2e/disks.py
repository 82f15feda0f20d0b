"""A disk that is really full: fill it, and give it room again by removing what fills it."""

from __future__ import annotations

from pathlib import Path


def fill(disk: Path) -> Path:
    """Take all the room there is; returns the file that has it."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    return ballast
