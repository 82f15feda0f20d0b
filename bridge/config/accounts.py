"""From [[accounts]] to what a source needs: an origin and a way to get the current token."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.config.model import Settings
from bridge.config.tokens import TokenFile, TokenProvider, TokenVariable
from bridge.config.upstream import owner_of_key
from bridge.core.errors import ConfigError
from bridge.schema.upstream import UpstreamAccount


@dataclass(frozen=True, slots=True)
class ResolvedAccount:
    """One account, ready for use. Its repr holds no token."""

    settings: UpstreamAccount
    base_url: str  # scheme://host[:port], nothing behind it
    tokens: TokenProvider

    @property
    def name(self) -> str:
        """The account's name, unique among all accounts; feeds and metrics carry it."""
        return self.settings.name


def resolve_accounts(
    settings: Settings,
    environ: Mapping[str, str] | None = None,
    place: Callable[..., str] | None = None,
) -> list[ResolvedAccount]:
    """Find origin and token of every account, in the order of the settings.

    Each token has been read once when this returns.

    Raises:
        ConfigError: A token or an origin is wrong. The text names the account, after what `place`
            (`Loaded.place`) says of the key.
    """
    found: list[ResolvedAccount] = []
    for i, account in enumerate(settings.accounts):
        try:
            found.append(resolve_account(settings, account, environ, others=found))
        except ConfigError as error:
            if place is None:
                raise
            raise ConfigError(f"{place('accounts', i, _token_key(account))}: {error}") from None
    return found


def resolve_account(
    settings: Settings,
    account: UpstreamAccount,
    environ: Mapping[str, str] | None = None,
    *,
    others: Sequence[ResolvedAccount] = (),
) -> ResolvedAccount:
    """As `resolve_accounts`, for one of them; `others` are those whose token may not be its own."""
    environ = os.environ if environ is None else environ
    try:
        origin = account.origin()
    except ValueError as error:
        raise ConfigError(f'account "{account.name}": base_url must be {error}') from None
    tokens = _tokens(account, environ, is_default=_is_first_choice(settings, account))
    owner = owner_of_key(tokens.token())
    if owner not in (None, account.system):
        raise ConfigError(
            f'account "{account.name}" is of system "{account.system}", but its token'
            f' ({tokens.described}) is a key of system "{owner}"'
        )
    resolved = ResolvedAccount(account, origin, tokens)
    _check_own_token(resolved, others)
    return resolved


def _check_own_token(one: ResolvedAccount, others: Sequence[ResolvedAccount]) -> None:
    """Check that no other account has the same token.

    Raises:
        ConfigError: Another account has it, from whatever place.
    """
    token = one.tokens.token()
    for other in others:
        if other.base_url == one.base_url and other.tokens.token() == token:
            raise ConfigError(
                f'account "{one.name}" ({one.tokens.described}) has the token of account'
                f' "{other.name}" ({other.tokens.described}), and so one rate limit with it;'
                " list all feeds under one account"
            )


def _is_first_choice(settings: Settings, account: UpstreamAccount) -> bool:
    """Whether its system's variables of the environment are for this account."""
    return account is settings.default_account_of(account.system)


def _token_key(account: UpstreamAccount) -> str:
    return "token_env" if account.token_env else "token_file"


def _tokens(
    account: UpstreamAccount, environ: Mapping[str, str], *, is_default: bool
) -> TokenProvider:
    if account.token_file:
        return TokenFile(Path(account.token_file).expanduser(), account.name)
    if account.token_env:
        return TokenVariable(account.token_env, account.name, environ)
    cure = "set token_file in its [[accounts]] table"
    if is_default and account.token_variables:
        cure = f"use --token-file FILE, or set {' or '.join(account.token_variables[:2])}"
    raise ConfigError(f'no token for account "{account.name}": {cure}')
