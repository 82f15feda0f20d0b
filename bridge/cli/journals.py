"""What commands that read a journal share: their options, and the check that it exists."""

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
    """Add the options of a command that reads records of a journal.

    The command receives `config`, `journal`, `after` (a Position), `runs` and `types`.
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
    """The URL of the journal. This never creates one.

    Raises:
        ConfigError: The journal does not exist.
    """
    from bridge.journal.opening import require_existing  # noqa: PLC0415 - so that `--help` stays fast

    require_existing(settings.journal)
    return settings.journal
