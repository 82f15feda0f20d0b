"""`migrate`: copies one journal into another, for the move from a file to a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from bridge.cli.exits import Exit
from bridge.cli.journals import existing_journal, journal_option
from bridge.cli.options import config_option, examples, load_with
from bridge.cli.streams import say
from bridge.core.counted import counted
from bridge.core.errors import ConfigError
from bridge.core.event import Draft, Record

if TYPE_CHECKING:
    from bridge.journal.opening import OpenReader
    from bridge.journal.port import OwnedJournal

T = TypeVar("T")

PAGE = 500  # records per append: the limit of a stream's atomic batch
TOLD_EACH = 50_000  # records between progress lines
_DIGITS = 20  # digits of a sequence (outside.md 2)


@click.command(
    epilog=examples(
        "mogplex-bridge migrate nats://n1:4222,n2:4222,n3:4222/BRIDGE",
        "mogplex-bridge migrate --journal sqlite:/srv/bridge/journal.db nats://localhost/BRIDGE",
    )
)
@config_option
@journal_option
@click.argument("target", metavar="URL")
@click.option(
    "--credentials",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Credentials of the target (.creds).",
)
def migrate(
    *, config: Path | None, journal: str | None, target: str, credentials: Path | None
) -> Exit:
    """Copy all records, wishes and states of the journal into the journal URL.

    Stop the daemon first. After an interruption, run the command again: it continues and copies
    nothing twice. Records keep ids, order and times, and get new sequences: a subscriber that
    resumes with an old position receives bridge.reset and starts at the oldest record. Output files
    also start again, after a bridge.reset line: move the old ones away. Exit codes: 0 done, 69 the
    engine does not answer, 78 there is no such journal.
    """
    source = existing_journal(load_with(config=config, journal=journal).settings)
    asyncio.run(_migrate(source, target, credentials))
    return Exit.DONE


async def _migrate(source: str, target: str, credentials: Path | None) -> None:
    from bridge.journal.opening import open_journal, open_reader, place_of  # noqa: PLC0415

    if place_of(source) == place_of(target):
        raise ConfigError(f"{place_of(source)}: is both the source and the target")
    reader = await open_reader(source)
    try:
        writer = await open_journal(target, credentials=credentials)
        try:
            copied, there = await _copy(reader, writer)
            say(
                f"copied {counted(copied, 'record')} from {place_of(source)} to {place_of(target)},"
                f" {there}"
                f" were there already; epoch {reader.epoch} is now {writer.epoch}, newest sequence"
                f" {writer.head}"
            )
        finally:
            await writer.close()
    finally:
        await reader.close()


async def _copy(reader: OpenReader, writer: OwnedJournal) -> tuple[int, int]:
    """Copy the records; returns how many were copied, and how many existed already."""
    mark = f"migrate {reader.epoch}"
    done = await writer.checkpoint(mark)
    after = int(done) if done is not None else 0
    copied, there, told = 0, 0, 0
    while after < reader.head:
        page = await reader.read(after, PAGE)
        after = page.next_after
        stored = await writer.append(
            [_draft(record) for record in page.records], checkpoints=[(mark, b"%d" % after)]
        )
        copied += sum(seq is not None for seq in stored)
        there += sum(seq is None for seq in stored)
        if copied + there >= told + TOLD_EACH:
            told = copied + there
            say(f"{counted(told, 'record')}, up to sequence {after} of {reader.head}")
    known = {state.feed.source for state in await writer.states()}
    for some in _pages([s for s in await reader.states() if s.feed.source not in known]):
        await writer.append((), states=some)
    wished = {wish.feed.source for wish in await writer.wishes()}
    for wishes in _pages([w for w in await reader.wishes() if w.feed.source not in wished]):
        await writer.append((), wishes=wishes)
    return copied, there


def _pages(things: Sequence[T]) -> list[Sequence[T]]:
    return [things[at : at + PAGE // 2] for at in range(0, len(things), PAGE // 2)]


def _draft(record: Record) -> Draft:
    """The two parts of a body around its sequence."""
    digits = b"%020d" % record.seq
    marked = b'"sequence":"' + digits
    at = record.body.find(marked)
    if at < 0:
        raise ConfigError(f"record {record.seq} has no sequence; the copy stops here")
    at += len(marked) - _DIGITS
    return Draft(record.feed, record.id, record.type, record.body[:at], record.body[at + _DIGITS :])
