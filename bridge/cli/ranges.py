"""Parses positions, times, sizes and run ids on the command line, for click."""

from __future__ import annotations

import re

import click

from bridge.clock import SystemClock
from bridge.core.position import Position, maybe_position

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def to_position(_ctx: click.Context, _param: click.Parameter, value: str) -> Position:
    """A sequence, or a position as streams send it (`epoch-sequence`)."""
    position = maybe_position(value)
    if position is None:
        raise click.BadParameter(f"{value!r} is neither a sequence nor a position")
    return position


def to_instant(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    """Epoch seconds of an RFC 3339 time, of a UTC date, or of a duration ago."""
    from bridge.schema.values import to_seconds  # noqa: PLC0415 - so that `--help` stays fast
    from bridge.wire import times  # noqa: PLC0415

    if value is None:
        return None
    text = f"{value}T00:00:00Z" if _DATE.fullmatch(value) else value
    if (seconds := times.seconds(text)) is not None:
        return seconds
    try:
        return SystemClock().wall() - to_seconds(value)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is no time: use 2026-08-03T14:00:00Z, 2026-08-03, or 2h for two hours ago"
        ) from None


def to_run_ids(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """Run ids in the normal forms that records use."""
    from bridge.systems import meant_ids  # noqa: PLC0415

    found: dict[str, None] = {}
    for value in values:
        try:
            found |= dict.fromkeys(meant_ids("run", value))
        except ValueError as error:
            raise click.BadParameter(f"{value!r} is not a run id: {error}") from None
    return tuple(found)


def to_size(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Bytes of a size such as 100MiB, or of a plain number."""
    from bridge.schema.values import to_bytes  # noqa: PLC0415

    if value is None:
        return None
    try:
        return to_bytes(int(value) if value.isdecimal() else value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not {error}") from None
