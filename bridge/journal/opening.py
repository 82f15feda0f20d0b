"""Journals by their URL: the one place that knows which engine is behind which scheme.

`sqlite:PATH` is a file; `memory:` is gone with the process. What an engine cannot do is refused
with a sentence that says what to use instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from bridge.clock import Clock
from bridge.core.errors import ConfigError
from bridge.core.event import Record
from bridge.core.state import FeedState, Wish
from bridge.journal.port import OwnedJournal, Reader
from bridge.journal.recent import BYTES_MAX

_SCHEMES = '"sqlite:PATH" and "memory:"'


class OpenReader(Reader, Protocol):
    """A journal opened for reading beside the daemon, or without it."""

    async def states(self) -> Sequence[FeedState]:
        """See `Journal.states`."""
        ...

    async def wishes(self) -> Sequence[Wish]:
        """See `Journal.wishes`."""
        ...

    async def close(self) -> None:
        """Let go of it. Idempotent."""
        ...


async def open_journal(
    url: str, *, recent_bytes_max: int = BYTES_MAX, clock: Clock | None = None
) -> OwnedJournal:
    """Open the journal to write it, or make it.

    Raises ConfigError (place unusable), JournalBusyError, JournalVersionError, JournalCorruptError,
    JournalUnavailableError.
    """
    match _scheme(url):
        case "sqlite":
            from bridge.journal.sqlite.journal import SqliteJournal  # noqa: PLC0415 - only what is used

            return await SqliteJournal.open(
                file_of(url), recent_bytes_max=recent_bytes_max, clock=clock
            )
        case "memory":
            from bridge.journal.memory import MemoryJournal  # noqa: PLC0415

            return MemoryJournal()
        case _:
            raise _unknown(url)


async def open_reader(url: str) -> OpenReader:
    """Open a journal for reading. Raises ConfigError, JournalVersionError, JournalCorruptError."""
    if _scheme(url) != "sqlite":
        raise ConfigError(
            f"journal {url}: is in the memory of its daemon; read it there, with GET /v1/events"
        )
    from bridge.journal.sqlite.reader import SqliteReader  # noqa: PLC0415

    return await SqliteReader.open(file_of(url))


def backup(url: str, target: Path) -> int:
    """Write a copy of the journal to a file, while it is written or not; return its head.

    Blocking. Raises ConfigError, JournalError.
    """
    if _scheme(url) != "sqlite":
        raise ConfigError(f"journal {url}: has no file to copy; use `export` on its records")
    from bridge.journal.sqlite.backup import copy_to  # noqa: PLC0415

    return copy_to(file_of(url), target)


def salvage(url: str) -> Iterator[Record]:
    """Every record that is still whole in a damaged journal, oldest first. Raises ConfigError."""
    if _scheme(url) != "sqlite":
        raise ConfigError(f"journal {url}: --salvage reads damaged files; this one has none")
    from bridge.journal.sqlite.salvage import salvage as salvage_file  # noqa: PLC0415

    return salvage_file(file_of(url))


def require_existing(url: str) -> None:
    """Raises ConfigError when there is no such journal: commands that read make none."""
    if _scheme(url) == "sqlite" and not (file := file_of(url)).is_file():
        raise ConfigError(f"there is no journal {file}; name one with --journal sqlite:PATH")


def place_of(url: str) -> str:
    """For people: the path of a file, or the URL."""
    return str(file_of(url)) if _scheme(url) == "sqlite" else url


def file_of(url: str) -> Path:
    """The file of `sqlite:/path`, `sqlite:///path` or `sqlite:path`."""
    path = url.removeprefix("sqlite:")
    return Path("/" + path.lstrip("/") if path.startswith("//") else path).expanduser()


def _scheme(url: str) -> str:
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in ("sqlite", "memory"):
        raise _unknown(url)
    return scheme


def _unknown(url: str) -> ConfigError:
    return ConfigError(f"journal {url}: no such kind of journal; there are {_SCHEMES}")
