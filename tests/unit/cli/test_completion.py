"""Completion scripts and man pages are made from the commands themselves."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from click.shell_completion import ShellComplete

from bridge.cli import COMMANDS, PROGRAM, commands, run
from bridge.cli.man import pages


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["completion", shell]) == 0
    assert b"_MOGPLEX_BRIDGE_COMPLETE" in capfdbinary.readouterr().out


def test_commands_options_and_values_are_completed() -> None:
    shell = ShellComplete(commands, {}, PROGRAM, "X")
    assert [item.value for item in shell.get_completions([], "fol")] == ["follow"]
    assert "--fail-on-gap" in [item.value for item in shell.get_completions(["follow"], "--f")]
    values = [item.value for item in shell.get_completions(["follow", "--format"], "")]
    assert values == ["cloudevents", "mogplex", "plain", "pretty"]


@pytest.mark.slow
def test_every_command_has_a_man_page_with_its_options() -> None:
    made = dict(pages())
    assert set(made) == {f"{PROGRAM}.1", *(f"{PROGRAM}-{name}.1" for name in COMMANDS)}
    assert "\\-\\-fail\\-on\\-gap" in made[f"{PROGRAM}-follow.1"]
    if shutil.which("groff"):
        for text in made.values():
            done = subprocess.run(
                ["groff", "-man", "-Tutf8", "-ww"],
                input=text.encode(),
                capture_output=True,
                check=True,
            )
            assert b"warning" not in done.stderr, done.stderr
