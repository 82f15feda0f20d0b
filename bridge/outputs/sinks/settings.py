"""What the settings of every kind of output have; a kind's own section adds its keys to these."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from bridge.clock import Clock
from bridge.outputs.sinks.port import Target
from bridge.schema.section import Section
from bridge.schema.values import Globs, Size
from bridge.systems import meant_ids


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

    types: Globs = Field(
        default=(),
        description='Globs of record types; those with "!" exclude.',
        examples=[["com.mogplex.run.event.*", "!*.log"]],
    )
    runs: Annotated[tuple[str, ...], BeforeValidator(_ids)] = Field(
        default=(), description="Only these runs."
    )
    accounts: Globs = Field(default=(), description="Only these accounts.")


class OutputSection(Section):
    """One output with its own filter and its own position in the journal.

    A kind's section gives `type` the one value that it may have
    (`type: Literal["kafka"] = Field(default="kafka", ...)`), says in `name_key` which of its keys
    tells one output from another, and makes the target. It imports the target when asked for it: a
    command that only reads settings needs none.
    """

    name_key: ClassVar[str]
    reasons: ClassVar[Sequence[str]]  # as its target's

    type: str = Field(description="Kind of output.")
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
    @abstractmethod
    def name(self) -> str:
        """Its name in checkpoints, checks and metrics: one output cannot have that of another."""

    @property
    def file(self) -> str | None:
        """The file that it writes, where it is one: nobody else may write there."""
        return None

    @abstractmethod
    def target(self, clock: Clock) -> Target:
        """Where its lines go; not opened yet."""

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """What one key alone cannot tell: the path to the key, and what is wrong with it."""
        yield from ()
