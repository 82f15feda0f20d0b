"""One connect of one stream: a ticket where one is needed, both requests with one turn.

The only place where a ticket exists. It is minted when its connect may leave at once, goes into one
request, and is told when it was not used: `tickets_total`, and a line in the log.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bridge.core.event import Feed
from bridge.core.pace.line import Rank
from bridge.log import get_logger
from bridge.sources import http
from bridge.sources.http import Stream
from bridge.sources.key_gate import Turn
from bridge.sources.miosa.api import ACCEPT_STREAM, Minted, MiosaApi, of_transport
from bridge.sources.miosa.classify import Route, Verdict
from bridge.sources.miosa.following import Parts
from bridge.sources.miosa.rules.learnt import OTHER_TICKET_PATH
from bridge.sources.miosa.rules.tickets import Ticket, TicketState
from bridge.wire.jsontext import JsonError, loads

log = get_logger()

CONNECT_S = 15.0  # until the head of the reply


class Came(enum.Enum):
    """What a connect brought."""

    STREAM = "stream"
    EMPTY = "empty"  # 204: nothing to stream
    JSON = "json"  # a page instead of a stream
    REFUSED = "refused"
    AGAIN = "again"  # the other ticket path, or with a ticket: at once


@dataclass(frozen=True, slots=True)
class Connected:
    """`stream` while it is open, `value` of a JSON reply, `verdict` of a refusal."""

    came: Came
    stream: Stream | None = None
    value: Any = None
    verdict: Verdict | None = None


@dataclass(slots=True)
class Wish:
    """What one connect is for."""

    feed: Feed
    operation: str
    path: Callable[[], str]
    resume_id: str | None = None
    accept: str = ACCEPT_STREAM


@asynccontextmanager
async def connected(parts: Parts, wish: Wish) -> AsyncIterator[Connected]:
    """Take a turn, connect, and yield what came; the connection lives as long as the block."""
    needs_ticket = parts.learnt.needs_ticket(wish.feed.kind)
    slots = 2 if needs_ticket and parts.gate.line.limit > 1 else 1
    async with parts.gate.turn((wish.feed, "stream"), Rank.CONNECT, slots=slots) as turn:
        started = parts.clock.monotonic()
        ticket = Ticket() if needs_ticket else None
        try:
            if ticket is not None:
                refused = await _mint(parts, wish, turn, ticket)
                if refused is not None:
                    yield refused
                    return
            secret = None if ticket is None else ticket.take(parts.clock.monotonic())
            if ticket is not None and secret is None:
                yield Connected(Came.AGAIN)  # it was nearly over when it came
                return
            turn.sent()
            if ticket is not None:
                _tell(parts, wish, ticket.close())
                ticket = None
            async with _opened(parts, wish, secret) as stream:
                turn.answered()
                turn.close()
                yield await _judged(parts, wish, stream, started)
        except _REFUSALS as error:
            verdict = of_transport(http.to_failure(wish.operation, error.__cause__ or error))
            parts.tell_gate(verdict, started, wish.feed.id)
            yield Connected(Came.REFUSED, verdict=verdict)
        finally:
            if ticket is not None:
                _tell(parts, wish, ticket.close())


class _NoConnectError(Exception):
    """Nothing came of the connect; the cause says why."""


_REFUSALS = (_NoConnectError,)


@asynccontextmanager
async def _opened(parts: Parts, wish: Wish, secret: str | None) -> AsyncIterator[Stream]:
    """The open reply; what goes wrong before it is a `_NoConnectError`, later the reader's."""
    context = parts.api.stream(
        wish.path(), resume_id=wish.resume_id, ticket=secret, accept=wish.accept
    )
    try:
        stream = await context.__aenter__()
    except http.TROUBLE as error:
        raise _NoConnectError from error
    try:
        yield stream
    finally:
        await context.__aexit__(None, None, None)


async def _mint(parts: Parts, wish: Wish, turn: Turn, ticket: Ticket) -> Connected | None:
    """Get a ticket; None when there is one, else what to do."""
    learnt, api, path = parts.learnt, parts.api, parts.learnt.tickets.name
    started = parts.clock.monotonic()
    turn.sent()
    minted = await api.mint(path)
    turn.answered()
    if isinstance(minted, Minted):
        parts.gate.accepted("tickets", started, wish.feed.id)
        learnt.tickets.worked(path)
        ticket.minted(parts.clock.monotonic(), minted.secret, minted.expires_in_s)
        return None
    ticket.refused()
    status = minted.failure.http_status
    if status in OTHER_TICKET_PATH and learnt.tickets.refused(path):
        _count(parts, wish, minted, started)
        return Connected(Came.AGAIN)
    if status in (404, 405):  # there are no tickets here: the bearer has to do
        learnt.wants_ticket[wish.feed.kind] = False
        _count(parts, wish, minted, started)
        return Connected(Came.AGAIN)
    parts.tell_gate(minted, started, wish.feed.id)
    return Connected(Came.REFUSED, verdict=minted)


def _count(parts: Parts, wish: Wish, verdict: Verdict, started: float) -> None:
    """Count a refusal that is about a path and says nothing about the key."""
    duration_s = parts.clock.monotonic() - started
    parts.metrics.count_request(
        parts.gate.account, "tickets", verdict.failure.code, duration_s, wish.feed.id
    )


async def _judged(parts: Parts, wish: Wish, stream: Stream, started: float) -> Connected:
    """Stream, page, nothing or a refusal."""
    gate = parts.gate
    kind = stream.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if stream.status == 204:
        gate.accepted(wish.operation, started, wish.feed.id)
        return Connected(Came.EMPTY)
    if 200 <= stream.status < 300 and kind == "text/event-stream":
        gate.accepted(wish.operation, started, wish.feed.id)
        return Connected(Came.STREAM, stream=stream)
    try:
        body = await stream.whole()
    except http.TROUBLE as error:
        raise _NoConnectError from error
    if 200 <= stream.status < 300:
        try:
            value = loads(body)
        except JsonError:
            verdict = MiosaApi.unreadable(wish.operation, "a success that is no stream")
        else:
            gate.accepted(wish.operation, started, wish.feed.id)
            return Connected(Came.JSON, value=value)
    else:
        verdict = parts.api.classify(
            wish.operation, Route.STREAM, stream.status, stream.headers, body
        )
    parts.tell_gate(verdict, started, wish.feed.id)
    return Connected(Came.REFUSED, verdict=verdict)


def _tell(parts: Parts, wish: Wish, result: TicketState) -> None:
    """No ticket disappears without a word."""
    parts.metrics.own["tickets_total"].labels(parts.gate.account, result.value).inc()
    if result in (TicketState.UNUSED, TicketState.EXPIRED):
        log.info("ticket.not_used", account=parts.gate.account, kind=wish.feed.kind, why=result)
