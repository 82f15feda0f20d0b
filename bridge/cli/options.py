"""Options that several commands share, and the settings that they produce."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from bridge.config import Loaded

type_path = click.Path(path_type=Path)  # the reader checks existence, with a better error


class NumberRange(click.FloatRange):
    """A float in a range. It refuses "nan", which click accepts."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Convert the text of an option to a number.

        Raises:
            BadParameter: The text is no number, is "nan", or is out of the range.
        """
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


F = TypeVar("F", bound=Callable[..., Any])

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("auto", "text", "json")


def examples(*lines: str) -> str:
    """The epilog of a command: its examples, each on its own line."""
    return "\b\n" + "\n".join(["Examples:", *(f"  {line}" for line in lines)])


config_option = click.option(
    "--config",
    type=type_path,
    metavar="FILE",
    help="Configuration file [env: MOGPLEX_BRIDGE_CONFIG].",
)
token_file_option = click.option(
    "--token-file",
    type=type_path,
    metavar="FILE",
    help="File with the token of the default account "
    "[env: MOGPLEX_API_KEY, MOGPLEX_TOKEN or MOGPLEX_API_TOKEN hold the token itself].",
)
base_url_option = click.option(
    "--base-url",
    metavar="URL",
    help="Upstream of the default account [env: MOGPLEX_BASE_URL or MOGPLEX_URL].",
)
log_level_option = click.option(
    "--log-level",
    type=click.Choice(LOG_LEVELS),
    help="Least important level on stderr [info; follow: warning].",
)
log_format_option = click.option(
    "--log-format",
    type=click.Choice(LOG_FORMATS),
    help="Format of the logs [auto: text on a terminal, else json].",
)


def shared_options(function: F) -> F:
    """Add --config, --token-file, --base-url, --log-level and --log-format, for `load_with`."""
    for option in (
        log_format_option,
        log_level_option,
        base_url_option,
        token_file_option,
        config_option,
    ):
        function = option(function)
    return function


def load_with(
    *,
    config: Path | None = None,
    token_file: Path | None = None,
    base_url: str | None = None,
    log_level: str | None = None,
    log_format: str | None = None,
    **more: Any,
) -> Loaded:
    """Load the settings with the values of `shared_options`; `more` as in `bridge.config.load`.

    Raises:
        ConfigError: The configuration is missing, unreadable or wrong.
    """
    from bridge.config import load  # noqa: PLC0415 - `--help` and `redact` need no settings

    return load(
        config,
        {
            "token_file": str(token_file) if token_file is not None else None,
            "base_url": base_url,
            "log.level": log_level,
            "log.format": log_format,
            **more,
        },
    )
