"""Examines one account from outside: key, scopes, names of routes, tickets, a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bridge.core.errors import Failure
from bridge.sources import http
from bridge.sources.miosa.classify import Verdict
from bridge.sources.miosa.errors import row_of
from bridge.sources.miosa.following import Parts
from bridge.sources.miosa.ids import PATHS
from bridge.sources.miosa.rules import words
from bridge.sources.miosa.rules.learnt import RUN_PATHS, TICKET_PATHS
from bridge.sources.miosa.rules.tickets import Ticket
from bridge.sources.miosa.settings import MiosaAccount
from bridge.sources.port import Depth, Finding, Level

STREAM_S = 5.0  # until a stream has to open
SCOPES = {
    words.RUN: "runs:read", words.SANDBOX: "sandboxes:read", words.COMPUTER: "computers:read",
    words.BUILD: "builds:read", words.DEPLOYMENT: "deployments:read",
}  # fmt: skip


class Examination:
    """Sends its requests without a gate: where a source's `run` runs, use a second source."""

    def __init__(self, parts: Parts, settings: MiosaAccount, base_url: str) -> None:
        self._api = parts.api
        self._learnt = parts.learnt
        self._clock = parts.clock
        self._metrics = parts.metrics
        self._account = parts.gate.account
        self._settings = settings
        self._base_url = base_url

    async def run(self, depth: Depth) -> Sequence[Finding]:
        """Examine the account as `Source.examine` promises, as deep as `depth` says."""
        key = await self._key()
        findings = [key]
        if key.level is Level.PROBLEM or depth is Depth.TOKEN:
            return findings
        findings += await self._scopes()
        findings.append(self._runs())
        findings += await self._stream()
        return findings

    async def ask_key(self) -> Failure | None:
        """Send a request that every key may send; None when upstream answered it."""
        failure: Failure | None = None
        for name in RUN_PATHS:
            reply = await self._api.listing(name, "lists", {"limit": "1"})
            if not isinstance(reply, Verdict):
                self._learnt.runs.worked(name)
                return None
            failure = reply.failure
            if not reply.is_route_missing:
                break
        return failure

    async def _key(self) -> Finding:
        failure = await self.ask_key()
        if failure is None or failure.code == "insufficient_scope":
            return Finding("token", Level.OK, f"ok, {self._base_url} accepts the key")
        is_key = failure.http_status in (401, 403)
        text = self._words(failure)
        if failure.http_status == 404:
            text = f"{self._base_url} does not answer as the MIOSA API does: check base_url"
        return Finding("token" if is_key else "server", Level.PROBLEM, text, failure)

    @staticmethod
    def _words(failure: Failure) -> str:
        row = row_of(failure.code)
        advice = f"; {row.action}" if row is not None else ""
        request = f" (request id {failure.request_id})" if failure.request_id else ""
        return f"{failure.code}: {failure.message}{advice}{request}"

    async def _scopes(self) -> list[Finding]:
        """Check which lists the key may read, and name each missing scope."""
        lacking: list[str] = []
        for kind, scope in SCOPES.items():
            path = self._learnt.runs.name if kind == words.RUN else PATHS[kind]
            params = {"limit" if kind == words.RUN else "page_size": "1"}
            reply = await self._api.listing(path, "lists", dict.fromkeys(params, "1"))
            if isinstance(reply, Verdict) and reply.failure.code == "insufficient_scope":
                lacking.append(scope)
        if not lacking:
            return [Finding("scope", Level.OK, "the key may read every kind")]
        text = f"the key lacks {', '.join(lacking)}: add them in the vendor's dashboard"
        return [Finding("scope", Level.NOTE, text)]

    def _runs(self) -> Finding:
        name = self._learnt.runs.name
        text = f"runs are under {name}"
        if name != RUN_PATHS[0]:
            text += ": an older server"
        return Finding("server", Level.OK, text)

    async def _stream(self) -> list[Finding]:
        """Check which ticket path works, and whether its ticket opens a stream."""
        failures: list[Failure] = []
        for path in TICKET_PATHS:
            minted = await self._api.mint(path)
            if isinstance(minted, Verdict):
                failures.append(minted.failure)
                continue
            self._learnt.tickets.worked(path)
            ticket = Ticket()
            now = self._clock.monotonic()
            ticket.minted(now, minted.secret, minted.expires_in_s)
            opened = await self._open(ticket.take(now))
            self._metrics.own["tickets_total"].labels(self._account, ticket.close().value).inc()
            return [Finding("ticket", Level.OK, f"tickets come from {path}"), opened]
        text = f"no ticket from either path ({failures[-1].code}): some streams cannot open"
        return [Finding("ticket", Level.NOTE, text, failures[-1])]

    async def _open(self, secret: str | None) -> Finding:
        try:
            async with asyncio.timeout(STREAM_S):
                async with self._api.stream(
                    "/events/stream", resume_id=None, ticket=secret
                ) as stream:
                    status = stream.status
        except http.TROUBLE as error:
            failure = http.to_failure("tenant.stream", error)
            return Finding("stream", Level.NOTE, f"no stream opens: {failure.message}", failure)
        if status in (200, 204):
            return Finding("stream", Level.OK, "the tenant's stream opens with a ticket")
        return Finding("stream", Level.NOTE, f"the tenant's stream answers {status}")
