"""Watches the token files of the accounts and retries what a new token may cure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.clock import Clock
from bridge.config import TokenProvider
from bridge.daemon.accounts import Accounts
from bridge.daemon.follows import Follows
from bridge.log import get_logger
from bridge.schema.proxies import proxy_of, secrets_of
from bridge.sources.port import Source

TICK_S = 1.0  # between checks of the files

log = get_logger()


class TokenWatch:
    """`run` is a task."""

    def __init__(
        self,
        accounts: Accounts,
        follows: Follows,
        protect: Callable[[list[str]], None],
        clock: Clock,
    ) -> None:
        """`protect` receives the tokens in use, so that the redactor removes them literally."""
        self._accounts = accounts
        self._follows = follows
        self._protect = protect
        self._clock = clock
        # By account: the token in use, its generation, how often the file was written.
        self._known: dict[str, tuple[TokenProvider, int, int]] = {}
        self._suspended: set[str] = set()  # accounts that the log reported as suspended
        self._warned: dict[str, str | None] = {}

    async def run(self) -> None:
        """Check the files once a second until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(TICK_S)

    def look(self) -> None:
        """Read changed files and report new tokens to the sources and the follows."""
        known: dict[str, tuple[TokenProvider, int, int]] = {}
        for account in self._accounts.resolved:
            tokens, source = account.tokens, self._accounts.sources[account.name]
            tokens.token()  # reads a changed file
            self._warn(account.name, tokens.warning)
            now = known[account.name] = tokens, tokens.generation, tokens.touched
            held = self._known.get(account.name, now)
            if held[0] is tokens and held[1] != tokens.generation:
                log.info("token.replaced", account=account.name)
                source.token_replaced()
                self._follows.revive(account.name, source.system.words.mended_by_token)
            elif held[0] is tokens and held[2] != tokens.touched:
                source.ask_again()
            self._tell_suspended(source)
        if known != self._known:
            accounts = self._accounts.resolved
            proxies = [proxy_of(account.base_url) for account in accounts]
            secrets = [secret for proxy in proxies if proxy for secret in secrets_of(proxy)]
            self._protect([account.tokens.token() for account in accounts] + secrets)
        self._known = known

    def _warn(self, account: str, warning: str | None) -> None:
        if warning != self._warned.get(account):
            self._warned[account] = warning
            if warning is not None:
                log.warning("token.warned", account=account, reason=warning)

    def _tell_suspended(self, source: Source) -> None:
        name, standing = source.name, source.standing()
        if standing.suspended_since is not None and name not in self._suspended:
            self._suspended.add(name)
            retry_s = max(0.0, (standing.retry_at or 0.0) - self._clock.monotonic())
            log.error("token.suspended", account=name, retry_in_s=round(retry_s))
        elif standing.suspended_since is None and name in self._suspended:
            self._suspended.discard(name)
            if standing.was_accepted:
                log.info("token.revived", account=name)
