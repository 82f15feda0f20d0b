"""The journal's file: creates, opens or refuses it; never writes to a foreign or damaged one."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from importlib import resources
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple
from urllib.parse import quote

from bridge.core.errors import ConfigError, JournalBusyError, JournalVersionError
from bridge.journal.sqlite.faults import (
    corrupt,
    extended_code,
    foreign,
    full,
    may_pass,
    to_journal_error,
)
from bridge.journal.sqlite.place import FileLock
from bridge.journal.sqlite.wal import real_path, wal_bytes, wal_of, write_again

Synchronous = Literal["full", "normal"]

# "mogb", at byte 68 of the file: identifies the program to `file` and to the bridge
APPLICATION_ID = 0x6D6F6762
PAGE_BYTES = 8192  # 785 bytes per record of 700, against 862 with SQLite's 4096 (decision 0003)
CACHE_KIB = 16 * 1024  # the writer's pages: the unique index of some hundred live runs
WAL_KEPT_BYTES = 64 * 1024 * 1024  # a WAL that grew because of a slow reader is cut back to this
_NOTHING_BYTES = 1  # SQLite takes a file of one byte for an empty one (unixFileSize)
BUSY_S = 5.0  # another program may hold the file for a moment

# Time limit of the check at start; one that is cut short has found nothing so far.
CHECK_S_CLEAN = 0.5
CHECK_S_UNCLEAN = 3.0

_MIGRATION_NAME = re.compile(r"([0-9]{4})_[a-z0-9_]+\.sql")


class Locks(NamedTuple):
    """Keeps a second daemon out, by a file beside the journal and a lock on the journal."""

    beside: IO[str]
    file: FileLock

    def close(self) -> None:
        """Release both, after SQLite's connections."""
        self.file.close()
        self.beside.close()


class Opened(NamedTuple):
    """An opened journal: ours, current and locked."""

    connection: sqlite3.Connection  # the only connection that writes and checkpoints
    lock: Locks
    epoch: str
    head: int
    floor: int
    newest_note_s: float | None  # wall clock of the newest note of when records were written


@cache
def migrations() -> Mapping[int, str]:
    """The scripts by the version they lead to, ascending."""
    found: dict[int, str] = {}
    for entry in resources.files("bridge.journal.sqlite").joinpath("migrations").iterdir():
        if (match := _MIGRATION_NAME.fullmatch(entry.name)) is not None:
            found[int(match[1])] = entry.read_text(encoding="utf-8")
    return dict(sorted(found.items()))


def open_for_writing(
    path: Path, *, synchronous: Synchronous, steps: Mapping[int, str] | None = None
) -> Opened:
    """Lock the journal, create or upgrade it, check it, open it; tests replace `steps`.

    Raises:
        BridgeError: Those of `SqliteJournal.open`.
    """
    steps = migrations() if steps is None else steps
    path = real_path(path)
    if path.is_symlink():
        raise unusable(path, "is a symbolic link that leads to itself")
    lock = _lock(path)
    try:
        with _named(path):
            if path.is_dir():
                raise unusable(path, "is a directory")
            if not path.exists() or path.stat().st_size == 0:
                _create(path, steps)
            file_lock = FileLock(path)
            try:
                clean = _inspect(path, max(steps))
                if not clean:
                    _refuse_other_name(path)
                write_again(wal_of(path))
                check(path, CHECK_S_CLEAN if clean else CHECK_S_UNCLEAN)
                return _open(path, Locks(lock, file_lock), steps, synchronous)
            except BaseException:
                file_lock.close()
                raise
    except BaseException:
        lock.close()
        raise


def connect(path: Path, mode: Literal["rw", "ro"], extra: str = "") -> sqlite3.Connection:
    """Open a connection in autocommit mode that any one thread at a time may use.

    Raises:
        JournalCorruptError: The file was emptied; also any sqlite3.Error.
    """
    refuse_emptied(path)
    connection = sqlite3.connect(
        f"file:{quote(os.fsencode(path))}?mode={mode}{extra}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    if mode == "ro":
        connection.execute("PRAGMA query_only=ON")
    return connection


def refuse_emptied(path: Path) -> None:
    """Refuse a log whose file is missing or empty.

    SQLite deletes such a log, even on a connection that only reads, or plays it into the new file.

    Raises:
        JournalCorruptError: There is such a log.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        size = 0
    if size <= _NOTHING_BYTES and wal_bytes(path):
        found = f"it is missing or empty, but {wal_of(path)} is there"
        raise corrupt(str(path), found)


def close_cleanly(connection: sqlite3.Connection) -> None:
    """Note that nothing is open, and merge the WAL into the file."""
    connection.execute("UPDATE meta SET value = 1 WHERE name = 'clean'")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def new_epoch() -> str:
    """Return a random epoch of 12 hexadecimal digits; J5 says when a journal needs one."""
    return secrets.token_hex(6)


def check(path: Path, seconds: float) -> None:
    """Look for damage for at most `seconds`, on a connection of its own that can be interrupted.

    Raises:
        JournalCorruptError: SQLite found damage; the text is its first finding.
    """
    with closing(connect(path, "ro")) as connection:
        timer = threading.Timer(seconds, connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            (finding,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            return  # too large for the time: readers report later damage
        finally:
            timer.cancel()
            timer.join()  # else it could interrupt a connection that is being closed
    # An interrupted check may return a note instead of an error; only findings count.
    if finding != "ok" and "interrupt" not in finding:
        raise corrupt(str(path), finding.splitlines()[-1])


def upgrade(connection: sqlite3.Connection, steps: Mapping[int, str]) -> None:
    """Bring the file to the newest version in one transaction: all steps or none."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    script = "\n".join(text for number, text in steps.items() if number > version)
    if not script:
        return
    try:
        # executescript would commit a transaction opened before it, so the script opens its own.
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version={max(steps)};\nCOMMIT;"
        )
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Map errors of opening: a place to change, or a damaged file without tables."""
    try:
        yield
    except OSError as error:
        cause = error.strerror or str(error)
        raise full(str(path), cause) if may_pass(error) else unusable(path, cause) from error
    except sqlite3.Error as error:
        code = extended_code(error) & 0xFF
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            raise unusable(path, str(error)) from error
        if code == sqlite3.SQLITE_ERROR:  # "no such table"
            raise corrupt(str(path), str(error)) from error
        raise to_journal_error(error, str(path)) from error


def unusable(path: Path, cause: str) -> ConfigError:
    """The error for a place that the operator must change."""
    return ConfigError(
        f"journal {path}: {cause}; make file and directory writable for this user, or choose"
        " another place with --journal"
    )


def _lock(path: Path) -> IO[str]:
    """Lock a separate file: closing a descriptor of the database drops SQLite's locks."""
    name = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = open(os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")  # noqa: SIM115
    except OSError as error:
        raise unusable(path, error.strerror or str(error)) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = lock.read(32).strip() or "unknown"
        lock.close()
        raise JournalBusyError(
            f"journal {path}: is in use by process {holder}; stop that one, or choose another"
            " journal with --journal"
        ) from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _create(path: Path, steps: Mapping[int, str]) -> None:
    """Create the file under another name, then rename it: a kill leaves none or all of it."""
    refuse_emptied(path)
    fresh = path.with_name(path.name + ".new")
    for suffix in ("", "-wal", "-shm", "-journal"):
        fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(connect(fresh, "rw")) as connection:
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        schema = resources.files("bridge.journal.sqlite").joinpath("schema.sql").read_text("utf-8")
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{schema}\nPRAGMA user_version={max(steps)};\nCOMMIT;"
        )
        connection.executemany(
            "INSERT INTO meta(name, value) VALUES (?, ?)",
            [
                ("epoch", new_epoch()),
                ("floor", 1),
                ("clean", 1),
                ("synchronous", "full"),
                ("boot", ""),
            ],
        )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.replace(fresh, path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _inspect(path: Path, newest: int) -> bool:
    """Refuse a foreign or unsuitable file; True if it was closed in order. Changes nothing."""
    with closing(connect(path, "ro")) as connection:
        refuse_foreign(connection, path)
        refuse_newer(connection, path, newest)
        return bool(meta(connection, "clean") == 1)


def _refuse_other_name(path: Path) -> None:
    """Refuse another name of the file: the log lies beside the name by which it was opened."""
    if not wal_bytes(path) and (names := path.stat().st_nlink) > 1:
        raise ConfigError(
            f"journal {path}: has {names} names (hard links), was not closed in order, and the log"
            " with its newest records is not beside this name; start it by the name it had then,"
            " or remove the others if there is no such log"
        )


def refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is no journal of the bridge.

    Raises:
        ConfigError: It is the database of another program.
        JournalCorruptError: There is no database in it.
    """
    (whose,) = connection.execute("PRAGMA application_id").fetchone()
    if whose == APPLICATION_ID:
        return
    if connection.execute("PRAGMA page_count").fetchone() == (0,):
        raise corrupt(str(path), "there is no database in it")
    raise foreign(str(path))


def refuse_newer(connection: sqlite3.Connection, path: Path, newest: int) -> None:
    """Refuse a format above `newest` with a JournalVersionError, since it cannot be read."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > newest:
        raise JournalVersionError(
            f"journal {path}: was written by a newer version (format {version}, this program knows"
            f" {newest}); upgrade mogplex-bridge, or choose another journal with --journal"
        )


def meta(connection: sqlite3.Connection, name: str) -> Any:
    """Return a value of the table `meta`; a missing one is an sqlite3.OperationalError."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise sqlite3.OperationalError(f"meta has no {name}")
    return row[0]


def bounds(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return head and floor; when all records are gone, only the floor tells where to continue."""
    floor = int(meta(connection, "floor"))
    (newest,) = connection.execute("SELECT max(seq) FROM record").fetchone()
    return (floor - 1 if newest is None else int(newest)), floor


def _open(path: Path, lock: Locks, steps: Mapping[int, str], synchronous: Synchronous) -> Opened:
    connection = connect(path, "rw")
    try:
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute(f"PRAGMA journal_size_limit={WAL_KEPT_BYTES}")
        upgrade(connection, steps)
        boot = _boot_id()
        epoch = str(meta(connection, "epoch"))
        if _may_have_lost_commits(connection, boot):
            epoch = new_epoch()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "UPDATE meta SET value = ? WHERE name = ?",
            [(epoch, "epoch"), (0, "clean"), (synchronous, "synchronous"), (boot, "boot")],
        )
        connection.execute("COMMIT")
        with suppress(sqlite3.OperationalError):  # the disk is full: the change is in the log
            # So that the file itself shows that it is open, also under a name without the log.
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        head, floor = bounds(connection)
        note = connection.execute("SELECT at_s FROM moment ORDER BY seq DESC LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    newest_note_s = None if note is None else float(note[0])
    return Opened(connection, lock, epoch, head, floor, newest_note_s)


def _may_have_lost_commits(connection: sqlite3.Connection, boot: str) -> bool:
    """Whether the machine went down and may have lost commits, whose sequences come again (J5)."""
    return (
        meta(connection, "clean") != 1
        and meta(connection, "synchronous") != "full"
        and (not boot or meta(connection, "boot") != boot)
    )


def _boot_id() -> str:
    """Return a value that changes at every boot; empty where the kernel has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
