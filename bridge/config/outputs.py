"""What an output may be: one section for each `type` of [[outputs]]."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from bridge.schema.section import Section
from bridge.schema.values import Duration, FilePath, Size
from bridge.systems import meant_ids

STDOUT: Final = "-"  # as a path

Globs = tuple[Annotated[str, Field(min_length=1, max_length=200)], ...]


def _ids(value: object) -> object:
    """Ids in the systems' normal forms, as records have them."""
    if not isinstance(value, list | tuple):
        return value
    found: dict[str, None] = {}
    for text in value:
        if not isinstance(text, str):
            raise ValueError("a list of run ids")
        try:
            found |= dict.fromkeys(meant_ids("run", text))
        except ValueError as error:
            raise ValueError(f"a list of run ids: {error}") from None
    return tuple(found)


class OutputFilter(Section):
    """Which records an output gets; omitted conditions always match."""

    types: Globs = Field(default=(), description='Globs of record types; those with "!" exclude.')
    runs: Annotated[tuple[str, ...], BeforeValidator(_ids)] = Field(
        default=(), description="Only these runs."
    )
    accounts: Globs = Field(default=(), description="Only these accounts.")


class Rotate(Section):
    """When to start a new file; the first condition that is met applies."""

    bytes: Size | None = Field(default=None, description="At this size; omitted: at any size.")
    every: Duration | None = Field(
        default=None, description="After this time; omitted: at any age."
    )


class Keep(Section):
    """Which finished files are kept; a file that exceeds any limit is deleted."""

    files: int | None = Field(
        default=None, ge=1, description="Maximum number of files; omitted: no limit."
    )
    age: Duration | None = Field(default=None, description="Maximum age; omitted: no limit.")
    bytes: Size | None = Field(default=None, description="Maximum total size; omitted: no limit.")


class NdjsonOutput(Section):
    """One NDJSON file (or stdout) with its own filter and its own position in the journal."""

    type: Literal["ndjson"] = Field(default="ndjson", description="Kind of output.")
    path: FilePath = Field(description='The file; "-" is stdout.')
    naming: Literal["numbered", "fixed"] = Field(
        default="numbered",
        description='"numbered" adds .000001 and never renames; "fixed" renames on rotation.',
    )
    rotate: Rotate = Field(default=Rotate(), description="When a new file is begun.")
    keep: Keep = Field(default=Keep(), description="Which finished files are kept.")
    compress: Literal["none", "gzip", "zstd"] = Field(
        default="none", description="Compression of finished files."
    )
    fsync: Literal["never", "interval", "always"] = Field(
        default="interval",
        description="Sync lines to disk: never, once a second, or before each is acknowledged.",
    )
    where: Literal["each", "once"] = Field(
        default="each",
        description='With replicas: "each" of them writes it, or one at a time does ("once").',
    )
    filter: OutputFilter = Field(default=OutputFilter(), description="Which records it gets.")
    format: Literal["cloudevents", "mogplex"] = Field(
        default="cloudevents",
        description='One record a line, or ("mogplex") upstream\'s object a line.',
    )
    line_bytes: Size = Field(
        default=32_000,
        description="Longest line; in longer records the longest strings are truncated; 0 = off.",
    )

    @property
    def name(self) -> str:
        """Its name in checkpoints, checks and metrics: one output cannot have that of another."""
        return "stdout" if self.path == STDOUT else self.path


# An entry of [[outputs]]. A second type makes this a union told by `type`, with a function as its
# discriminator, for entries without `type` are files. Each has `name`, `where`, `filter`, `format`
# and `line_bytes`, and `daemon/sinks.py` makes a target of what is its own.
AnyOutput: TypeAlias = NdjsonOutput
