"""The parts of a daemon while its journal is open; complete from the moment they are built."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from bridge.clock import Clock
from bridge.config import ResolvedAccount, Settings
from bridge.core.errors import JournalError
from bridge.core.journal_url import is_shared
from bridge.daemon.build import build_following
from bridge.daemon.gateway import build_gateways
from bridge.daemon.holding import Held, Holding
from bridge.daemon.listed import Listed
from bridge.daemon.serving import (
    Parts,
    build_certificates,
    build_policy,
    build_server,
    read_tokens,
)
from bridge.daemon.sinks import Sinks
from bridge.daemon.standings import Standings
from bridge.daemon.supervisor import Task
from bridge.daemon.tokens import TokenWatch
from bridge.daemon.upkeep import Upkeep
from bridge.daemon.workers.crew import Workers
from bridge.journal.port import OwnedJournal
from bridge.metrics import Metrics
from bridge.outputs.http.port import OwnFeeds
from bridge.outputs.http.server import Server
from bridge.outputs.http.token_access import TokenAccess
from bridge.redact import Redactor
from bridge.tasks import TaskGroup


class Running:
    """Implements `outputs.http.port.Health`: `start`, run `inner` and `outer`, `close`."""

    def __init__(
        self,
        journal: OwnedJournal,
        settings: Settings,
        redactor: Redactor,
        metrics: Metrics,
        clock: Clock,
        on_end: Callable[[], None],
    ) -> None:
        """`on_end` is called when an output ends the program because its reader has gone."""
        self.journal = journal
        self.settings = settings
        self.redactor = redactor
        self.metrics = metrics
        held = Held()
        following = build_following(
            journal,
            redactor,
            metrics,
            clock,
            default_account=settings.default_account.name,
            feeds_max=settings.limits.runs,
            held=held,
            is_shared=is_shared(settings.journal),
        )
        self.follows, self.accounts = following.follows, following.accounts
        self.listed = Listed(self.follows)
        replica = socket.gethostname() if is_shared(settings.journal) else None
        self.sinks = Sinks(journal, metrics, clock, on_end=on_end, replica=replica)
        self.tokens = TokenWatch(self.accounts, self.follows, redactor.protect, clock)
        self.upkeep = Upkeep(
            journal, (settings.retention.age, settings.retention.bytes), metrics, clock
        )
        self._memories = following.memories
        self.holding = Holding(
            journal,
            following.accounts.sources,
            held,
            following.memories,
            following.follows,
            metrics,
        )
        journal.watch(following.follows.heard.put_nowait, following.follows.saw)
        self._standings = Standings(self.accounts.sources, self.follows, metrics, clock)
        self.access = _access(settings, clock)
        self._is_ready = False
        self.workers = (
            Workers(settings, journal, OwnFeeds(self.follows), metrics, clock)
            if settings.server.workers > 1
            else None
        )
        self.server = self._server(settings, clock)

    def _server(self, settings: Settings, clock: Clock) -> Server:
        parts = Parts(
            self.journal,
            self.follows,
            self,
            self.metrics,
            self._render_metrics,
            self.redactor,
            clock,
        )
        return build_server(
            parts,
            access=self.access,
            policy=build_policy(settings, is_behind_workers=self.workers is not None),
            taken=None if self.workers is None else self.workers.counts.streams,
            gateways=build_gateways(settings, self.follows, self.accounts),
        )

    async def start(self, accounts: Sequence[ResolvedAccount]) -> tuple[str, int]:
        """Restore the journal's feeds, open the outputs, and serve.

        Returns:
            The host and port that the bridge serves.

        Raises:
            ConfigError: An account, output, certificate or address cannot be used.
        """
        certificates = build_certificates(self.settings)  # first: the likeliest error
        await self.accounts.change(accounts)
        self.tokens.look()
        self.follows.restore(await self.journal.wishes(), await self.journal.states())
        await self.holding.begin()
        await self.sinks.change(self.settings.outputs)
        await self.listed.follow_now(accounts)
        if self.workers is None:
            address = await self.server.start(*self.settings.listen_address, certificates)
        else:
            address = await self.workers.start(self.server, self._spend)
        self._is_ready = True
        return address

    def _spend(self, ticket: bytes) -> bytes | None:
        """Use up a ticket, given by its hash.

        Returns:
            The hash of its token; None if the ticket is unknown, used or expired.
        """
        identity = self.access.spend(ticket) if self.access is not None else None
        return None if identity is None else identity.key

    @property
    def open_streams(self) -> int:
        """Open streams of all processes."""
        return self.server.open_streams if self.workers is None else self.workers.open_streams

    def adopt(self, settings: Settings) -> None:
        """Apply a reload's settings for clients; tokens and certificates are applied separately."""
        behind = self.workers is not None
        self.server.adopt(build_policy(settings, is_behind_workers=behind))
        if self.workers is not None:
            self.workers.adopt(settings)

    def inner(self) -> dict[str, Task]:
        """The tasks that write records."""
        return {
            "accounts": self.accounts.run,
            "follows": self.follows.run,
            "wishes": self.follows.listen,
            "leases": self.holding.run,
            "listed feeds": self.listed.run,
            "tokens": self.tokens.run,
            "memories": self._memories.run,
            "standings": self._standings.run,
            "retention": self.upkeep.retain,
        }

    def outer(self) -> dict[str, Task]:
        """The tasks that deliver records."""
        return {
            "outputs": self.sinks.run,
            "server": self.server.run,
            "loop-lag": self.upkeep.measure_loop,
            **({} if self.workers is None else {"workers": self.workers.run}),
        }

    async def drain(self, drain_s: float) -> None:
        """Deliver committed records to subscribers, and accept no new ones."""
        self._is_ready = False
        if self.workers is not None:
            await self.workers.drain(drain_s)
        await self.server.drain(drain_s)

    async def close(self) -> None:
        """Let outputs write their last lines, and close connections. Call this after the tasks."""
        self._is_ready = False
        async with TaskGroup() as group:
            group.create_task(self.sinks.close(), name="close outputs")
            group.create_task(self.server.close(), name="close server")
            if self.workers is not None:
                group.create_task(self.workers.close(), name="close workers")
        with suppress(JournalError):  # a successor then assumes a full window
            await self._memories.save()
            await self.holding.release()
        await self.accounts.close()

    # outputs.http.port.Health

    def is_ready(self) -> bool:
        """See `Health.is_ready`."""
        return self._is_ready and self.journal.is_serving

    def checks(self) -> Mapping[str, Mapping[str, Any]]:
        """See `Health.checks`."""
        trouble = self.journal.trouble
        return {
            "ready": {"ok": self._is_ready, "detail": "serving" if self._is_ready else "stopping"},
            "journal": {
                "ok": trouble is None,
                "detail": trouble or "writable",
                "head": self.journal.head,
                "floor": self.journal.floor,
            },
            **self._standings.checks(),
            **self.sinks.checks(),
            **({} if self.workers is None else self.workers.checks()),
        }

    async def _render_metrics(self, accept: str | None) -> tuple[bytes, str]:
        if self.workers is not None:
            await self.workers.collect()
        self._standings.set_metrics()
        self.upkeep.set_metrics()
        self.sinks.set_metrics()
        if self.workers is None:
            return self.metrics.render(accept)
        self.workers.set_metrics()
        return self.metrics.render(accept, self.workers.sums)


def _access(settings: Settings, clock: Clock) -> TokenAccess | None:
    """With `[auth]`, access for token holders; without it None: this machine only."""
    tokens = read_tokens(settings)
    if tokens is None:
        return None
    return TokenAccess(tokens, clock, open_metrics=settings.metrics.open)
