"""Starts runs: forwards a start with the client's key and never loses it.

G1 The journal holds a start before it goes upstream, and drops it only when its run is followed
   durably or upstream refused it. A process that is killed in between repeats the request with
   the same key, which gives the same run.
G2 A key belongs to the client who first started a run with it, across restarts and across
   accounts with the same token: no other client gets that run through the key.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bridge.clock import Clock
from bridge.core.errors import BridgeError, Failure, Fault, JournalError, Retry
from bridge.journal.port import Journal
from bridge.log import get_logger
from bridge.outputs.gateway.owners import Owners
from bridge.outputs.gateway.port import Dialect, Runs
from bridge.outputs.gateway.seal import maybe_open, seal
from bridge.outputs.gateway.upstream import Reply, Upstream
from bridge.outputs.http.port import TooManyFeedsError
from bridge.sources.port import Question
from bridge.wire.jsontext import JsonError, dumps, loads

_log = get_logger()

CHECKPOINT = "gateway/starts"
OWNERS_CHECKPOINT = "gateway/owners"
PENDING_MAX = 64  # starts under way; upstream allows 10 a minute
AGAIN_S = 15.0  # between attempts to learn the outcome of a start
# Refusals that come before upstream checks the key: token, limits, an unavailable service.
_OF_THE_QUESTION = frozenset({401, 403, 429, 503})
GIVEN_UP_S = 3600.0  # upstream's memory of keys is not known; an hour is longer than any retry


@dataclass(frozen=True, slots=True)
class Start:
    """One start that was forwarded, or is about to be."""

    account: str
    key: str  # the client's Idempotency-Key
    body: bytes
    asked_at_s: float  # wall clock
    client: str  # name of its token


class KeyTakenError(BridgeError):
    """Another client used this Idempotency-Key."""


class Starts:
    """`start` forwards a start; `run` recovers unfinished ones."""

    def __init__(
        self, journal: Journal, runs: Runs, upstream: Upstream, dialect: Dialect, clock: Clock
    ) -> None:
        self._journal = journal
        self._runs = runs
        self._upstream = upstream
        self._path = f"{dialect.api}/runs"
        self._dialect = dialect
        self._clock = clock
        self._pending: dict[tuple[str, str], Start] = {}
        # When each was first seen (monotonic), and its age then by the wall clock.
        self._first_looks: dict[tuple[str, str], tuple[float, float]] = {}
        self._told: dict[tuple[str, str], str] = {}  # the reason that was logged last, for each
        self._writing = asyncio.Lock()
        self._owners = Owners()
        self._left_over = asyncio.Event()

    async def start(self, client: str, account: str, key: str, body: bytes) -> Reply | Failure:
        """Start a run for a client.

        Args:
            client: The name of the client's token.
            account: The account to start it with.
            key: The client's Idempotency-Key.
            body: The request's body as JSON.

        Returns:
            Upstream's answer, or a Failure if there is none.

        Raises:
            KeyTakenError: The key belongs to another client or another request.
            JournalError: The journal cannot store the start; nothing was sent.
            TooManyFeedsError: Too many starts, or followed runs.
        """
        if self._is_of_another(client, account, key):
            raise KeyTakenError("Idempotency-Key was used with a different request")
        if len(self._pending) >= PENDING_MAX and (account, key) not in self._pending:
            raise TooManyFeedsError("too many starts are under way")
        known = self._pending.get((account, key))
        if known is not None and known.body != body:  # the first one's outcome is unknown
            raise KeyTakenError("Idempotency-Key was used with a different request")
        start = known or Start(account, key, body, self._clock.wall(), client)
        await self._note(start)
        try:
            return await self._finish(start, is_again=known is not None)
        finally:
            if (account, key) in self._pending:
                self._left_over.set()  # unknown outcome, or the client left: `run` finishes it

    def _is_of_another(self, client: str, account: str, key: str) -> bool:
        space = self._space(account)
        return self._owners.is_of_another(space, key, client) or any(
            start.key == key and start.client != client and self._space(start.account) == space
            for start in self._pending.values()
        )

    def _space(self, account: str) -> str:
        """One name for all accounts with the same token: upstream sees one caller."""
        sealing_key = self._runs.sealing_key
        own = sealing_key(account)
        return min(name for name in {account, *self._runs.accounts()} if sealing_key(name) == own)

    async def run(self) -> None:
        """Recover starts whose answer was lost, until cancelled."""
        await self._take_over()
        while True:
            for start in list(self._pending.values()):
                if self._age_s(start) > GIVEN_UP_S:
                    _log.warning("gateway.start_given_up", account=start.account)
                    await self._forget(start)
                    continue
                try:
                    reply = await self._finish(start, is_again=True)
                except (JournalError, TooManyFeedsError) as error:
                    self._tell(start, str(error))
                    break  # later
                if (start.account, start.key) in self._pending:
                    self._tell(
                        start, reply.code if isinstance(reply, Failure) else f"HTTP {reply.status}"
                    )
            if not self._pending:
                await self._left_over.wait()
            self._left_over.clear()
            await asyncio.sleep(AGAIN_S)

    def _tell(self, start: Start, reason: str) -> None:
        """Log why the outcome is not known; once while the reason stays the same."""
        if self._told.get((start.account, start.key)) != reason:
            self._told[start.account, start.key] = reason
            _log.warning("gateway.start_unknown", account=start.account, reason=reason)

    def _age_s(self, start: Start) -> float:
        """The age of a start; after the first call it grows by the monotonic clock at most.

        A wall clock that jumps forward does not give up a start that is a minute old.
        """
        now_s = self._clock.monotonic()
        wall_age_s = self._clock.wall() - start.asked_at_s
        first_s, age_then_s = self._first_looks.setdefault(
            (start.account, start.key), (now_s, wall_age_s)
        )
        return min(wall_age_s, age_then_s + now_s - first_s)

    async def _finish(self, start: Start, *, is_again: bool) -> Reply | Failure:
        """Send a start, and forget it once its outcome is known.

        `is_again`: an earlier request may have reached upstream. A refusal then proves nothing
        about that request.
        """
        headers = {"Idempotency-Key": start.key, "Content-Type": "application/json"}
        question = Question("POST", self._path, headers=headers, body=start.body)
        reply = await self._upstream.ask(start.account, question)
        if isinstance(reply, Failure):
            # Upstream checks the token first. Without this, a start that the client was told has
            # failed would begin as soon as the token is accepted again.
            was_never_asked = (
                reply.fault is Fault.RATE
                or reply.retry is Retry.PERMANENT
                or reply.http_status == 401
            )
            if was_never_asked and not is_again:
                await self._forget(start)
            return reply
        if 200 <= reply.status < 300:
            id_, _ = self._dialect.started(reply.body)
            if id_ is not None:
                await self._runs.follow(start.account, id_)
                self._owners.took(self._space(start.account), start.key, start.client)
        elif reply.status >= 500 and not _is_refusal(reply.body):
            return reply  # it is unknown whether the run started
        elif is_again and reply.status in _OF_THE_QUESTION:
            return reply
        await self._forget(start)
        return reply

    # What survives a kill of the process

    async def _note(self, start: Start) -> None:
        self._pending[start.account, start.key] = start
        self._age_s(start)
        try:
            await self._write()
        except JournalError:
            del self._pending[start.account, start.key]
            self._first_looks.pop((start.account, start.key), None)
            raise

    async def _forget(self, start: Start) -> None:
        self._first_looks.pop((start.account, start.key), None)
        self._told.pop((start.account, start.key), None)
        if self._pending.pop((start.account, start.key), None) is not None:
            with suppress(JournalError):  # else repeated after a restart, which gives the same run
                await self._write()

    async def _write(self) -> None:
        async with self._writing:
            kept = [self._sealed(start) for start in self._pending.values()]
            await self._journal.append(
                (),
                checkpoints=[
                    (CHECKPOINT, dumps(kept)),
                    (OWNERS_CHECKPOINT, dumps(self._owners.saved())),
                ],
            )

    def _sealed(self, start: Start) -> Mapping[str, Any]:
        body = seal(start.body, self._runs.sealing_key(start.account))
        return {
            "account": start.account,
            "key": start.key,
            "body": base64.b64encode(body).decode(),
            "askedAt": start.asked_at_s,
            "client": start.client,
        }

    async def _take_over(self) -> None:
        """Restore the unfinished starts of a previous process."""
        try:
            self._owners.restore(loads(await self._journal.checkpoint(OWNERS_CHECKPOINT) or b"[]"))
            kept = loads(await self._journal.checkpoint(CHECKPOINT) or b"[]")
            for item in kept:
                account = str(item["account"])
                sealed = base64.b64decode(item["body"])
                body = maybe_open(sealed, self._runs.sealing_key(account))
                if body is None:  # the token changed: upstream would not know the key
                    _log.warning("gateway.start_given_up", account=account)
                    continue
                asked_at_s, client = float(item["askedAt"]), str(item["client"])
                start = Start(account, str(item["key"]), body, asked_at_s, client)
                self._pending.setdefault((account, start.key), start)
        except (JsonError, KeyError, TypeError, ValueError):
            _log.warning("gateway.start_given_up", account=None)


def _is_refusal(body: bytes) -> bool:
    """Whether the API itself refused: it read the request and started no run."""
    try:
        answer = loads(body)
    except JsonError:
        return False
    return isinstance(answer, dict) and isinstance(answer.get("error"), dict)


def outcome(reply: Reply | Failure) -> str:
    """The outcome of a start: a label of the metric."""
    if isinstance(reply, Failure):
        return "limited" if reply.fault is Fault.RATE else "failed"
    if 200 <= reply.status < 300:
        return "replayed" if b'"replayed":true' in reply.body else "started"
    return "limited" if reply.status == 429 else "refused"
