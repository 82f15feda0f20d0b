"""Maps SQLite errors to a reaction: wait and retry, or stop (codes: sqlite.org/rescode.html)."""

from __future__ import annotations

import errno
import sqlite3

from bridge.core.errors import (
    ConfigError,
    JournalCorruptError,
    JournalError,
    JournalFullError,
    JournalUnavailableError,
)

# Primary codes are the low byte of the extended code that the driver reports.
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
# The medium cannot be read: waiting does not help.
_UNREADABLE = frozenset(
    {
        sqlite3.SQLITE_IOERR_READ,
        sqlite3.SQLITE_IOERR_SHORT_READ,
        sqlite3.SQLITE_IOERR_CORRUPTFS,
    }
)
# The medium cannot be written now: no space, no quota, a file size limit, a read-only remount, no
# descriptor left for a new file.
_REFUSED = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOMEM,
    }
)
_HELD = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def may_pass(error: OSError) -> bool:
    """Whether an error may pass without a change of the configuration."""
    return error.errno in _PASSING


def extended_code(error: sqlite3.Error) -> int:
    """The extended result code; 0 for an error that the driver raised by itself."""
    return int(getattr(error, "sqlite_errorcode", None) or 0)


def to_journal_error(error: sqlite3.Error, path: str) -> JournalError:
    """Return the error with the place, the cause and the fix."""
    code = extended_code(error)
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    cause = f"{error} ({name})"
    if code & 0xFF in _CORRUPT or code in _UNREADABLE:
        return corrupt(path, cause)
    if code & 0xFF in _HELD:
        return held(path, cause)
    if code & 0xFF in _REFUSED:
        return full(path, cause)
    return JournalError(f"journal {path}: {cause}")


def full(path: str, cause: str) -> JournalFullError:
    """The error for a file that cannot be written now, but perhaps later."""
    return JournalFullError(
        f"journal {path}: cannot be written now: {cause}; nothing was stored. Free some space or"
        " lower [retention]; the bridge recovers automatically"
    )


def held(path: str, cause: str) -> JournalUnavailableError:
    """The error for a file that another program has locked; the disk is not full."""
    return JournalUnavailableError(
        f"journal {path}: another program holds a lock on it: {cause}; nothing was stored. Find the"
        f" program with `fuser {path}` and stop it; the bridge recovers automatically"
    )


def displaced(path: str, what: str, head: int) -> JournalUnavailableError:
    """The error for a file that is no longer at its path; its records cannot be reached."""
    return JournalUnavailableError(
        f"journal {path}: {what}; nothing is stored until the file that was opened is back. It has"
        f" the records up to {head}; while this process runs, save them with GET /v1/events?after=0"
    )


def spoiled(path: str, what: str, head: int) -> JournalUnavailableError:
    """The error for a file at its path that another program has changed."""
    return JournalUnavailableError(
        f"journal {path}: {what}; this process stores nothing more. Save the records up to {head}"
        " that it still serves with GET /v1/events?after=0, stop it, and start with what is left or"
        " with a backup"
    )


def foreign(path: str) -> ConfigError:
    """The error for a database of another program; the bridge has no data in it."""
    return ConfigError(
        f"journal {path}: is an SQLite file of another program; nothing was changed. Choose"
        " another file with --journal sqlite:PATH"
    )


def corrupt(path: str, cause: str) -> JournalCorruptError:
    """The error for a damaged file; says what the operator can do."""
    return JournalCorruptError(
        f"journal {path}: is damaged: {cause}; nothing was changed. Save what can be read with"
        f" `mogplex-bridge export --salvage --journal sqlite:{path}`, then move the file and"
        " its -wal away, or restore a backup"
    )
