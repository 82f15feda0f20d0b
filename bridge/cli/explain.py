"""`mogplex-bridge explain`: what an upstream error code means and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from http import HTTPStatus

import click

from bridge.cli.exits import Exit
from bridge.cli.options import examples
from bridge.cli.streams import say, write_stdout
from bridge.core.error_table import WAIT_WORDS, ErrorRow, code_key
from bridge.core.errors import Retry

RETRY_WORDS = {
    Retry.TRANSIENT: "yes, automatically",
    Retry.CONDITIONAL: "only after reading the state again",
    Retry.PERMANENT: "no",
    Retry.AUTH_SUSPECT: "by a few probes, to see whether the refusal persists",
    Retry.DONE: "no: the desired state already exists",
    Retry.FEATURE_ABSENT: "at intervals: the server lacks the route",
}

Known = tuple[str, ErrorRow]  # the system's title, and one of its rows


@click.command(
    epilog=examples(
        "mogplex-bridge explain SANDBOX_RUNTIME_UNAVAILABLE",
        "mogplex-bridge explain 503",
        "mogplex-bridge explain 'missing sse ticket'",
    )
)
@click.argument("code")
def explain(code: str) -> Exit:
    """Explain CODE: an error code of any system in any spelling, or an HTTP status.

    For each system that uses it: its meaning, whether the bridge retries and after what wait, and
    what you can do. Exit code 1 when no system uses it.
    """
    known = list(table())
    found = _of_status(code, known) if code.isdecimal() else _of_code(code, known)
    if not found:
        say(f"no system has a code {code!r}{_near(code, known)}")
        return Exit.FAILED
    write_stdout("\n".join(_told(title, row) for title, row in found).encode())
    return Exit.DONE


def table() -> Iterator[Known]:
    """All rows of all systems."""
    from bridge.sources.port import Explains  # noqa: PLC0415 - so that `--help` stays fast
    from bridge.systems import systems  # noqa: PLC0415

    for system in systems().values():
        if isinstance(system, Explains):
            for row in system.errors:
                yield system.title, row


def _of_code(code: str, known: Sequence[Known]) -> list[Known]:
    key = code_key(code)
    return [(title, row) for title, row in known if _is(row, key)]


def _is(row: ErrorRow, key: str) -> bool:
    own = code_key(row.code)
    return key == own or (row.code.endswith("*") and key.startswith(f"{own}_"))


def _of_status(text: str, known: Sequence[Known]) -> list[Known]:
    return [(title, row) for title, row in known if int(text[:9]) in row.http]


def _near(code: str, known: Sequence[Known]) -> str:
    if code.isdecimal():
        try:
            phrase = HTTPStatus(int(code[:9])).phrase
        except ValueError:
            is_short = len(code) == 3
            return ": HTTP has no such status" if is_short else ": a status has three digits"
        return f" with this status ({phrase}); the bridge classifies it by the status alone"
    words = {row.word.lower(): row.code for _, row in known}
    near = difflib.get_close_matches(code_key(code), words, n=3)
    return f"; did you mean {', '.join(words[word] for word in near)}?" if near else ""


def _told(title: str, row: ErrorRow) -> str:
    status = ", ".join(map(str, row.http)) or "any"
    return (
        f"{title} {row.code} (HTTP {status})\n"
        f"  means      {row.meaning}\n"
        f"  retried    {RETRY_WORDS[row.retry]}\n"
        f"  wait       {WAIT_WORDS[row.wait].replace('`', '')}\n"
        f"  to do      {row.action}\n"
        f"  source     {row.source}\n"
    )
