"""`completion`: the script with which a shell completes commands and options."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

from bridge.cli.options import examples
from bridge.cli.streams import write_stdout

VARIABLE: Final = "_MOGPLEX_BRIDGE_COMPLETE"  # set by the shell when it requests completions


@click.command(
    epilog=examples(
        "mogplex-bridge completion bash > /etc/bash_completion.d/mogplex-bridge",
        "mogplex-bridge completion zsh > ~/.zfunc/_mogplex-bridge",
        "mogplex-bridge completion fish > ~/.config/fish/completions/mogplex-bridge.fish",
    )
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print a script that teaches a shell to complete commands, options and their values.

    For zsh the directory must be in fpath before compinit runs.
    """
    from bridge.cli import PROGRAM, commands  # noqa: PLC0415 - it imports us

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(commands, {}, PROGRAM, VARIABLE).source()
    write_stdout(script.strip().encode() + b"\n")
