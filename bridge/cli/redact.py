"""`mogplex-bridge redact`: the bridge's redaction engine as a filter."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from bridge.cli.options import config_option, examples
from bridge.cli.streams import read_some, say, write_stdout
from bridge.redact import Memory, Policy, Redactor
from bridge.redact.explain import explain as places_of
from bridge.redact.jsondoc import Document

CHUNK_BYTES = 65_536  # per read; complete lines are written before the next one
# A longer line is replaced as a whole, because a part of it cannot be redacted safely.
# 16 MiB is eight times what upstream serves as one page.
LINE_BYTES_MAX = 16 * 2**20
TOO_LONG = b'"[REDACTED:unscanned]"\n'

PolicyLoader = Callable[[Path | None], Policy]


def load_policy(config: Path | None) -> Policy:
    """The policy of the configuration's `[redaction]`; the default policy without a file.

    Raises:
        ConfigError: The configuration or a pattern is wrong.
    """
    if config is None and not os.environ.get("MOGPLEX_BRIDGE_CONFIG"):
        return Policy()
    from bridge.cli.options import load_with  # noqa: PLC0415
    from bridge.daemon.build import build_policy  # noqa: PLC0415 - the filter alone needs no settings

    loaded = load_with(config=config)
    return build_policy(loaded.settings.redaction, loaded.place)


def make_command(policy_of: PolicyLoader) -> click.Command:
    """Build the command; the caller supplies the policy."""

    @click.command(
        "redact",
        epilog=examples(
            "kubectl logs agent | mogplex-bridge redact",
            "mogplex-bridge redact < events.ndjson > clean.ndjson",
            "mogplex-bridge redact --explain < events.ndjson",
            "mogplex-bridge redact --config bridge.toml < events.ndjson",
        ),
    )
    @config_option
    @click.option(
        "--explain",
        is_flag=True,
        help="Print only what would be replaced: line, path, offset, rule, kind.",
    )
    def redact(config: Path | None, explain: bool) -> None:  # noqa: FBT001 - click's way
        """Redact the lines of stdin.

        In a line of JSON only the secrets change; any other line is redacted as
        text. Secrets never appear on stderr or in --explain.
        """
        # A filter delays only itself, so it scans every accepted line to its end.
        redactor = Redactor(policy_of(config), chars_max=LINE_BYTES_MAX)
        memory = Memory()  # a later line may hold the output of a command
        number = 0
        for lines in _chunks_of_lines(sys.stdin.buffer.fileno()):
            out: list[bytes] = []
            for line in lines:
                number += 1
                if explain:
                    out += _explained(redactor, number, line)
                else:
                    out.append(_redacted(redactor, number, line, memory))
            if out:
                write_stdout(b"".join(out))

    return redact


redact = make_command(load_policy)


def _chunks_of_lines(descriptor: int) -> Iterator[list[bytes | None]]:
    """Yield the complete lines of each read; None replaces a line that is too long.

    The filter does not wait for a full buffer: it writes a line before the next read can block.
    """
    held: list[bytes] = []
    held_bytes = 0
    is_skipping = False
    while chunk := read_some(descriptor, CHUNK_BYTES):
        *complete, rest = chunk.split(b"\n")
        lines: list[bytes | None] = []
        for piece in complete:
            if is_skipping or held_bytes + len(piece) > LINE_BYTES_MAX:
                lines.append(None)
            else:
                lines.append(b"".join([*held, piece]))
            held, held_bytes, is_skipping = [], 0, False
        if held_bytes + len(rest) > LINE_BYTES_MAX:
            held, held_bytes, is_skipping = [], 0, True
        elif rest and not is_skipping:
            held.append(rest)
            held_bytes += len(rest)
        yield lines
    if is_skipping:
        yield [None]
    elif held:
        yield [b"".join(held)]


def _parsed(line: bytes) -> Document | str:
    """A JSON document, or text; bytes that are not UTF-8 pass through unchanged."""
    bare = line.strip()
    if bare:
        try:
            return Document(line.decode("utf-8"))
        except (ValueError, RecursionError):
            pass
    return line.decode("utf-8", "surrogateescape")


def _redacted(redactor: Redactor, number: int, line: bytes | None, memory: Memory) -> bytes:
    if line is None:
        say(f"line {number}: longer than {LINE_BYTES_MAX} bytes, replaced whole")
        return TOO_LONG
    try:
        found = _parsed(line)
        if isinstance(found, Document):
            done = found.changed(lambda value: redactor.value(value, memory)).encode("utf-8")
        else:
            done = redactor.text(found).encode("utf-8", "surrogateescape")
    except Exception:  # noqa: BLE001 - a filter that dies lets nothing through, and holds up its pipe
        say(f"line {number}: could not be read, replaced whole")
        return TOO_LONG
    return done + b"\n"


def _explained(redactor: Redactor, number: int, line: bytes | None) -> list[bytes]:
    if line is None:
        return [f"{number}\t.\t0\tunscanned\tunscanned\n".encode()]
    found = _parsed(line)
    value = found.value() if isinstance(found, Document) else found
    return [
        f"{number}\t{_printable(place.path)}\t{place.offset}\t{place.rule}\t{place.kind}\n".encode(
            "utf-8", "backslashreplace"
        )
        for place in places_of(redactor, value)
    ]


def _printable(path: str) -> str:
    """A path for a terminal. Escapes control characters, because names come from outside."""
    return path if path.isprintable() else ascii(path)[1:-1]
