"""Where the journal lives when nobody says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bridge.core.errors import ConfigError


def state_directory(environ: Mapping[str, str]) -> tuple[Path, str]:
    """Return the directory and the variable that decided: systemd's, XDG's, or the home's."""
    if systemd := environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(systemd), "STATE_DIRECTORY"
    if (xdg := environ.get("XDG_STATE_HOME", "")) and Path(xdg).is_absolute():
        return Path(xdg) / "mogplex-bridge", "XDG_STATE_HOME"
    home = environ.get("HOME", "") or "/nonexistent"
    return Path(home) / ".local" / "state" / "mogplex-bridge", "HOME"


def journal_file(journal: str) -> Path:
    """The file of a journal URL: `sqlite:/path`, `sqlite:///path` or `sqlite:path`."""
    path = journal.removeprefix("sqlite:")
    return Path("/" + path.lstrip("/") if path.startswith("//") else path).expanduser()


def make_journal_directory(journal: str) -> Path:
    """Create the directory of the journal, readable by its owner only; return the file's path.

    An existing directory keeps its mode. Raises ConfigError when it cannot be made.
    """
    file = journal_file(journal)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"journal {file}: cannot create the directory: {(error.strerror or '').lower()};"
            " choose another with --journal sqlite:PATH"
        ) from None
    return file
