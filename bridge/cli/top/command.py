"""`top`: shows a running bridge, on a terminal or for scripts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.bridge_url import configured_bridge_url, read_token, split_bridge_url
from bridge.cli.exits import Exit
from bridge.cli.options import NumberRange, config_option, examples, type_path
from bridge.cli.streams import say, write_stdout
from bridge.cli.top.sorts import SORTS

if TYPE_CHECKING:
    from bridge.cli.top.reading import BridgeReader


@click.command(
    epilog=examples(
        "mogplex-bridge top",
        "mogplex-bridge top --url https://bridge.example.com --token-file reader.token",
        "mogplex-bridge top --once",
        "mogplex-bridge top --once --json | jq '.accounts[] | {name, windowRequests}'",
    )
)
@config_option
@click.option("--url", metavar="URL", help="The bridge [where the configuration listens].")
@click.option(
    "--token-file",
    type=type_path,
    metavar="FILE",
    help="A token of the bridge ([auth]) with the scope read, not limited to some runs.",
)
@click.option(
    "--interval",
    type=NumberRange(0.2, 300),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two reads.",
)
@click.option("--sort", type=click.Choice(SORTS), default="lag", show_default=True)
@click.option(
    "--filter", "text", metavar="TEXT", default="", help="Only runs with this text in a cell."
)
@click.option("--once", is_flag=True, help="Read once, print, exit.")
@click.option("--json", "as_json", is_flag=True, help="With --once: one JSON object.")
@click.option("--svg", type=type_path, metavar="FILE", help="With --once: also write a picture.")
def top(
    *,
    config: Path | None,
    url: str | None,
    token_file: Path | None,
    once: bool,
    as_json: bool,
    svg: Path | None,
    **looks: Any,
) -> Exit:
    """Show what a running bridge does: runs, lag, budgets, outputs, streams, last failures.

    Keys: q quits, s changes the sort column, r reverses the order, a switches between all and
    followed runs, / filters, the arrows scroll. Exit codes: 0 done, 1 no bridge answered.
    """
    if (as_json or svg) and not once:
        raise click.UsageError("--json and --svg need --once.")
    from bridge.cli.top.reading import BridgeReader  # noqa: PLC0415 - `--help` needs none of it

    place = configured_bridge_url(config) if url is None else split_bridge_url(url)
    reader = BridgeReader(
        place.origin, place.path, token=read_token(token_file), is_own=url is None
    )
    if once:
        return _look_once(reader, looks["sort"], looks["text"], as_json=as_json, svg=svg)
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty()):
        raise click.UsageError("top needs a terminal; use --once, or --once --json.")
    from bridge.cli.top.screen import show  # noqa: PLC0415

    first = reader.read()  # before the screen changes, so that a missing bridge is one line
    show(reader, first, interval_s=looks["interval"], sort=looks["sort"], text=looks["text"])
    return Exit.DONE


def _look_once(
    reader: BridgeReader, sort: str, text: str, *, as_json: bool, svg: Path | None
) -> Exit:
    view = reader.read()
    if as_json:
        write_stdout(json.dumps(view.as_json(), indent=2, ensure_ascii=False).encode() + b"\n")
    if as_json and svg is None:
        return Exit.DONE
    from bridge.cli.top.view import ViewOptions, picture, plain  # noqa: PLC0415 - rich costs 0.1 s

    options = ViewOptions(sort=sort, text=text)
    if not as_json:
        write_stdout(plain(view, options).encode())
    if svg is not None:
        try:
            svg.write_text(picture(view, options), encoding="utf-8")
        except OSError as error:
            say(f"error: {svg}: {(error.strerror or str(error)).lower()}")
            return Exit.FAILED
    return Exit.DONE
