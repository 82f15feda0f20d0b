"""`replay`: writes a range of the journal again, into a new file or to stdout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.exits import Exit
from bridge.cli.guarding import guarded_json
from bridge.cli.journals import existing_journal, journal_options
from bridge.cli.options import examples, load_with
from bridge.cli.ranges import to_instant, to_size
from bridge.cli.streams import complain, say, write_stdout
from bridge.core.counted import counted
from bridge.core.errors import ConfigError
from bridge.core.filter import Filter
from bridge.core.position import Position

if TYPE_CHECKING:
    from bridge.config import Settings
    from bridge.outputs.sinks.files import Layout
    from bridge.outputs.sinks.lines import LineSettings
    from bridge.outputs.sinks.ndjson import NdjsonOutput
    from bridge.outputs.sinks.replay import Range

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class _Wish:
    """The checked options."""

    journal: str  # URL
    credentials: str | None
    wanted: Range
    lines: LineSettings
    layout: Layout | None  # None is stdout
    is_resumed: bool
    epoch: str | None  # the epoch of the position


@click.command(
    epilog=examples(
        "mogplex-bridge replay --after 1000 --through 2000 > again.ndjson",
        "mogplex-bridge replay --since 2026-08-03T14:00:00Z --until 2026-08-03T15:00:00Z \\",
        "    --to /srv/replay/events.ndjson --rotate-bytes 100MiB --compress zstd",
        "mogplex-bridge replay --since 2h --like /var/log/bridge/tools.ndjson --to tools.ndjson",
        "mogplex-bridge replay --run $RUN --format mogplex | jq .message",
    )
)
@journal_options
@click.option(
    "--through", type=click.IntRange(min=1), metavar="SEQ", help="Up to this one [the newest]."
)
@click.option(
    "--since",
    callback=to_instant,
    metavar="TIME",
    help="Recorded at this time or later: 2026-08-03T14:00:00Z, 2026-08-03 (UTC), or 2h ago as 2h.",
)
@click.option("--until", callback=to_instant, metavar="TIME", help="Recorded before this time.")
@click.option("--account", "accounts", multiple=True, metavar="NAME", help="Only this account;"
              " repeatable.")  # fmt: skip
@click.option(
    "--to", default=STDOUT, metavar="PATH", help="A file that does not exist yet; - is stdout [-]."
)
@click.option(
    "--like",
    metavar="PATH",
    help="Take format, filter, naming, rotation, compression and line length from the [[outputs]]"
    " with this path; options override them.",
)
@click.option("--format", "format_", type=click.Choice(["cloudevents", "mogplex"]),
              help="The record, or upstream's object [cloudevents].")  # fmt: skip
@click.option("--line-bytes", callback=to_size, metavar="SIZE",
              help="Truncate longer lines like an output; 0 is off [32000; stdout 0].")  # fmt: skip
@click.option("--naming", type=click.Choice(["numbered", "fixed"]),
              help="Naming of the files, as in [[outputs]] [numbered].")  # fmt: skip
@click.option("--rotate-bytes", callback=to_size, metavar="SIZE", help="Start a new file at this"
              " size [never].")  # fmt: skip
@click.option("--compress", type=click.Choice(["none", "gzip", "zstd"]),
              help="Compress the files at the end [none].")  # fmt: skip
@click.option("--resume", is_flag=True, help="Continue after the last whole line of --to,"
              " which an earlier replay wrote.")  # fmt: skip
def replay(
    *,
    config: Path | None,
    journal: str | None,
    like: str | None,
    **asked: Any,
) -> Exit:
    """Write a range of the journal again; records that arrive meanwhile are not included.

    Only reads the journal, also while the daemon runs. Appends to files that already have lines
    only with --resume, which continues the same replay. Exit codes: 0 done, 1 could not write
    all of it, 78 there is no such journal or output.
    """
    settings = load_with(config=config, journal=journal).settings
    wish = _wish(settings, like, asked)
    return asyncio.run(_replay(wish))


def _wish(settings: Settings, like: str | None, asked: dict[str, Any]) -> _Wish:
    from bridge.outputs.sinks.files import Layout  # noqa: PLC0415
    from bridge.outputs.sinks.lines import LineSettings  # noqa: PLC0415
    from bridge.outputs.sinks.replay import Range  # noqa: PLC0415

    after: Position = asked["after"]
    wanted = Range(after.seq, asked["through"], asked["since"], asked["until"])
    _check_range(wanted)
    url = existing_journal(settings)
    model = _model(settings, like)
    is_stdout = asked["to"] == STDOUT
    if asked["resume"] and is_stdout:
        raise click.UsageError("--resume needs --to PATH")
    only = Filter(
        ids=frozenset(asked["runs"] or (model.filter.runs if model else ())),
        types=tuple(asked["types"] or (model.filter.types if model else ())),
        accounts=frozenset(asked["accounts"] or (model.filter.accounts if model else ())),
    )
    line_bytes = asked["line_bytes"]
    if line_bytes is None:
        line_bytes = model.line_bytes if model else LineSettings().bytes_max * (not is_stdout)
    format_ = asked["format_"] or (model.format if model else "cloudevents")
    lines = LineSettings(only, format_, line_bytes)
    layout = None
    if not is_stdout:
        _refuse_outputs(settings, Path(asked["to"]))
        layout = Layout(
            Path(asked["to"]).absolute(),
            naming=asked["naming"] or (model.naming if model else "numbered"),
            rotate_bytes=asked["rotate_bytes"] or (model.rotate.bytes if model else None),
            compress=asked["compress"] or (model.compress if model else "none"),
            fsync="never",  # synced at the end of each file and of the replay
        )
    return _Wish(
        url, settings.journal_credentials_file, wanted, lines, layout, asked["resume"], after.epoch
    )


def _check_range(wanted: Range) -> None:
    if wanted.last is not None and wanted.last <= wanted.after:
        raise click.UsageError(f"--through {wanted.last} is not above --after {wanted.after}")
    if None not in (wanted.since_s, wanted.until_s) and wanted.since_s >= wanted.until_s:  # type: ignore[operator]
        raise click.UsageError("--since is not before --until")


def _model(settings: Settings, like: str | None) -> NdjsonOutput | None:
    if like is None:
        return None
    from bridge.outputs.sinks.ndjson import NdjsonOutput  # noqa: PLC0415 - `--help` needs none

    files = [output for output in settings.outputs if isinstance(output, NdjsonOutput)]
    for output in files:
        if output.path == like:
            return output
    known = ", ".join(output.path for output in files) or "none"
    raise ConfigError(f"--like {like}: there is no [[outputs]] with this path; there are: {known}")


def _refuse_outputs(settings: Settings, path: Path) -> None:
    for output in settings.outputs:
        if output.file is not None and Path(output.file).expanduser().absolute() == path.absolute():
            raise ConfigError(f"{path}: is written by the daemon; choose another path for --to")


async def _replay(wish: _Wish) -> Exit:
    from bridge.journal.opening import open_reader  # noqa: PLC0415
    from bridge.outputs.sinks.replay import Replayed  # noqa: PLC0415
    from bridge.outputs.sinks.replay import replay as copy  # noqa: PLC0415

    reader = await open_reader(wish.journal, wish.credentials)
    done = Replayed()
    try:
        if wish.epoch not in (None, reader.epoch):
            raise ConfigError(
                "--after: the position belongs to another journal: the epoch of this one is"
                f" {reader.epoch}"
            )
        floor = reader.floor
        if wish.wanted.after < floor - 1:
            say(f"warning: records before {floor} are gone (retention)")
        if wish.layout is None:
            await copy(reader, wish.lines, wish.wanted, _print, done)
            code = Exit.DONE
        else:
            code = await _to_files(wish, wish.layout, reader, done, copy)
        if wish.wanted.after < reader.floor - 1 and reader.floor > floor:
            say(
                f"warning: retention removed records meanwhile: some before {reader.floor}"
                " may be missing"
            )
        return code
    finally:
        await reader.close()


def _print(lines: Sequence[bytes]) -> None:
    write_stdout(b"".join(map(guarded_json, lines)))


async def _to_files(
    wish: _Wish, layout: Layout, reader: Any, done: Any, copy: Callable[..., Any]
) -> Exit:
    from bridge import log  # noqa: PLC0415
    from bridge.clock import SystemClock  # noqa: PLC0415
    from bridge.outputs.sinks.files.archive import Archive  # noqa: PLC0415
    from bridge.outputs.sinks.files.open_file import WriteStoppedError  # noqa: PLC0415
    from bridge.outputs.sinks.files.writer import FileWriter  # noqa: PLC0415

    log.configure(lambda line: line, level="warning")  # these lines contain no text of upstream
    clock = SystemClock()
    writer = FileWriter(layout, clock)
    begun_s = clock.monotonic()
    try:
        wanted = await _open(wish, layout, writer, reader)
        await copy(reader, wish.lines, wanted, writer.write, done)
        writer.close()
        if layout.compress != "none":
            Archive(layout, writer.names, clock).clean(writer.number + 1, is_over=True)
    except (WriteStoppedError, OSError) as error:
        cause = error.cause if isinstance(error, WriteStoppedError) else error
        complain(
            f"cannot write {layout.path}: {(cause.strerror or str(cause)).lower()};"
            " free some space and repeat the command with --resume"
        )
        return Exit.FAILED
    finally:
        writer.drop()
    where = f", sequences {done.first} to {done.last}" if done.records else ""
    cut = (
        f", {done.truncated} of them cut to {wish.lines.bytes_max} bytes" if done.truncated else ""
    )
    say(
        f"replayed {counted(done.records, 'record')}{where}{cut}, to {layout.path.parent}/"
        f"{_pattern(layout)} in {clock.monotonic() - begun_s:.1f} s"
    )
    return Exit.DONE


async def _open(wish: _Wish, layout: Layout, writer: Any, reader: Any) -> Range:
    """Open the file; returns the range that is still to be written.

    Raises:
        ConfigError: The file cannot be opened, has lines already, or cannot be resumed.
    """
    from bridge.outputs.sinks.replay import place_to_go_on  # noqa: PLC0415

    try:
        found = writer.open(owned=wish.is_resumed)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"{layout.path}: {reason}; choose another path for --to") from error
    if not found.has_lines:
        return wish.wanted
    if not wish.is_resumed:
        writer.abandon()
        raise ConfigError(
            f"{layout.path}: the file has lines already; choose another path, or use --resume if an"
            " earlier replay of the same range was cut off"
        )
    if found.last is None:
        writer.abandon()
        raise ConfigError(f"{layout.path}: --resume finds no whole line; choose another path")
    try:
        after = await place_to_go_on(reader, found.last, wish.wanted)
    except ConfigError as error:
        raise ConfigError(f"{layout.path}: --resume: {error}") from None
    return wish.wanted._replace(after=after)


def _pattern(layout: Layout) -> str:
    path = layout.path
    return f"{path.name}*" if layout.naming == "fixed" else f"{path.stem}.*{path.suffix}"
