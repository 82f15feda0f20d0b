"""Copies a journal in use."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from bridge.core.errors import ConfigError, JournalError
from bridge.journal.sqlite.faults import to_journal_error
from bridge.journal.sqlite.file import (
    bounds,
    connect,
    migrations,
    new_epoch,
    refuse_foreign,
    refuse_newer,
    sync_directory,
)


def copy_to(path: Path, target: Path) -> int:
    """Write the journal as it is now to `target`, completely or not at all.

    Blocking; appends continue. The copy gets an epoch of its own (J5): records that the journal
    gets after this instant and records after a restore share sequences.

    Returns:
        The head of the copy.

    Raises:
        JournalError: The target exists or cannot be written.
        JournalCorruptError: The source is damaged.
        JournalVersionError: A newer version of the program wrote the source.
        ConfigError: The source is not a journal of this program.
    """
    if target.exists():
        raise JournalError(
            f"backup {target}: exists already; nothing is overwritten, choose another name"
        )
    part = target.with_name(target.name + ".part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        # All pages at once: with pauses every commit would make the copy start again.
        with closing(connect(path, "ro")) as source, closing(connect(part, "rw")) as copy:
            refuse_foreign(source, path)
            refuse_newer(source, path, max(migrations()))
            source.backup(copy, pages=-1)
            copy.execute("UPDATE meta SET value = ? WHERE name = 'epoch'", (new_epoch(),))
            copy.execute("UPDATE meta SET value = 1 WHERE name = 'clean'")
            head, _ = bounds(copy)
            copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        descriptor = os.open(part, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.rename(target)
        sync_directory(target.parent)
        return head
    except (ConfigError, JournalError):
        part.unlink(missing_ok=True)
        raise
    except sqlite3.Error as error:
        part.unlink(missing_ok=True)
        raise to_journal_error(error, str(path)) from error
    except OSError as error:
        part.unlink(missing_ok=True)
        raise JournalError(f"backup {target}: {error.strerror}; choose another place") from error
