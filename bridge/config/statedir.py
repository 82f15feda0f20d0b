"""Where the journal lives when nobody says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def state_directory(environ: Mapping[str, str]) -> tuple[Path, str]:
    """Return the directory and the variable that decided: systemd's, XDG's, or the home's."""
    if systemd := environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(systemd), "STATE_DIRECTORY"
    if (xdg := environ.get("XDG_STATE_HOME", "")) and Path(xdg).is_absolute():
        return Path(xdg) / "mogplex-bridge", "XDG_STATE_HOME"
    home = environ.get("HOME", "") or "/nonexistent"
    return Path(home) / ".local" / "state" / "mogplex-bridge", "HOME"
