"""`backup`: a copy of the journal of one instant, also while the daemon writes it."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.cli.exits import Exit
from bridge.cli.options import config_option, examples, load_with, type_path
from bridge.cli.streams import say
from bridge.core.errors import ConfigError


@click.command(
    epilog=examples(
        "mogplex-bridge backup /var/backups/journal-$(date +%F).db",
        "mogplex-bridge backup --journal sqlite:/srv/bridge/journal.db /mnt/nas/journal.db",
    )
)
@config_option
@click.option("--journal", metavar="URL", help="The journal [as configured].")
@click.argument("file", type=type_path)
def backup(*, config: Path | None, journal: str | None, file: Path) -> Exit:
    """Copy the journal to FILE, whole or not at all; appends and readers go on meanwhile.

    To restore: stop the daemon, move its journal.db, journal.db-wal and journal.db-shm away, put
    FILE in the place of journal.db, start. The copy has an epoch of its own, so that nobody
    mistakes its sequences for those given after it was made. Exit codes: 0 done, 1 the copy could
    not be made or is there already, 78 there is no such journal.
    """
    from bridge.config.statedir import journal_file  # noqa: PLC0415 - so that `--help` stays fast
    from bridge.journal.sqlite_backup import copy_to  # noqa: PLC0415

    source = journal_file(load_with(config=config, journal=journal).settings.journal)
    if not source.is_file():
        raise ConfigError(f"there is no journal {source}; name one with --journal sqlite:PATH")
    head = copy_to(source, file)
    say(f"copied {source} to {file}: {file.stat().st_size} bytes, up to sequence {head}")
    return Exit.DONE
