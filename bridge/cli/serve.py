"""`serve`: runs the daemon."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.exits import Exit
from bridge.cli.options import examples, load_with, shared_options
from bridge.cli.streams import is_stdout_writable, say
from bridge.core.errors import ConfigError

if TYPE_CHECKING:
    from bridge.config import Loaded


@click.command(
    epilog=examples(
        "mogplex-bridge serve --token-file /run/secrets/mogplex --run $RUN",
        "mogplex-bridge serve --runs-from runs.txt --ndjson events.ndjson",
        "mogplex-bridge serve --config /etc/mogplex-bridge/bridge.toml",
        "curl -N -H 'Accept: text/event-stream' 'http://127.0.0.1:8080/v1/events?tail=10'",
    )
)
@click.option("--run", "runs", metavar="ID", multiple=True, help="Follow this run; repeatable.")
@click.option(
    "--follow",
    "follow",
    metavar="WHERE:KIND:ID",
    multiple=True,
    help="Follow this feed; WHERE is an account, or a system with one account; repeatable.",
)
@click.option(
    "--runs-from",
    metavar="FILE",
    help="Follow the runs in FILE (per line an id, or a JSON object with runId), also those added"
    " later; - is stdin.",
)
@click.option("--listen", metavar="HOST:PORT", help="[default: 127.0.0.1:8080; port 0 = any]")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    help="Number of processes that serve clients, at most one per core.  [default: 1]",
)
@click.option("--journal", metavar="URL", help="[default: sqlite: in the state directory]")
@click.option("--ndjson", metavar="PATH", help="Write records to this file; - is stdout.")
@shared_options
def serve(
    runs: tuple[str, ...],
    follow: tuple[str, ...],
    runs_from: str | None,
    listen: str | None,
    workers: int | None,
    journal: str | None,
    ndjson: str | None,
    **shared: Any,
) -> int:
    """Run the daemon: follow runs, keep the journal, serve HTTP, write files.

    The first Ctrl+C drains, the second quits at once.
    """
    at: dict[str, Any] = {"server.workers": workers}

    def load() -> Loaded:
        return load_with(
            **shared,
            runs=runs,
            follow=follow,
            listen=listen,
            journal=journal,
            ndjson=ndjson,
            **at,
        )

    run_bridge(load, runs_from=runs_from)
    return Exit.DONE


def run_bridge(load: Callable[[], Loaded], *, runs_from: str | None) -> None:
    """Configure logging and run the daemon until it stops.

    Raises:
        BridgeError: The daemon could not start, or could not continue.
    """
    from bridge import log  # noqa: PLC0415 - `--help` needs none of it
    from bridge.config import resolve_accounts  # noqa: PLC0415
    from bridge.daemon.app import Bridge  # noqa: PLC0415
    from bridge.daemon.build import build_redactor  # noqa: PLC0415
    from bridge.daemon.systemd import Notifier  # noqa: PLC0415
    from bridge.loop import run  # noqa: PLC0415

    loaded = load()
    settings = loaded.settings
    if any(output.name == "stdout" for output in settings.outputs) and not is_stdout_writable():
        raise ConfigError("an output is stdout, which is closed")
    redactor = build_redactor(settings.redaction, loaded.place)
    log.configure(redactor.twin().value, level=settings.log.level, form=settings.log.format)
    accounts = resolve_accounts(settings, place=loaded.place)

    def ready(host: str, port: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        scheme = "http" if settings.tls is None else "https"
        say(f"mogplex-bridge listens on {scheme}://{shown}:{port}")

    async def main() -> None:
        bridge = Bridge(
            settings,
            accounts,
            redactor,
            runs_from=runs_from,
            load=load,
            notifier=Notifier.from_environment(os.environ),
            on_ready=ready,
        )
        await bridge.run()

    run(main)
