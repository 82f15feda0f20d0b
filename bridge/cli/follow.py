"""`follow`: print the events of runs until all have ended."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from bridge.cli.exits import Exit, exit_of_failure
from bridge.cli.options import NumberRange, examples, load_with, shared_options
from bridge.cli.streams import complain, say, wants_colour, write_stdout

TIMEOUT_S = 1800.0  # the vendor CLI's default (mogplex.md 1.12)


@click.command(
    epilog=examples(
        "mogplex-bridge follow 3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f",
        "mogplex-bridge follow --exit-status --timeout 3600 $RUN",
        "mogplex run --json ... | mogplex-bridge follow --runs-from -",
        "mogplex-bridge follow --format mogplex $RUN | jq -r .message",
    )
)
@click.argument("run_ids", metavar="[ID]...", nargs=-1)
@click.option(
    "--runs-from",
    metavar="FILE",
    help="More runs: an id, or a JSON object with runId, a line; - is stdin, read to its end.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(("cloudevents", "mogplex", "pretty")),
    help="[default: pretty on a terminal, else cloudevents]",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=NumberRange(min=0, min_open=True),
    default=TIMEOUT_S,
    show_default=True,
    metavar="SECONDS",
    help="Give up after this time; exit code 1.",
)
@click.option("--exit-status", is_flag=True, help="Exit with 1 unless every run ended in success.")
@shared_options
def follow(
    run_ids: tuple[str, ...],
    runs_from: str | None,
    format_name: str | None,
    timeout_s: float,
    *,
    exit_status: bool,
    **shared: Any,
) -> int:
    """Print the events of runs until all of them have ended. Needs no daemon, keeps no state.

    Exit codes: 0 done, 1 failed or timed out, 2 usage, 64 token refused, 65 forbidden, 69 upstream
    unavailable, 75 rate limited, 78 bad configuration.
    """
    from bridge.loop import run  # noqa: PLC0415 - `--help` needs none of it

    wanted = _run_ids(run_ids, runs_from)
    outcome = run(lambda: _follow(wanted, format_name, timeout_s, shared))
    return _conclude(outcome, timeout_s, exit_status=exit_status)


def _run_ids(run_ids: tuple[str, ...], runs_from: str | None) -> list[str]:
    from bridge.daemon.run_lists import read_now, to_run_text  # noqa: PLC0415 - `--help` needs none of it
    from bridge.sources.mogplex.api import normalised_run_id  # noqa: PLC0415

    places = [("", text) for text in run_ids]
    if runs_from is not None:
        for number, line in read_now(runs_from):
            try:
                text = to_run_text(line)
            except ValueError as error:
                raise click.UsageError(f"{_name(runs_from)}:{number}: {error}") from None
            if text is not None:
                places.append((f"{_name(runs_from)}:{number}: ", text))
    wanted: dict[str, None] = {}
    for place, text in places:
        run_id = normalised_run_id(text)
        if run_id is None:
            raise click.UsageError(
                f"{place}{text[:100]!r} is no run id: a run id is a UUID, like"
                " 3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f"
            )
        wanted[run_id] = None
    if not wanted:
        raise click.UsageError("no run to follow: give run ids, or --runs-from FILE")
    return list(wanted)


def _name(runs_from: str) -> str:
    return "stdin" if runs_from == "-" else str(Path(runs_from))


async def _follow(
    run_ids: list[str], format_name: str | None, timeout_s: float, shared: dict[str, Any]
) -> Any:
    from bridge import log  # noqa: PLC0415
    from bridge.config import resolve_accounts  # noqa: PLC0415
    from bridge.daemon.building import build_redactor  # noqa: PLC0415
    from bridge.daemon.once import Wishes, follow_until_ended  # noqa: PLC0415
    from bridge.outputs.printed import formatter  # noqa: PLC0415

    loaded = load_with(**shared)
    settings = loaded.settings
    accounts = resolve_accounts(settings)
    for account in accounts:
        if account.tokens.warning is not None:
            say(f"warning: {account.tokens.warning}")
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    name = format_name or ("pretty" if is_terminal else "cloudevents")
    wishes = Wishes(
        to_line=formatter(name, colour=wants_colour(sys.stdout)),
        write=write_stdout,
        tell=say,
        timeout_s=timeout_s,
    )
    redactor = build_redactor(settings.redaction, loaded.place)
    log.configure(
        redactor.twin().value, level=shared.get("log_level") or "warning", form=settings.log.format
    )
    return await follow_until_ended(
        accounts, settings.default_account.name, run_ids, redactor, wishes
    )


def _conclude(outcome: Any, timeout_s: float, *, exit_status: bool) -> int:
    """Say what went wrong, and choose the exit code."""
    if outcome.timed_out:
        open_runs = [s for s in outcome.states if not s.ended and s.failed is None]
        complain(
            f"--follow timed out after {timeout_s:g}s waiting for terminal status"
            f" of {len(open_runs)} run{'s' * (len(open_runs) != 1)}"
        )
        return Exit.FAILED
    if outcome.failures:
        for run_id, failure in outcome.failures.items():
            complain(f"run {run_id}: {failure.code}: {failure.message}{_cure(failure.code)}")
        return exit_of_failure(next(iter(outcome.failures.values())))
    if exit_status and any(state.status != "success" for state in outcome.states):
        return Exit.FAILED
    return Exit.DONE


_CURES = {
    "NOT_FOUND": "; check the id, and that the token belongs to the run's owner",
    "UNAUTHORIZED": "; issue a new token in the settings of your account",
    "LOGIN_REDIRECT": "; check the token and the base URL",
    "FORBIDDEN": "; issue a token that may read",
    "HTTP_ERROR": "; check the base URL, and what stands between",
    "TRANSPORT": "; check the base URL and the network",
    "TIMEOUT": "; check the base URL and the network",
}


def _cure(code: str) -> str:
    return _CURES.get(code, "")
