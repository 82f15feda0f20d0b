"""`simulate`: only the simulated upstream, for pipelines without an account."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from bridge.cli.exits import Exit
from bridge.cli.options import NumberRange, examples
from bridge.cli.streams import complain, say

if TYPE_CHECKING:
    from bridge.simulator import Profile

LISTEN: Final = "127.0.0.1:9090"


@click.command(
    epilog=examples(
        "mogplex-bridge simulate",
        "mogplex-bridge simulate --listen 127.0.0.1:9000 --scenario storm --seed 7",
        "mogplex-bridge simulate --knob window=head --knob stream=absent",
        f"MOGPLEX_TOKEN=mog_any MOGPLEX_BASE_URL=http://{LISTEN} mogplex-bridge follow $RUN",
    )
)
@click.option("--listen", metavar="HOST:PORT", default=LISTEN, show_default=True)
@click.option(
    "--profile",
    metavar="NAME",
    default="mogplex",
    show_default=True,
    help="Which upstream; `--list` names them.",
)
@click.option("--scenario", metavar="NAME", help="What happens  [default: the first of --list]")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same runs.")
@click.option(
    "--speed",
    type=NumberRange(0.001, 10_000),
    default=1.0,
    show_default=True,
    help="Speed of the runs; limits stay on the real clock.",
)
@click.option(
    "--knob",
    "knobs",
    metavar="NAME=VALUE",
    multiple=True,
    help="Change the server's behavior; repeatable; docs/simulator-reference.md lists them.",
)
@click.option("--list", "is_list", is_flag=True, help="List the scenarios and exit.")
def simulate(
    *,
    listen: str,
    profile: str,
    scenario: str | None,
    seed: int,
    speed: float,
    knobs: tuple[str, ...],
    is_list: bool,
) -> Exit:
    """Serve the simulated upstream until Ctrl+C. Accepts any mog_ token, keeps the real limits.

    Ids of the runs are at /_sim/runs.txt, the control API is explained in docs/simulator.md.
    """
    from bridge.schema.values import split_address  # noqa: PLC0415 - so that `--help` stays fast
    from bridge.simulator import PROFILES, KnobError, run  # noqa: PLC0415

    if profile not in PROFILES:
        raise click.UsageError(f"No profile '{profile}'. {_hint(profile, PROFILES)}")
    chosen = PROFILES[profile]
    if is_list:
        for one in chosen.scenarios.values():
            click.echo(f"{one.name:<10} {one.description}")
        if len(PROFILES) > 1:
            say(f"profiles: {', '.join(PROFILES)}")
        return Exit.DONE
    if scenario is not None and scenario not in chosen.scenarios:
        owners = [name for name, other in PROFILES.items() if scenario in other.scenarios]
        hint = f"Use --profile {owners[0]}." if owners else _hint(scenario, chosen.scenarios)
        raise click.UsageError(f"No scenario '{scenario}' of {profile}. {hint}")
    try:
        host, port = split_address(listen)
    except ValueError as error:
        raise click.UsageError(f"--listen must be {error}") from None
    try:
        run(
            profile,
            host,
            port,
            scenario=scenario,
            seed=seed,
            speed=speed,
            knobs=dict(map(_knob, knobs)),
            on_bound=partial(_announce, chosen),
        )
    except KnobError as error:
        raise click.UsageError(f"--knob: {error}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        complain(f"cannot listen on {listen}: {reason.rpartition(': ')[2]}; use another --listen")
        return Exit.FAILED
    return Exit.DONE


def _announce(profile: Profile, host: str, port: int) -> None:
    here = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    say(f"simulator   {here}")
    say(f"{profile.feeds:<11} {here}/_sim/{profile.feeds}.txt")
    for hint in profile.hints:
        say(hint.format(here=here))


def _knob(text: str) -> tuple[str, object]:
    """Parse `NAME=VALUE`; the value is JSON if it parses, else a string."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--knob {text!r} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value


def _hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(known)}."
