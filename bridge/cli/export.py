"""`export`: prints the journal as lines, also while the daemon writes it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.cli.exits import Exit
from bridge.cli.guarding import guarded
from bridge.cli.journals import existing_journal, journal_options
from bridge.cli.options import examples, load_with
from bridge.cli.streams import say, wants_colour, write_stdout
from bridge.core.counted import counted
from bridge.core.errors import ConfigError
from bridge.core.event import Record
from bridge.core.filter import Filter
from bridge.core.position import Position

if TYPE_CHECKING:
    from bridge.journal.opening import OpenReader

PAGE = 1000  # records per read; at most a few MB, in well under a second


@click.command(
    epilog=examples(
        "mogplex-bridge export > all.ndjson",
        "mogplex-bridge export --run 3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f --format pretty",
        "mogplex-bridge export --after 1000 --type 'com.mogplex.run.event.*' | jq .data",
    )
)
@journal_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(["cloudevents", "mogplex", "pretty"]),
    default="cloudevents",
    show_default=True,
    help="The record, upstream's object, or a readable line.",
)
@click.option(
    "--salvage",
    is_flag=True,
    help="Read a damaged journal page by page and print every record that is intact.",
)
def export(
    *,
    salvage: bool,
    config: Path | None,
    journal: str | None,
    after: Position,
    runs: tuple[str, ...],
    types: tuple[str, ...],
    format_: str,
) -> Exit:
    """Print the records of the journal, oldest first, without those that arrive meanwhile.

    Reads only, also while the daemon runs. Exit codes: 0 done, 78 there is no such journal.
    """
    from bridge.journal.opening import open_reader  # noqa: PLC0415
    from bridge.outputs.printed import formatter  # noqa: PLC0415

    settings = load_with(config=config, journal=journal).settings
    only = Filter(ids=frozenset(runs), types=types)
    to_lines = guarded(formatter(format_, colour=wants_colour(sys.stdout)), format_)
    if salvage:
        return _salvage(settings.journal, after, only, to_lines)
    reading = open_reader(existing_journal(settings), settings.journal_credentials_file)
    asyncio.run(_export(reading, after, only, to_lines))
    return Exit.DONE


def _salvage(url: str, after: Position, only: Filter, to_lines: Callable[[Record], bytes]) -> Exit:
    """Print the readable records of a damaged journal.

    Returns:
        Exit.FAILED if records between the first and the last one are missing.
    """
    from bridge.journal.opening import salvage  # noqa: PLC0415

    first = last = found = 0
    for record in salvage(url):
        first, last, found = first or record.seq, record.seq, found + 1
        if record.seq > after.seq and only.matches(record.feed, record.type):
            write_stdout(to_lines(record))
    lost = last - first + 1 - found if found else 0
    say(
        f"salvaged {counted(found, 'record')}, sequences {first} to {last};"
        f" {lost} in between are lost"
    )
    return Exit.DONE if found and not lost else Exit.FAILED


async def _export(
    reading: Awaitable[OpenReader],
    after: Position,
    only: Filter,
    to_lines: Callable[[Record], bytes],
) -> None:
    reader = await reading
    try:
        if after.epoch not in (None, reader.epoch):
            raise ConfigError(
                f"position {after} belongs to another journal: the epoch of this one is"
                f" {reader.epoch}"
            )
        if 0 < after.seq < reader.floor - 1:
            say(f"warning: records before {reader.floor} are gone (retention)")
        position, end = after.seq, reader.head  # `follow` prints later records
        while position < end:
            page = await reader.read(position, PAGE, only)
            write_stdout(b"".join(to_lines(r) for r in page.records if r.seq <= end))
            position = page.next_after
    finally:
        await reader.close()
