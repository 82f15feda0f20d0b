"""From [[accounts]] to what a source needs: an origin and a way to get the current token."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge.config.baseurl import to_origin
from bridge.config.environment import TOKEN_VARIABLES
from bridge.config.model import Account, Settings
from bridge.config.tokens import TokenFile, TokenProvider, TokenVariable
from bridge.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ResolvedAccount:
    """One account, ready for use. Its repr holds no token."""

    settings: Account
    base_url: str  # scheme://host[:port], nothing behind it
    tokens: TokenProvider

    @property
    def name(self) -> str:
        return self.settings.name


def resolve_accounts(
    settings: Settings,
    environ: Mapping[str, str] | None = None,
    place: Callable[..., str] | None = None,
) -> list[ResolvedAccount]:
    """Find origin and token of every account, in the order of the settings.

    Each token has been read once when this returns. Raises ConfigError naming the account, behind
    what `place` (`Loaded.place`) says of the key.
    """
    found = []
    for i, account in enumerate(settings.accounts):
        try:
            found.append(resolve_account(settings, account, environ))
        except ConfigError as error:
            if place is None:
                raise
            raise ConfigError(f"{place('accounts', i, _token_key(account))}: {error}") from None
    return found


def resolve_account(
    settings: Settings, account: Account, environ: Mapping[str, str] | None = None
) -> ResolvedAccount:
    """As `resolve_accounts`, for one of them."""
    environ = os.environ if environ is None else environ
    try:
        origin = to_origin(account.base_url, allow_plain_http=account.allow_plain_http)
    except ValueError as error:
        raise ConfigError(f'account "{account.name}": base_url must be {error}') from None
    tokens = _tokens(account, environ, is_default=account is settings.default_account)
    tokens.token()
    return ResolvedAccount(account, origin, tokens)


def _token_key(account: Account) -> str:
    return "token_env" if account.token_env else "token_file"


def _tokens(account: Account, environ: Mapping[str, str], *, is_default: bool) -> TokenProvider:
    if account.token_file:
        return TokenFile(Path(account.token_file).expanduser(), account.name)
    if account.token_env:
        return TokenVariable(account.token_env, account.name, environ)
    cure = "set token_file in its [[accounts]] table"
    if is_default:
        cure = f"use --token-file FILE, or set {TOKEN_VARIABLES[0]} or {TOKEN_VARIABLES[1]}"
    raise ConfigError(f'no token for account "{account.name}": {cure}')
