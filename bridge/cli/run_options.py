"""What `run` and `runs` share: the API's address, printing, and following by polling."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from bridge.cli.exits import Exit
from bridge.cli.guarding import guarded_json, guarded_text
from bridge.cli.options import NumberRange, base_url_option, config_option
from bridge.cli.streams import complain, write_stdout
from bridge.cli.vendor_api import RefusedError, VendorApi, find_place, objects, run_of
from bridge.clock import SystemClock

F = TypeVar("F", bound=Callable[..., Any])

TIMEOUT_S: Final = 1800.0  # the vendor CLI's default (mogplex.md 1.12)
POLL_S: Final = 1.5  # the vendor CLI's pace (mogplex.md 1.12)
QUIET_POLLS: Final = (
    2  # polls without a new event after the final status; late events may follow it
)
TERMINAL: Final = frozenset({"success", "failed", "cancelled"})


timeout_option = click.option(
    "--timeout",
    "timeout_s",
    type=NumberRange(min=0, min_open=True),
    default=TIMEOUT_S,
    show_default=True,
    metavar="SECONDS",
    help="With --follow: stop after this time with exit code 1.",
)


def api_options(function: F) -> F:
    """Add --url, --token-file, --base-url and --config."""
    url = click.option(
        "--url",
        metavar="URL",
        envvar="MOGPLEX_BRIDGE_URL",
        help="A bridge with the gateway enabled; --token-file then holds one of its tokens"
        " [default: straight upstream; env: MOGPLEX_BRIDGE_URL].",
    )
    token_file = click.option(
        "--token-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="File with the token [upstream: env MOGPLEX_API_KEY, MOGPLEX_TOKEN].",
    )
    for option in (config_option, base_url_option, token_file, url):
        function = option(function)
    return function


def api_of(options: dict[str, Any]) -> VendorApi:
    """The API that the options name.

    Raises:
        ConfigError: The configuration or the account's token is wrong.
        click.UsageError: `--url` or the bridge's token file is wrong.
    """
    return VendorApi(
        find_place(
            options.pop("url"), options.pop("config"), options.pop("token_file"),
            options.pop("base_url"),
        )
    )  # fmt: skip


def answered(work: Callable[[], Exit]) -> Exit:
    """Run `work`; a refusal becomes one line on stderr and the vendor CLI's exit code."""
    try:
        return work()
    except RefusedError as error:
        complain(" ".join(str(error).split()))
        return error.exit_code


def print_json(value: Any) -> None:
    """Print one object in the form of the vendor's CLI."""
    from bridge.wire.javascript import stringify  # noqa: PLC0415 - `--help` needs none

    write_stdout(guarded_json(stringify(value).encode("utf-8")) + b"\n")


def follow_events(
    api: VendorApi, run_id: str, timeout_s: float, tell: Callable[[dict[str, Any]], None]
) -> str:
    """Poll a run's events until it has ended.

    Args:
        api: The API to poll.
        run_id: The run's id.
        timeout_s: Seconds after which to stop.
        tell: Receives every event once, oldest first.

    Returns:
        The run's final status.

    Raises:
        RefusedError: The API refused a request or did not answer.
        TimeoutError: The run had not ended in time.
    """
    clock = SystemClock()
    ends = clock.monotonic() + timeout_s
    seen: set[str] = set()
    quiet = 0
    while True:
        data = api.get(f"/runs/{run_id}/events", limit="200")
        fresh = [e for e in objects(data, "events") if str(e.get("id")) not in seen]
        for event in fresh:
            seen.add(str(event.get("id")))
            tell(event)
        status = str(run_of(data).get("status"))
        quiet = quiet + 1 if status in TERMINAL and not fresh else 0
        if quiet >= QUIET_POLLS:
            return status
        if clock.monotonic() + POLL_S > ends:
            raise TimeoutError
        threading.Event().wait(POLL_S)


def pretty_event(event: dict[str, Any]) -> str:
    """An event as the vendor CLI's line for people, without control characters and commands."""
    tool = f"[tool={event['toolName']}]" if event.get("toolName") else ""
    parts = [event.get("createdAt"), event.get("type"), tool, event.get("message")]
    return guarded_text("  ".join(str(part) for part in parts if part))


def tell_run(api: VendorApi, run_id: str, timeout_s: float, *, as_json: bool) -> Exit:
    """Follow a run and print its events as the vendor's CLI does.

    Raises:
        RefusedError: The API refused a request or did not answer.
    """

    def tell(event: dict[str, Any]) -> None:
        if as_json:
            print_json(event)
        else:
            write_stdout(f"{pretty_event(event)}\n".encode())

    try:
        status = follow_events(api, run_id, timeout_s, tell)
    except TimeoutError:
        complain(f"--follow timed out after {timeout_s:g}s waiting for terminal status")
        return Exit.FAILED
    if as_json:
        print_json({"runId": run_id, "status": status})
    else:
        write_stdout(f"--- run {run_id} {status} ---\n".encode())
    return Exit.DONE
