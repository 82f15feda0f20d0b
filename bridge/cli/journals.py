"""Commands that read a journal: their options, and the file that has to be there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.options import config_option
from bridge.cli.ranges import to_position, to_run_ids

if TYPE_CHECKING:
    from bridge.config import Settings

journal_option = click.option("--journal", metavar="URL", help="The journal [as configured].")


def journal_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that reads some records of a journal.

    It gets `config`, `journal`, `after` (a Position), `runs` and `types`.
    """
    for option in reversed(
        (
            config_option,
            journal_option,
            click.option(
                "--after",
                callback=to_position,
                default="0",
                metavar="SEQ",
                help="Records after this sequence or <epoch>-<sequence> [all that are kept].",
            ),
            click.option(
                "--run",
                "runs",
                multiple=True,
                callback=to_run_ids,
                metavar="ID",
                help="Only this run; repeatable.",
            ),
            click.option(
                "--type",
                "types",
                multiple=True,
                metavar="GLOB",
                help="Only these types; repeatable; !GLOB excludes.",
            ),
        )
    ):
        function = option(function)
    return function


def existing_journal(settings: Settings) -> str:
    """The URL of the journal. Raises ConfigError when there is none: nothing is made here."""
    from bridge.journal.opening import require_existing  # noqa: PLC0415 - so that `--help` stays fast

    require_existing(settings.journal)
    return settings.journal
