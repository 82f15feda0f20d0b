"""What one key alone cannot tell: rules across settings, each a path and a sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.config.explain import Path
from bridge.config.model import Settings
from bridge.core.journal_url import maybe_file
from bridge.schema.upstream import UpstreamAccount
from bridge.schema.values import is_loopback


def broken_rules(settings: Settings) -> Iterator[tuple[Path, str]]:
    """Yield every rule that the settings break, in the order of the file."""
    yield from _listen_rules(settings)
    yield from _account_rules(settings)
    yield from _output_rules(settings)
    yield from _limit_rules(settings)


def _listen_rules(settings: Settings) -> Iterator[tuple[Path, str]]:
    if settings.server.workers > 1 and maybe_file(settings.journal) is None:
        yield (
            ("server", "workers"),
            "server.workers needs a journal in a file; with any other journal, start more replicas",
        )
    host, _ = settings.listen_address
    if settings.auth is None and not is_loopback(host):
        yield (
            ("listen",),
            f"listen {settings.listen} can be reached from other machines, so [auth] with"
            " tokens_file is needed; or listen on 127.0.0.1",
        )


def _account_rules(settings: Settings) -> Iterator[tuple[Path, str]]:
    names: dict[str, int] = {}
    tokens: dict[tuple[str, str], int] = {}
    owners: dict[tuple[str, str, str, str], int] = {}
    for i, account in enumerate(settings.accounts):
        at: Path = ("accounts", i)
        if names.setdefault(account.name, i) != i:
            first = names[account.name]
            yield (
                (*at, "name"),
                f'account name "{account.name}" is already used by accounts[{first}]',
            )
        origin = ""
        try:
            origin = account.origin()
        except ValueError as error:
            yield (*at, "base_url"), f"accounts[{i}].base_url must be {error}"
        if account.token_file and account.token_env:
            yield (*at, "token_env"), f"accounts[{i}] has token_file and token_env; keep one"
        token = account.token_file or account.token_env
        if token and tokens.setdefault((origin, token), i) != i:
            first = tokens[origin, token]
            yield (
                at,
                f"accounts[{first}] and accounts[{i}] share a token and therefore one rate limit;"
                " list all runs under one account",
            )
        for key, text in account.problems():
            yield (*at, key), f"accounts[{i}].{key} {text}"
        key = _list_key(account)
        for j, (kind, id_) in enumerate(account.listed()):
            feed = (account.system, origin, kind, id_)
            if kind not in account.own_kinds and owners.setdefault(feed, i) != i:
                yield (*at, key, j), f"{kind} {id_} is listed under two accounts; keep one"


def _list_key(account: UpstreamAccount) -> str:
    """The setting that lists the account's feeds."""
    listed = next(iter(account.listed()), None)
    return "follow" if listed is None else account.listing(*listed)[0]


def _output_rules(settings: Settings) -> Iterator[tuple[Path, str]]:
    names: dict[str, int] = {}
    journal = maybe_file(settings.journal)
    accounts = {account.name for account in settings.accounts}
    for i, output in enumerate(settings.outputs):
        at: Path = ("outputs", i)
        key = output.name_key
        if names.setdefault(output.name, i) != i:
            first, shown = names[output.name], getattr(output, key)
            yield (*at, key), f'outputs[{first}] and outputs[{i}] both write "{shown}"'
        if journal and output.file == journal:
            yield (*at, key), f"outputs[{i}].{key} is the journal's file"
        for path, text in output.problems():
            yield (*at, *path), f"outputs[{i}].{'.'.join(path)} {text}"
        for j, name in enumerate(output.filter.accounts):
            if not set("*?!") & set(name) and name not in accounts:
                known = ", ".join(sorted(accounts))
                yield (
                    (*at, "filter", "accounts", j),
                    f'outputs[{i}].filter.accounts names "{name}", which is no account ({known})',
                )
        if output.line_bytes and output.line_bytes < 1024:
            yield (*at, "line_bytes"), f"outputs[{i}].line_bytes must be 0 or at least 1024"


def _limit_rules(settings: Settings) -> Iterator[tuple[Path, str]]:
    limits = settings.limits
    for key, low, high in (
        ("header_wait", 1, 300),
        ("answer_wait", 1, 3600),
        ("idle", 1, 86400),
    ):
        if not low <= getattr(limits, key) <= high:
            yield (
                ("limits", key),
                f"limits.{key} must be between {low} s and {high} s",
            )
    for key, low, high in (
        ("url_bytes", 1024, 64 * 1024),
        ("header_bytes", 4096, 1024 * 1024),
        ("body_bytes", 0, 16 * 1024 * 1024),
    ):
        if not low <= getattr(limits, key) <= high:
            yield ("limits", key), f"limits.{key} must be between {low} and {high} bytes"
    if limits.header_bytes < limits.url_bytes:
        yield (
            ("limits", "header_bytes"),
            f"limits.header_bytes must be at least limits.url_bytes ({limits.url_bytes})",
        )
