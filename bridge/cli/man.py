"""Generates man pages from the help: `python -m bridge.cli.man DIRECTORY`. Development only."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from bridge import __version__
from bridge.cli import COMMANDS, PROGRAM, commands

_SECTION = "1"


def pages() -> Iterator[tuple[str, str]]:
    """The file name and roff text of every command and of the program itself."""
    yield f"{PROGRAM}.{_SECTION}", _page(PROGRAM, commands, _command_list())
    for name in COMMANDS:
        command = getattr(importlib.import_module(f"bridge.cli.{name}"), name)
        yield f"{PROGRAM}-{name}.{_SECTION}", _page(f"{PROGRAM} {name}", command, "")


def _page(title: str, command: click.Command, more: str) -> str:
    context = click.Context(command, info_name=title)
    name = title.replace(" ", "-")
    help_ = (command.help or "").split("\f")[0]
    first = help_.split("\n\n")[0].replace("\n", " ").strip()
    lines = [
        f'.TH "{name.upper()}" "{_SECTION}" "" "{PROGRAM} {__version__}" "User commands"',
        ".SH NAME",
        f"{name} \\- {_roff(COMMANDS.get(title.partition(' ')[2], first).rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B {_roff(title)}",
        _roff(" ".join(command.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        *_paragraphs(help_),
        *_options(command, context),
    ]
    if more:
        lines += [".SH COMMANDS", more]
    if command.epilog:
        body = command.epilog.replace("\b\n", "").split("\n")[1:]
        lines += [".SH EXAMPLES", ".nf", *(_roff(line.strip()) for line in body), ".fi"]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> Iterator[str]:
    for index, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        if index:
            yield ".PP"
        yield _roff(" ".join(paragraph.replace("\b", "").split()))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    yield ".SH OPTIONS"
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield ".TP"
            yield f".B {_roff(record[0])}"
            yield _roff(record[1] or " ")


def _command_list() -> str:
    lines = []
    for name, text in COMMANDS.items():
        lines += [".TP", f".BR {PROGRAM}\\-{name} (1)", _roff(text)]
    return "\n".join(lines)


def _roff(text: str) -> str:
    """Escape text so that roff prints it literally."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def main(directory: Path) -> None:
    """Write every man page as a file into the directory, which is created if it is missing."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in pages():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
