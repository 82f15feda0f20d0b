"""`mogplex-bridge verify`: whether output files are complete, in order and undamaged."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.cli.exits import Exit
from bridge.cli.options import examples, type_path
from bridge.cli.streams import say, write_stdout

SHOWN_MAX = 20  # problems of one kind that are listed


@click.command(
    epilog=examples(
        "mogplex-bridge verify /var/log/mogplex-bridge/events.*",
        "mogplex-bridge verify --filtered tools.000001.ndjson.zst tools.000002.ndjson",
        "mogplex-bridge follow ID | mogplex-bridge verify -",
    )
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=type_path)
@click.option(
    "--filtered",
    is_flag=True,
    help="The output has a filter: do not report missing sequences as holes.",
)
def verify(files: tuple[Path, ...], filtered: bool) -> Exit:  # noqa: FBT001 - click's way
    """Check NDJSON files: order, holes, repeats, torn lines, bad JSON.

    Rotated and compressed files are read too, in the order they were written; "-" is stdin. Each
    problem is a line on stderr, the summary a line on stdout. Exit code 1 if anything is wrong.
    """
    from bridge.outputs.sinks.files import verify as files_check  # noqa: PLC0415 - `--help` needs none of it

    report = files_check.Report()
    for problem in files_check.verify(files, report, is_filtered=filtered):
        shown = report.counts[problem.kind]
        if shown <= SHOWN_MAX:
            say(f"{problem.place}: {problem.kind}: {problem.text}")
        elif shown == SHOWN_MAX + 1:
            say(f"{problem.place}: {problem.kind}: more of this kind are counted, not shown")
    kinds = [kind for kind, count in report.counts.items() if count]
    advice = files_check.hint(kinds)
    if advice is not None and not filtered:
        say(f"hint: {advice}")
    write_stdout(f"{report.summary()}\n".encode())
    return Exit.DONE if report.is_ok else Exit.FAILED
