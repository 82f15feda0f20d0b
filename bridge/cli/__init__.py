"""The command line: the list of commands, and how a command ends.

A command is imported only when it is used, so that other commands do not delay it. Commands return
an `Exit` (or nothing when done) and raise BridgeError; this module turns an error into one line on
stderr and an exit code.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import click

from bridge import __version__
from bridge.cli.exits import Exit, exit_of_error
from bridge.cli.options import examples
from bridge.cli.streams import abandon_stdout, complain, flush_stdout, occupy_standard_streams
from bridge.core.errors import BridgeError

PROGRAM: Final = "mogplex-bridge"

# Name, and the line in --help. The command itself is in bridge/cli/<name>.py under the same name.
COMMANDS: Final = {
    "serve": "Run the daemon: follow runs, keep the journal, serve HTTP, write files.",
    "follow": "Print the events of runs until all have ended; no daemon, no state.",
    "run": "Start a run, through a bridge or straight upstream.",
    "runs": "List, get and cancel runs, and print their events.",
    "demo": "Try the bridge on a simulated upstream; no account needed.",
    "simulate": "Run only the simulated upstream.",
    "check": "Check the configuration and print the effective settings.",
    "doctor": "Find out why runs cannot be followed: network, token, clock, upstream.",
    "explain": "Explain an error code or status of upstream, and what to do.",
    "export": "Print the journal as NDJSON.",
    "replay": "Write a range of the journal again, to a file or stdout.",
    "backup": "Copy the journal to a file, also while the daemon runs.",
    "migrate": "Copy the journal into another one, such as the stream of replicas.",
    "verify": "Check NDJSON files for holes, repeats and torn lines.",
    "redact": "Redact the lines of stdin.",
    "top": "Show what a running bridge does, on a terminal or for scripts.",
    "health": "Check whether a running bridge is ready.",
    "completion": "Print a completion script for bash, zsh or fish.",
}


class _ReaderGoneError(Exception):
    """The reader of stdout has gone."""


class Commands(click.Group):
    """The group; it imports only the requested command."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader of stdout that has gone is told apart from an error.

        Raises:
            _ReaderGoneError: The reader closed the pipe. `run` ends the program with code 0 then.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would exit with code 1
            raise _ReaderGoneError from None

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of `--help`."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import a command by its name; None if there is no such command."""
        if name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"bridge.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands for `--help`, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Split the arguments into a command's name, the command and the rest.

        Raises:
            UsageError: There is no such command. The text names a similar one, or all of them.
        """
        name = args[0]
        if not name.startswith("-") and name not in COMMANDS:
            close = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command '{name}'. {hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        f"{PROGRAM} demo",
        f"MOGPLEX_TOKEN=mog_... {PROGRAM} follow 3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f",
        f"{PROGRAM} serve --config /etc/mogplex-bridge/bridge.toml",
        f"{PROGRAM} COMMAND --help",
    ),
)
@click.version_option(__version__, prog_name=PROGRAM)
def commands() -> None:
    """Follow runs of Mogplex agents once and deliver their events to any number of readers."""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the process."""
    occupy_standard_streams()
    code = run(sys.argv[1:] if args is None else args)
    sys.exit(code)


def run(args: Sequence[str]) -> int:
    """Run a command and return its exit code. Errors are one line on stderr.

    A reader of stdout that closes the pipe early is no error: it has read what it needed.
    """
    try:
        code = _invoke(list(args))
        flush_stdout()
    except (_ReaderGoneError, BrokenPipeError):
        abandon_stdout()
        return Exit.DONE
    except KeyboardInterrupt:
        abandon_stdout()
        return Exit.INTERRUPTED
    except OSError as error:  # a full disk behind `> file`
        abandon_stdout()
        place = "cannot write to stdout" if error.filename is None else error.filename
        complain(f"{place}: {(error.strerror or str(error)).lower()}")
        return Exit.FAILED
    return code


def _invoke(args: list[str]) -> int:
    try:
        result: Any = commands.main(args, prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return Exit.USAGE
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else PROGRAM
        complain(f"{_one_line(error.format_message())} (see {where} --help)")
        return Exit.USAGE
    except click.Abort:
        return Exit.INTERRUPTED
    except click.ClickException as error:
        complain(_one_line(error.format_message()))
        return Exit.FAILED
    except BridgeError as error:
        complain(_one_line(str(error)))
        return exit_of_error(error)
    return result if isinstance(result, int) else Exit.DONE


def _one_line(text: str) -> str:
    return " ".join(text.split())
