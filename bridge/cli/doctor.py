"""`doctor`: reports what prevents the bridge from following runs, in plain words."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import click

from bridge.cli.exits import Exit
from bridge.cli.options import examples, load_with, shared_options
from bridge.cli.streams import write_stdout
from bridge.core.errors import ConfigError

if TYPE_CHECKING:
    from bridge.config import Loaded, ResolvedAccount
    from bridge.schema.upstream import UpstreamAccount
    from bridge.sources.port import Finding

_MARKS: Final = {"ok": "ok      ", "note": "note    ", "problem": "PROBLEM "}


@click.command(
    epilog=examples(
        "mogplex-bridge doctor",
        "mogplex-bridge doctor --config bridge.toml --json | jq '.accounts[].findings[]'",
        "mogplex-bridge doctor --fill",
    )
)
@shared_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.option(
    "--fill",
    is_flag=True,
    help="Also use up each token's window (up to 61 reads) to measure how much of it others use. "
    "Upstream then refuses all requests with this token for up to a minute.",
)
def doctor(*, as_json: bool, fill: bool, **shared: Any) -> Exit:
    """Find out why runs cannot be followed: network, token, clock, upstream.

    Three reads for each account: is the server there, is it the right one, is the token alive,
    what may it read, do the clocks agree, is there a stream.

    Exit codes: 0 runs can be followed, 64 a token is refused, 65 it may not read, 69 the server
    cannot be reached, 75 rate limited, 1 another problem upstream, 78 a configuration problem.
    """
    loaded = load_with(**shared)
    reports = asyncio.run(_examine_all(loaded, fill=fill))
    code = next((report.exit for report in reports if report.exit is not Exit.DONE), Exit.DONE)
    if as_json:
        value = {"ok": code is Exit.DONE, "accounts": [report.as_json() for report in reports]}
        write_stdout(json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n")
    else:
        write_stdout("".join(report.as_text() for report in reports).encode())
    return code


class _Report:
    """The findings about one account."""

    def __init__(self, account: str, base_url: str, findings: list[Finding]) -> None:
        self.account = account
        self.base_url = base_url
        self.findings = findings

    @property
    def exit(self) -> Exit:
        from bridge.cli.online import exit_of  # noqa: PLC0415 - aiohttp costs 0.15 s

        return exit_of(self.findings)

    def as_text(self) -> str:
        lines = [f'account "{self.account}" at {self.base_url}\n']
        lines += [f"  {_MARKS[f.level]} {f.about}: {f.text}\n" for f in self.findings]
        return "".join(lines)

    def as_json(self) -> dict[str, Any]:
        return {
            "account": self.account,
            "baseUrl": self.base_url,
            "findings": [
                {
                    "about": finding.about,
                    "level": finding.level.value,
                    "text": finding.text,
                    "code": None if finding.failure is None else finding.failure.code,
                    "httpStatus": None if finding.failure is None else finding.failure.http_status,
                }
                for finding in self.findings
            ],
        }


async def _examine_all(loaded: Loaded, *, fill: bool) -> list[_Report]:
    """Examine the accounts one by one: three reads each, far below any rate limit."""
    accounts = loaded.settings.accounts
    known: list[ResolvedAccount] = []
    return [await _examine(loaded, account, known, fill=fill) for account in accounts]


async def _examine(
    loaded: Loaded, account: UpstreamAccount, known: list[ResolvedAccount], *, fill: bool
) -> _Report:
    from bridge.cli.online import examine  # noqa: PLC0415 - aiohttp costs 0.15 s
    from bridge.config.accounts import resolve_account  # noqa: PLC0415
    from bridge.schema.baseurl import host_was_rewritten  # noqa: PLC0415
    from bridge.sources.port import Depth, Finding, Level  # noqa: PLC0415

    findings: list[Finding] = []
    try:
        resolved = resolve_account(loaded.settings, account, others=known)
    except ConfigError as error:
        findings.append(Finding("token", Level.PROBLEM, str(error)))
        return _Report(account.name, account.base_url, findings)
    known.append(resolved)
    if resolved.tokens.warning:
        findings.append(Finding("token", Level.NOTE, resolved.tokens.warning))
    if host_was_rewritten(account.base_url, resolved.base_url):
        text = (
            "base_url is used without www.: that host only redirects, and the bridge sends no token"
            " after a redirect"
        )
        findings.append(Finding("server", Level.NOTE, text))
    findings += await examine(resolved, Depth.FILL if fill else Depth.ALL)
    return _Report(account.name, resolved.base_url, findings)
