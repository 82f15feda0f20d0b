"""Opens journals by URL; only this module knows which engine belongs to which scheme.

`sqlite:PATH` is a file; `nats://HOSTS/STREAM` a stream that several replicas share; `memory:` is
lost with the process. An operation that an engine lacks is refused with an alternative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bridge.clock import Clock
from bridge.core.errors import ConfigError
from bridge.core.event import Record
from bridge.core.journal_url import SCHEMES, maybe_file, maybe_scheme
from bridge.core.state import FeedState, Wish
from bridge.journal.port import OwnedJournal, Reader
from bridge.journal.recent import BYTES_MAX

if TYPE_CHECKING:
    from bridge.journal.jetstream.address import Address
    from bridge.journal.jetstream.journal import StreamJournal
    from bridge.journal.sqlite.shared import SharedJournal

_STREAMS = ("nats", "tls")


class OpenReader(Reader, Protocol):
    """A journal opened for reading beside the daemon, or without it."""

    async def states(self) -> Sequence[FeedState]:
        """See `Journal.states`."""
        ...

    async def wishes(self) -> Sequence[Wish]:
        """See `Journal.wishes`."""
        ...

    async def close(self) -> None:
        """Close it. Idempotent."""
        ...


async def open_journal(
    url: str,
    *,
    recent_bytes_max: int = BYTES_MAX,
    credentials: str | Path | None = None,
    clock: Clock | None = None,
) -> OwnedJournal:
    """Open the journal to write it, or create it.

    Raises:
        ConfigError: The place cannot be used.
        JournalBusyError: Another process writes it.
        JournalVersionError: A newer version of the program wrote it.
        JournalCorruptError: It is damaged.
        JournalUnavailableError: The engine does not answer now.
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
        case _ as scheme:
            assert scheme in _STREAMS
            stream, parse = _jetstream()
            return await stream.open(
                parse(url, credentials), recent_bytes_max=recent_bytes_max, clock=clock
            )


def _jetstream() -> tuple[type[StreamJournal], Callable[[str, str | Path | None], Address]]:
    """Import the engine of `nats:` URLs.

    Raises:
        ConfigError: The extra that it needs is not installed.
    """
    from bridge.journal.jetstream.address import parse  # noqa: PLC0415
    from bridge.journal.jetstream.journal import StreamJournal  # noqa: PLC0415

    return StreamJournal, parse


async def open_reader(url: str, credentials: str | Path | None = None) -> OpenReader:
    """Open a journal for reading.

    Raises:
        ConfigError: There is no such journal, or it cannot be read.
        JournalVersionError: A newer version of the program wrote it.
        JournalCorruptError: It is damaged.
        JournalUnavailableError: The engine does not answer now.
    """
    if _scheme(url) in _STREAMS:
        stream, parse = _jetstream()
        return await stream.open(parse(url, credentials), may_create=False)
    if _scheme(url) != "sqlite":
        raise ConfigError(
            f"journal {url}: is in the memory of its daemon; read it there, with GET /v1/events"
        )
    from bridge.journal.sqlite.reader import SqliteReader  # noqa: PLC0415

    return await SqliteReader.open(file_of(url))


async def open_for_worker(url: str, *, recent_bytes_max: int = BYTES_MAX) -> SharedJournal:
    """Open a journal that the daemon writes, in a worker that serves readers.

    Raises:
        ConfigError: There is no such file, or it cannot be read.
        JournalError: The journal cannot be opened.
    """
    from bridge.journal.sqlite.shared import SharedJournal  # noqa: PLC0415

    return await SharedJournal.open(file_of(url), recent_bytes_max=recent_bytes_max)


def backup(url: str, target: Path) -> int:
    """Write a copy of the journal to a file, while it is written or not. Blocking.

    Returns:
        The head of the copy.

    Raises:
        ConfigError: The journal cannot be copied this way.
        JournalError: The journal cannot be read, or the target cannot be written.
    """
    if _scheme(url) in _STREAMS:
        raise ConfigError(
            f"journal {_shown(url)}: has no file to copy; use `nats stream backup STREAM DIR`, or"
            " `export` for its records"
        )
    if _scheme(url) != "sqlite":
        raise ConfigError(f"journal {url}: has no file to copy; use `export` on its records")
    from bridge.journal.sqlite.backup import copy_to  # noqa: PLC0415

    return copy_to(file_of(url), target)


def salvage(url: str) -> Iterator[Record]:
    """Yield every intact record of a damaged journal, oldest first.

    Raises:
        ConfigError: The journal cannot be read this way.
        OSError: The file cannot be read.
    """
    if _scheme(url) != "sqlite":
        raise ConfigError(f"journal {_shown(url)}: --salvage is for damaged files; it has none")
    from bridge.journal.sqlite.salvage import salvage as salvage_file  # noqa: PLC0415
    from bridge.journal.sqlite.wal import wal_bytes  # noqa: PLC0415

    if not wal_bytes(file_of(url)):  # a log without its file may hold records too
        require_existing(url)
    return salvage_file(file_of(url))


def require_existing(url: str) -> None:
    """Check that the journal exists: commands that read create none.

    Raises:
        ConfigError: There is no such journal.
    """
    if _scheme(url) == "sqlite" and not (file := file_of(url)).is_file():
        raise ConfigError(f"there is no journal {file}; name one with --journal sqlite:PATH")


def place_of(url: str) -> str:
    """Return the path of a file, or the URL, for people."""
    return str(file_of(url)) if _scheme(url) == "sqlite" else _shown(url)


def _shown(url: str) -> str:
    """Return the URL without user and password."""
    scheme, slashes, rest = url.partition("://")
    hosts, slash, path = rest.partition("/")
    hosts = ",".join(host.rpartition("@")[2] for host in hosts.split(","))
    return f"{scheme}{slashes}{hosts}{slash}{path}"


def file_of(url: str) -> Path:
    """Return the file of `sqlite:/path`, `sqlite:///path` or `sqlite:path`."""
    return Path(maybe_file(url) or "").expanduser()


def _scheme(url: str) -> str:
    scheme = maybe_scheme(url)
    if scheme is None:
        known = ", ".join(each.shown for each in SCHEMES.values())
        raise ConfigError(f"journal {url}: no such kind of journal; there are {known}")
    return scheme
