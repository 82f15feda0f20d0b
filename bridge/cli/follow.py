"""`follow`: print the events of runs until all have ended."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.exits import Exit, exit_of_failure
from bridge.cli.options import NumberRange, examples, load_with, shared_options
from bridge.cli.streams import complain, say, write_stdout
from bridge.core.errors import Failure, Fault, Retry
from bridge.core.event import Feed

if TYPE_CHECKING:
    from bridge.config import Loaded
    from bridge.sources.port import System

TIMEOUT_S = 1800.0  # the vendor CLI's default (mogplex.md 1.12)


@click.command(
    epilog=examples(
        "mogplex-bridge follow 3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f",
        "mogplex-bridge follow --exit-status --timeout 3600 $RUN",
        "mogplex run --json ... | mogplex-bridge follow --runs-from -",
        "mogplex-bridge follow --format mogplex $RUN | jq -r .message",
        "mogplex-bridge follow --url http://127.0.0.1:8080",
    )
)
@click.argument("ids", metavar="[[KIND:]ID]...", nargs=-1)
@click.option(
    "--system",
    metavar="NAME",
    help="System of the feeds: mogplex, ... [default: that of the default account].",
)
@click.option(
    "--runs-from",
    metavar="FILE",
    help="More runs: per line an id, or a JSON object with runId; - is stdin, read to its end.",
)
@click.option(
    "--url",
    metavar="URL",
    help="Tail a running bridge; this sends no requests upstream. Without an id: all its runs, from"
    " now on. --token-file then holds a token of the bridge.",
)
@click.option(
    "--tail",
    type=click.IntRange(min=0, max=10_000),
    metavar="N",
    help="With --url: start with the last N records [all of the given runs; without an id 0].",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(("cloudevents", "mogplex", "plain", "pretty")),
    callback=lambda _context, _option, name: "mogplex" if name == "plain" else name,
    envvar="MOGPLEX_BRIDGE_FORMAT",
    help="plain: the output of the vendor's own tools (for spaces a line per message); mogplex"
    " means the same. [default: pretty on a terminal, else cloudevents; env:"
    " MOGPLEX_BRIDGE_FORMAT]",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=NumberRange(min=0, min_open=True),
    metavar="SECONDS",
    help=f"Stop after this time with exit code 1. [default: {TIMEOUT_S:g}; none with --url and"
    " no id]",
)
@click.option("--exit-status", is_flag=True, help="Exit with 1 unless every run ended in success.")
@click.option(
    "--fail-on-gap", is_flag=True, help="Exit with 1 when events are known to be missing."
)
@click.option("--timestamps", is_flag=True, help="pretty: print date, time and zone in every line.")
@click.option(
    "--no-prefix", is_flag=True, help="pretty: do not print the run's name before its lines."
)
@click.option("--no-progress", is_flag=True, help="pretty: do not show a status line.")
@click.option(
    "--color",
    type=click.Choice(("auto", "always", "never")),
    default="auto",
    show_default=True,
    help="auto heeds NO_COLOR, then FORCE_COLOR, then the terminal.",
)
@shared_options
def follow(
    ids: tuple[str, ...],
    system: str | None,
    runs_from: str | None,
    url: str | None,
    tail: int | None,
    timeout_s: float | None,
    *,
    exit_status: bool,
    fail_on_gap: bool,
    **more: Any,
) -> int:
    """Print the events of runs until all of them have ended. Needs no daemon, keeps no state.

    An ID alone is a run, or the first kind of the system. Name any other kind before the id:
    sandbox:ID.

    The format pretty shows what the agent says, each tool call with its outcome, the last lines of
    a failed one, and why the run ended. With every format, stderr gets a line for each run that
    ends, and a line with their number.

    Exit codes: 0 done, 1 failed or timed out, 2 usage, 64 token refused, 65 forbidden, 69 upstream
    or bridge unavailable, 75 rate limited, 78 bad configuration.
    """
    from bridge.cli.telling import Manner  # noqa: PLC0415 - `--help` needs none of it

    manner = Manner(
        format=more.pop("format_name"),
        color=more.pop("color"),
        timestamps=more.pop("timestamps"),
        prefix=not more.pop("no_prefix"),
        progress=not more.pop("no_progress"),
    )
    loaded = _load(system, more) if url is None else None
    name = system if loaded is None else loaded.settings.default_account.system
    wanted = _wanted(ids, runs_from, name, is_needed=url is None)
    if tail is not None and url is None:
        raise click.UsageError("--tail needs --url: only a bridge has older records")
    if timeout_s is None and (url is None or wanted):
        timeout_s = TIMEOUT_S
    if url is not None:
        from bridge.cli.tailing import Tail, tail_bridge  # noqa: PLC0415

        run_ids = list(dict.fromkeys(id_ for _, id_ in wanted))
        wish = Tail(url, more["token_file"], run_ids, tail, timeout_s)
        outcome, telling = tail_bridge(wish, manner)
    else:
        from bridge.loop import run  # noqa: PLC0415

        assert loaded is not None
        outcome, telling = run(
            lambda: _follow(loaded, wanted, manner, timeout_s or TIMEOUT_S, more)
        )
    code = _conclude(outcome, telling, timeout_s, exit_status=exit_status)
    telling.say_counts()
    if code == Exit.DONE and fail_on_gap and telling.gaps:
        complain(f"--fail-on-gap: {telling.gaps} gap{'s' * (telling.gaps != 1)}")
        return Exit.FAILED
    return code


def _load(system: str | None, shared: dict[str, Any]) -> Loaded:
    """The settings; with a system, only its accounts, its default account first."""
    from bridge.systems import systems  # noqa: PLC0415 - `--help` needs none of it

    if system is None:
        return load_with(**shared)
    if system not in systems():
        raise click.UsageError(f"no system {system!r}: there are {', '.join(systems())}")
    loaded = load_with(**shared, system=system)
    meant = loaded.settings.default_account_of(system)
    assert meant is not None, "the loader makes one"
    rest = [a for a in loaded.settings.accounts if a.system == system and a is not meant]
    settings = loaded.settings.model_copy(update={"accounts": (meant, *rest)})
    return dataclasses.replace(loaded, settings=settings)


def _wanted(
    ids: tuple[str, ...], runs_from: str | None, system: str | None, *, is_needed: bool
) -> list[tuple[str, str]]:
    """Kind and id of every feed to follow, each once.

    Args:
        ids: The arguments of the command.
        runs_from: A file with more ids, or `-` for stdin.
        system: The system that the ids belong to; None is the first one.
        is_needed: Whether an empty list is an error.
    """
    from bridge.daemon.run_lists import read_now, to_run_text  # noqa: PLC0415

    places = [("", text) for text in ids]
    if runs_from is not None:
        for number, line in read_now(runs_from):
            try:
                text = to_run_text(line)
            except ValueError as error:
                raise click.UsageError(f"{_name(runs_from)}:{number}: {error}") from None
            if text is not None:
                places.append((f"{_name(runs_from)}:{number}: ", text))
    wanted = dict.fromkeys(_feed(place, text, system) for place, text in places)
    if not wanted and is_needed:
        kind = next(iter(_system(system).kinds))
        raise click.UsageError(f"no {kind} to follow: give {kind} ids, or --runs-from FILE")
    return list(wanted)


def _system(name: str | None) -> System:
    """The system with this name; None is the first one."""
    from bridge.systems import systems  # noqa: PLC0415

    return systems()[name] if name is not None else next(iter(systems().values()))


def _feed(place: str, text: str, name: str | None) -> tuple[str, str]:
    """Kind and id of an argument: "ID", "KIND:ID", or a kind that has no ids.

    Args:
        place: Where the text comes from, for errors.
        text: The argument.
        name: The system's name; None is the first one.

    Raises:
        click.UsageError: The text is no id of that kind.
    """
    system = _system(name)
    kind, colon, id_ = text.strip().partition(":")
    if not colon and kind in system.kinds:
        with contextlib.suppress(ValueError):
            return kind, system.feed("default", kind, "").id
    if not colon or kind not in system.kinds:
        kind, id_ = next(iter(system.kinds)), text
    try:
        return kind, system.feed("default", kind, id_).id
    except ValueError as error:
        shown = f"{place}{id_[:100]!r} is no {kind} id: {error}"
        raise click.UsageError(shown + _meant(text, list(system.kinds))) from None


def _meant(text: str, kinds: Sequence[str]) -> str:
    """A hint at the kind that an invalid id may belong to; empty without one."""
    import difflib  # noqa: PLC0415 - for mistakes only

    word, colon, _ = text.strip().partition(":")
    if word in kinds and not colon:
        return f"; give the id of the {word} too: {word}:ID"
    if len(kinds) == 1 or word in kinds:
        return ""
    near = difflib.get_close_matches(word, kinds, n=1)
    if near:
        return f'; did you mean the kind "{near[0]}"? There are {", ".join(kinds)}'
    return f"; name another kind before the id, as in {kinds[1]}:ID ({', '.join(kinds)})"


def _name(runs_from: str) -> str:
    return "stdin" if runs_from == "-" else str(Path(runs_from))


async def _follow(
    loaded: Loaded,
    wanted: list[tuple[str, str]],
    manner: Any,
    timeout_s: float,
    shared: dict[str, Any],
) -> tuple[Any, Any]:
    from bridge import log  # noqa: PLC0415
    from bridge.cli.telling import Telling  # noqa: PLC0415
    from bridge.clock import SystemClock  # noqa: PLC0415
    from bridge.config import resolve_accounts  # noqa: PLC0415
    from bridge.daemon.build import build_redactor  # noqa: PLC0415
    from bridge.daemon.once import FollowOptions, follow_until_ended  # noqa: PLC0415

    settings = loaded.settings
    accounts = resolve_accounts(settings)
    for account in accounts:
        if account.tokens.warning is not None:
            say(f"warning: {account.tokens.warning}")
    redactor = build_redactor(settings.redaction, loaded.place, compile_later=True)
    redactor.protect([account.tokens.token() for account in accounts])
    # The printer joins texts, so the whole is redacted again, on the intake's thread.
    ids = [id_ for _, id_ in wanted]
    telling = Telling(manner, ids, redact=redactor.text, wall=SystemClock().wall)
    options = FollowOptions(
        printer=telling, write=write_stdout, tell=telling.say, timeout_s=timeout_s
    )
    log.configure(
        redactor.twin().value, level=shared.get("log_level") or "warning", form=settings.log.format
    )
    name = settings.default_account.name
    return await follow_until_ended(accounts, name, wanted, redactor, options), telling


def _conclude(outcome: Any, telling: Any, timeout_s: float | None, *, exit_status: bool) -> int:
    """Report what failed, and return the exit code."""
    tales = telling.tales.all
    open_ = [tale for tale in tales if not tale.is_over]
    if outcome.timed_out:
        names = ", ".join(f"{tale.run_id[:8]} ({tale.status or 'not read yet'})" for tale in open_)
        count = f"{len(open_)} run has" if len(open_) == 1 else f"{len(open_)} runs have"
        complain(f"timed out after {timeout_s:g} s (--timeout): {count} not ended: {names[:500]}")
    for feed, failure in outcome.failures.items():
        kind, id_ = (feed.kind, feed.id) if isinstance(feed, Feed) else ("run", feed)
        cure = _told_by_table(feed, failure) if isinstance(feed, Feed) else None
        cure = _cure(kind, failure) if cure is None else cure
        request = f" (request id {failure.request_id})" if failure.request_id else ""
        complain(f"{kind} {id_}: {failure.code}: {failure.message}{cure}{request}")
    if outcome.failures and (not outcome.timed_out or len(outcome.failures) == len(open_)):
        return exit_of_failure(next(iter(outcome.failures.values())))
    if outcome.timed_out:
        return Exit.FAILED
    if exit_status and any(tale.tone != "good" for tale in tales):
        return Exit.FAILED
    return Exit.DONE


def _told_by_table(feed: Feed, failure: Failure) -> str | None:
    """The action from the system's own table of errors.

    Returns:
        Empty if the message contains the action already, None if the table has none.
    """
    from bridge.core.error_table import code_key  # noqa: PLC0415 - for failures only
    from bridge.sources.port import Explains  # noqa: PLC0415
    from bridge.systems import systems  # noqa: PLC0415

    is_final = failure.retry in (Retry.PERMANENT, Retry.CONDITIONAL)
    if not is_final or failure.fault is Fault.TOKEN:
        return None
    key = code_key(failure.code)
    for name, system in systems().items():
        if name == feed.system and isinstance(system, Explains):
            action = next((row.action for row in system.errors if code_key(row.code) == key), "")
            said = action in failure.message
            return None if not action else "" if said else f"; {action}"
    return None


def _cure(kind: str, failure: Failure) -> str:  # noqa: PLR0911 - one for each
    """What an operator can do about a feed that failed for good."""
    status = failure.http_status
    if failure.code == "HTTP_ERROR":
        return "; check the base URL and any proxy in between"
    match failure.fault:
        case Fault.TOKEN if status is not None and 300 <= status < 400:
            return "; check the token and the base URL"
        case Fault.TOKEN:
            return "; issue a new token in the settings of your account"
        case Fault.RIGHTS:
            return "; issue a token that may read"
        case Fault.SERVER if failure.code in ("TRANSPORT", "TIMEOUT"):
            return "; check the base URL and the network"
        case Fault.REQUEST if status == 404:
            return f"; check the id, and that the token belongs to the {kind}'s owner"
        case _:
            return ""
