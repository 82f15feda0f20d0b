"""`check`: validates the configuration and shows each effective setting with its origin."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.exits import Exit
from bridge.cli.options import examples, load_with, shared_options
from bridge.cli.streams import complain, say, write_stdout
from bridge.core.errors import ConfigError
from bridge.core.journal_url import is_shared

if TYPE_CHECKING:
    from bridge.cli.online import Verdict
    from bridge.config import Loaded, ResolvedAccount, Settings


@click.command(
    epilog=examples(
        "mogplex-bridge check --config bridge.toml",
        "mogplex-bridge check --config bridge.toml --online",
        "mogplex-bridge check --json | jq .origins",
        "mogplex-bridge check --example > bridge.toml",
    )
)
@shared_options
@click.option("--online", is_flag=True, help="Try each token with one read (GET /repos?limit=1).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.option(
    "--example", is_flag=True, help="Print a file that explains every setting; do not check."
)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the file; do not check.")
def check(*, online: bool, as_json: bool, example: bool, schema: bool, **shared: Any) -> Exit:
    """Check the configuration and print the effective settings.

    The output is a valid configuration file with the origin of every value. Tokens are masked.
    If the configuration names a file that is missing or unreadable, you get only a warning: so you
    can check it on a machine without the secrets. A file that is present must be valid.

    Exit codes: 0 no problem, 78 the configuration is wrong; with --online also 64 a token is
    refused, 65 it may not read, 69 the server cannot be reached, 75 rate limited.
    """
    from bridge.config import SettingsError  # noqa: PLC0415 - so that `--help` stays fast
    from bridge.config.reference import example_text, schema_text  # noqa: PLC0415
    from bridge.config.slow_patterns import refuse_slow_patterns  # noqa: PLC0415

    if example or schema:
        write_stdout((example_text() if example else schema_text()).encode())
        return Exit.DONE
    try:
        loaded = load_with(**shared)
        refuse_slow_patterns(loaded.settings.redaction.patterns, loaded.place)
        report = _Report(loaded)
        _refuse_bad_files(loaded)
    except ConfigError as error:
        problems = error.problems if isinstance(error, SettingsError) else (str(error),)
        if as_json:
            _print_json({"ok": False, "problems": problems})
        for problem in problems:
            complain(problem)
        return Exit.CONFIG
    code = Exit.DONE
    if online:
        code = report.go_online()
    if as_json:
        _print_json(report.as_json(is_ok=code is Exit.DONE))
    else:
        report.print_text()
    return code


class _Report:
    """The findings about one configuration."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._accounts, self._tokens, self.warnings = _resolve(loaded)
        self.warnings += _missing_files(loaded)
        self.warnings += _of_the_journal(loaded.settings)
        self._verdicts: list[Verdict] = []

    def go_online(self) -> Exit:
        """Try every token upstream; the first account that fails decides the exit code."""
        from bridge.cli.online import try_tokens  # noqa: PLC0415 - aiohttp costs 0.15 s

        self._verdicts = asyncio.run(try_tokens(self._accounts))
        codes = [verdict.exit for verdict in self._verdicts if verdict.exit is not Exit.DONE]
        if len(self._accounts) < len(self._loaded.settings.accounts):
            codes.append(Exit.CONFIG)  # an account without a token cannot be tried
        return codes[0] if codes else Exit.DONE

    def print_text(self) -> None:
        from bridge.config.effective import effective_toml  # noqa: PLC0415

        lines = [effective_toml(self._loaded.settings, self._loaded.origin)]
        lines += [f'# token of account "{name}": {text}\n' for name, text in self._tokens.items()]
        lines += [f'# account "{v.account}": {v.text}\n' for v in self._verdicts]
        write_stdout("".join(lines).encode())
        for warning in self.warnings:
            say(f"warning: {warning}")

    def as_json(self, *, is_ok: bool) -> dict[str, Any]:
        from bridge.config.effective import flat  # noqa: PLC0415
        from bridge.config.explain import dotted  # noqa: PLC0415

        return {
            "ok": is_ok,
            "settings": self._loaded.settings.model_dump(mode="json"),
            "origins": {
                dotted(path): self._loaded.origin(path) for path, _ in flat(self._loaded.settings)
            },
            "tokens": self._tokens,
            "warnings": self.warnings,
            "online": [
                {"account": v.account, "code": v.code, "message": v.text} for v in self._verdicts
            ],
        }


def _of_the_journal(settings: Settings) -> list[str]:
    """Notes about the journal that a check cannot verify."""
    if not is_shared(settings.journal):
        return []
    said = [
        "journal: set `sync_interval: always` in the jetstream section of every NATS server;"
        " without it a power cut can lose acknowledged records; the bridge cannot check this"
        " setting"
    ]
    if "," not in settings.journal and "replicas=" not in settings.journal:
        said.append(
            "journal: one NATS node keeps the only copy; name three nodes to survive the loss of"
            " one"
        )
    return said


def _resolve(loaded: Loaded) -> tuple[list[ResolvedAccount], dict[str, str], list[str]]:
    """Accounts with a usable token, a masked description of each token, and warnings."""
    from bridge.config.accounts import resolve_account  # noqa: PLC0415

    accounts: list[ResolvedAccount] = []
    tokens: dict[str, str] = {}
    warnings: list[str] = []
    for i, account in enumerate(loaded.settings.accounts):
        key = "token_env" if account.token_env else "token_file"
        try:
            resolved = resolve_account(loaded.settings, account, others=accounts)
        except ConfigError as error:
            text = f"{loaded.place('accounts', i, key)}: {error}"
            if account.token_file and _is_readable(account.token_file):
                raise ConfigError(text) from None
            warnings.append(text)
            tokens[account.name] = "none"
            continue
        accounts.append(resolved)
        token = resolved.tokens.token()
        prefix = next((p for p in account.key_prefixes if token.startswith(p)), "")
        tokens[account.name] = f"{prefix}*** ({len(token)} characters, {resolved.tokens.described})"
        if resolved.tokens.warning:
            warnings.append(resolved.tokens.warning)
    return accounts, tokens, warnings


def _other_files(settings: Settings) -> dict[tuple[str, str], str]:
    """Configured files other than tokens of accounts and outputs, by the path of their key."""
    files: dict[tuple[str, str], str] = {}
    if settings.redaction.fingerprint_key_file is not None:
        files["redaction", "fingerprint_key_file"] = settings.redaction.fingerprint_key_file
    if settings.auth is not None:
        files["auth", "tokens_file"] = settings.auth.tokens_file
    if settings.tls is not None:
        files["tls", "certificate_file"] = settings.tls.certificate_file
        files["tls", "key_file"] = settings.tls.key_file
    return files


def _is_readable(file: str) -> bool:
    path = Path(file).expanduser()
    return path.exists() and os.access(path, os.R_OK)


def _missing_files(loaded: Loaded) -> list[str]:
    """Files that `serve` would miss on this machine; another machine may have them."""
    warnings = []
    for i, output in enumerate(loaded.settings.outputs):
        if output.file is None:
            continue
        path, place = Path(output.file).expanduser(), loaded.place("outputs", i, output.name_key)
        if not path.parent.is_dir():
            warnings.append(f"{place}: directory of {output.file} does not exist here")
        elif path.is_dir():
            warnings.append(f"{place}: {output.file} is a directory here; name a file in it")
    for key, file in _other_files(loaded.settings).items():
        if not _is_readable(file):
            what = (
                "is not readable for your user"
                if Path(file).expanduser().exists()
                else "does not exist"
            )
            warnings.append(f"{loaded.place(*key)}: {file} {what} here")
    return warnings


def _refuse_bad_files(loaded: Loaded) -> None:
    """Check the files that are present, as `serve` and a reload do.

    Raises:
        ConfigError: A file is invalid.
    """
    settings, named = loaded.settings, _other_files(loaded.settings)
    readable = {table for table, _ in named} - {
        table for (table, _), file in named.items() if not _is_readable(file)
    }
    if "redaction" in readable:
        from bridge.daemon.build import build_policy  # noqa: PLC0415

        build_policy(settings.redaction, loaded.place)
    if settings.auth is not None and "auth" in readable:
        from bridge.outputs.http.tokens import Tokens  # noqa: PLC0415

        with loaded.telling("auth", "tokens_file"):
            Tokens(Path(settings.auth.tokens_file).expanduser())
    if settings.tls is not None and "tls" in readable:
        from bridge.outputs.http.certificates import Certificates  # noqa: PLC0415

        files = (settings.tls.certificate_file, settings.tls.key_file)
        with loaded.telling("tls"):
            Certificates(*(Path(file).expanduser() for file in files))


def _print_json(value: dict[str, Any]) -> None:
    write_stdout(json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n")
