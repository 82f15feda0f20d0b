"""Journals by their URL: the one place that knows which engine is behind which scheme.

`sqlite:PATH` is a file; `nats://HOSTS/STREAM` a stream that several replicas share; `memory:` is
gone with the process. What an engine cannot do is refused with a sentence that says what to use
instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bridge.clock import Clock
from bridge.core.errors import ConfigError
from bridge.core.event import Record
from bridge.core.state import FeedState, Wish
from bridge.journal.port import OwnedJournal, Reader
from bridge.journal.recent import BYTES_MAX

if TYPE_CHECKING:
    from bridge.journal.jetstream.address import Address
    from bridge.journal.jetstream.journal import StreamJournal
    from bridge.journal.sqlite.shared import SharedJournal

_SCHEMES = '"sqlite:PATH", "nats://HOST:PORT/STREAM" and "memory:"'
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
        """Let go of it. Idempotent."""
        ...


async def open_journal(
    url: str,
    *,
    recent_bytes_max: int = BYTES_MAX,
    credentials: str | Path | None = None,
    clock: Clock | None = None,
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
        case _ as scheme:
            assert scheme in _STREAMS
            stream, parse = _jetstream()
            return await stream.open(
                parse(url, credentials), recent_bytes_max=recent_bytes_max, clock=clock
            )


def _jetstream() -> tuple[type[StreamJournal], Callable[[str, str | Path | None], Address]]:
    """Raises ConfigError without the extra."""
    from bridge.journal.jetstream.address import parse  # noqa: PLC0415
    from bridge.journal.jetstream.journal import StreamJournal  # noqa: PLC0415

    return StreamJournal, parse


async def open_reader(url: str, credentials: str | Path | None = None) -> OpenReader:
    """Open a journal for reading.

    Raises ConfigError, JournalVersionError, JournalCorruptError, JournalUnavailableError.
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
    """Open a journal that the daemon writes, to serve it with others. Raises ConfigError,
    JournalError.
    """
    from bridge.journal.sqlite.shared import SharedJournal  # noqa: PLC0415

    return await SharedJournal.open(file_of(url), recent_bytes_max=recent_bytes_max)


def backup(url: str, target: Path) -> int:
    """Write a copy of the journal to a file, while it is written or not; return its head.

    Blocking. Raises ConfigError, JournalError.
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
    """Every record that is still whole in a damaged journal, oldest first. Raises ConfigError,
    OSError.
    """
    if _scheme(url) != "sqlite":
        raise ConfigError(f"journal {_shown(url)}: --salvage is for damaged files; it has none")
    from bridge.journal.sqlite.salvage import salvage as salvage_file  # noqa: PLC0415
    from bridge.journal.sqlite.wal import wal_bytes  # noqa: PLC0415

    if not wal_bytes(file_of(url)):  # the log alone is worth reading too
        require_existing(url)
    return salvage_file(file_of(url))


def is_replicated(url: str) -> bool:
    """Whether several replicas may have it open."""
    return _scheme(url) in _STREAMS


def require_existing(url: str) -> None:
    """Raises ConfigError when there is no such journal: commands that read make none."""
    if _scheme(url) == "sqlite" and not (file := file_of(url)).is_file():
        raise ConfigError(f"there is no journal {file}; name one with --journal sqlite:PATH")


def place_of(url: str) -> str:
    """For people: the path of a file, or the URL."""
    return str(file_of(url)) if _scheme(url) == "sqlite" else _shown(url)


def _shown(url: str) -> str:
    """Without user and password."""
    scheme, slashes, rest = url.partition("://")
    hosts, slash, path = rest.partition("/")
    hosts = ",".join(host.rpartition("@")[2] for host in hosts.split(","))
    return f"{scheme}{slashes}{hosts}{slash}{path}"


def file_of(url: str) -> Path:
    """The file of `sqlite:/path`, `sqlite:///path` or `sqlite:path`."""
    path = url.removeprefix("sqlite:")
    return Path("/" + path.lstrip("/") if path.startswith("//") else path).expanduser()


def _scheme(url: str) -> str:
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in ("sqlite", "memory", *_STREAMS):
        raise ConfigError(f"journal {url}: no such kind of journal; there are {_SCHEMES}")
    return scheme
