"""`backup`: a consistent copy of the journal, also while the daemon writes it."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.cli.exits import Exit
from bridge.cli.journals import existing_journal, journal_option
from bridge.cli.options import config_option, examples, load_with, type_path
from bridge.cli.streams import say


@click.command(
    epilog=examples(
        "mogplex-bridge backup /var/backups/journal-$(date +%F).db",
        "mogplex-bridge backup --journal sqlite:/srv/bridge/journal.db /mnt/nas/journal.db",
    )
)
@config_option
@journal_option
@click.argument("file", type=type_path)
def backup(*, config: Path | None, journal: str | None, file: Path) -> Exit:
    """Copy the journal to FILE, completely or not at all; appends and readers continue.

    To restore: stop the daemon, move its journal.db, journal.db-wal and journal.db-shm away, put
    FILE in the place of journal.db, start. The copy has a new epoch, so that readers cannot confuse
    its sequences with those assigned after the copy. Exit codes: 0 done, 1 the copy failed or FILE
    exists, 78 there is no such journal.
    """
    from bridge.journal.opening import backup as copy  # noqa: PLC0415 - so that `--help` stays fast
    from bridge.journal.opening import place_of  # noqa: PLC0415

    source = existing_journal(load_with(config=config, journal=journal).settings)
    head = copy(source, file)
    say(f"copied {place_of(source)} to {file}: {file.stat().st_size} bytes, up to sequence {head}")
    return Exit.DONE
