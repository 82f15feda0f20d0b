"""`runs`: list, get, cancel and events of runs, through a bridge or directly upstream."""

from __future__ import annotations

from typing import Any

import click

from bridge.cli.exits import Exit
from bridge.cli.guarding import guarded_text
from bridge.cli.options import examples
from bridge.cli.run_options import (
    answered,
    api_of,
    api_options,
    pretty_event,
    print_json,
    tell_run,
    timeout_option,
)
from bridge.cli.streams import write_stdout
from bridge.cli.vendor_api import checked_id, objects, run_of

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print what the API answers, as JSON."
)
id_argument = click.argument("run_id", metavar="ID", callback=checked_id)


@click.group(
    epilog=examples(
        "mogplex-bridge runs list --status streaming --url http://127.0.0.1:8080",
        "mogplex-bridge runs get $RUN",
        "mogplex-bridge runs events --follow $RUN",
        "mogplex-bridge runs cancel $RUN",
    )
)
def runs() -> None:
    """List, get and cancel runs, through a bridge (--url) or straight upstream.

    Exit codes: 0 done, 1 failed, unknown or timed out, 2 usage, 64 token refused, 65 forbidden,
    69 unavailable, 75 rate limited, 78 bad configuration.
    """


@runs.command(
    "list",
    epilog=examples(
        "mogplex-bridge runs list --url http://127.0.0.1:8080",
        "mogplex-bridge runs list --status streaming --json --url http://127.0.0.1:8080",
    ),
)
@click.option("--status", multiple=True, metavar="WORD", help="Only runs with this status.")
@click.option(
    "--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="Maximum number."
)
@json_option
@api_options
def list_(*, status: tuple[str, ...], limit: int, as_json: bool, **more: Any) -> Exit:
    """List the runs that a bridge knows, newest first.

    Upstream has no such list: give --url of a bridge.
    """
    api = api_of(more)
    if not api.place.is_bridge:
        raise click.UsageError("Upstream has no list of runs: give --url of a bridge.")

    def work() -> Exit:
        data = api.get("/runs", limit=str(limit), status=status)
        if as_json:
            print_json(data)
            return Exit.DONE
        for run in objects(data, "runs"):
            fields = (run.get("runId"), run.get("status"), run.get("createdAt"))
            line = guarded_text("  ".join(str(field or "-") for field in fields))
            write_stdout(f"{line}\n".encode())
        return Exit.DONE

    return answered(work)


@runs.command(
    epilog=examples("mogplex-bridge runs get $RUN", "mogplex-bridge runs get --json $RUN | jq .run")
)
@id_argument
@json_option
@api_options
def get(run_id: str, *, as_json: bool, **more: Any) -> Exit:
    """Print one run as last seen."""
    return _one(api_of(more).get, f"/runs/{run_id}", as_json=as_json)


@runs.command(
    epilog=examples(
        "mogplex-bridge runs cancel $RUN",
        "mogplex-bridge runs cancel --url http://127.0.0.1:8080 --token-file reader.token $RUN",
    )
)
@id_argument
@json_option
@api_options
def cancel(run_id: str, *, as_json: bool, **more: Any) -> Exit:
    """Cancel a run; does nothing if it is over."""
    return _one(api_of(more).post, f"/runs/{run_id}/cancel", as_json=as_json)


def _one(ask: Any, path: str, *, as_json: bool) -> Exit:
    def work() -> Exit:
        data = ask(path)
        if as_json:
            print_json(data)
            return Exit.DONE
        run = run_of(data)
        line = guarded_text(f"{run.get('runId')}  {run.get('status')}")
        write_stdout(f"{line}\n".encode())
        return Exit.DONE

    return answered(work)


@runs.command(
    epilog=examples(
        "mogplex-bridge runs events --limit 20 $RUN",
        "mogplex-bridge runs events --follow $RUN",
    )
)
@id_argument
@click.option("--follow", is_flag=True, help="Continue until the run is over.")
@click.option("--limit", type=click.IntRange(1, 200), default=100, show_default=True)
@timeout_option
@json_option
@api_options
def events(
    run_id: str, *, follow: bool, limit: int, timeout_s: float, as_json: bool, **more: Any
) -> Exit:
    """Print the events of a run, oldest first."""
    api = api_of(more)

    def work() -> Exit:
        if follow:
            return tell_run(api, run_id, timeout_s, as_json=as_json)
        data = api.get(f"/runs/{run_id}/events", limit=str(limit))
        if as_json:
            print_json(data)
            return Exit.DONE
        for event in objects(data, "events"):
            write_stdout(f"{pretty_event(event)}\n".encode())
        return Exit.DONE

    return answered(work)
