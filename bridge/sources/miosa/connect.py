"""One connect of one stream; both requests share a turn where the stream needs a ticket.

Tickets exist only in this module. The bridge mints a ticket when its connect may leave at once,
sends it with one request, and reports an unused one in `tickets_total` and in the log.
"""

from __future__ import annotations

import asyncio
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
from bridge.sources.miosa.api import ACCEPT_STREAM, Minted, MiosaApi, of_transport, to_list
from bridge.sources.miosa.classify import Route, Verdict
from bridge.sources.miosa.following import Parts
from bridge.sources.miosa.rules.learnt import OTHER_TICKET_PATH
from bridge.sources.miosa.rules.tickets import Ticket, TicketState
from bridge.wire.jsontext import JsonError, loads

log = get_logger()

CONNECT_S = 15.0  # until the head of the reply, and for the body of one that is no stream


class Came(enum.Enum):
    """The result of a connect."""

    STREAM = "stream"
    EMPTY = "empty"  # 204: nothing to stream
    JSON = "json"  # a JSON page instead of a stream
    REFUSED = "refused"
    AGAIN = "again"  # connect again at once, by the other ticket path or with a ticket


@dataclass(frozen=True, slots=True)
class Connected:
    """A connect's result: an open `stream`, the `value` of a JSON reply, or a `verdict`."""

    came: Came
    stream: Stream | None = None
    value: Any = None
    verdict: Verdict | None = None


@dataclass(slots=True)
class Wish:
    """The purpose and options of one connect."""

    feed: Feed
    operation: str
    path: Callable[[], str]
    resume_id: str | None = None
    accept: str = ACCEPT_STREAM


@asynccontextmanager
async def connected(parts: Parts, wish: Wish) -> AsyncIterator[Connected]:
    """Take a turn, connect, and yield the result; the connection lives as long as the block."""
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
                yield Connected(Came.AGAIN)  # the ticket had nearly expired on arrival
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
    """The connect failed; the cause says why."""


_REFUSALS = (_NoConnectError,)


@asynccontextmanager
async def _opened(parts: Parts, wish: Wish, secret: str | None) -> AsyncIterator[Stream]:
    """Yield the open reply; errors before it become `_NoConnectError`, later ones pass through."""
    context = parts.api.stream(
        wish.path(), resume_id=wish.resume_id, ticket=secret, accept=wish.accept
    )
    try:
        async with asyncio.timeout(CONNECT_S):
            stream = await context.__aenter__()
    except http.TROUBLE as error:
        raise _NoConnectError from error
    try:
        yield stream
    finally:
        await context.__aexit__(None, None, None)


async def _mint(parts: Parts, wish: Wish, turn: Turn, ticket: Ticket) -> Connected | None:
    """Get a ticket; return None on success, else what the caller has to do."""
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
    if status in (404, 405):
        learnt.tickets.gone(path)  # the server was upgraded
    if status in OTHER_TICKET_PATH and learnt.tickets.refused(path):
        _count(parts, wish, minted, started)
        return Connected(Came.AGAIN)
    if status in (404, 405):  # this server has no tickets: use the bearer token
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
    """Decide whether the reply is a stream, a page, empty or a refusal."""
    gate = parts.gate
    kind = stream.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if stream.status == 204:
        gate.accepted(wish.operation, started, wish.feed.id)
        return Connected(Came.EMPTY)
    if 200 <= stream.status < 300 and kind == "text/event-stream":
        gate.accepted(wish.operation, started, wish.feed.id)
        return Connected(Came.STREAM, stream=stream)
    try:
        async with asyncio.timeout(CONNECT_S):
            body = await stream.whole(http.BODY_BYTES_MAX)
    except http.TROUBLE as error:
        raise _NoConnectError from error
    if 200 <= stream.status < 300:
        try:
            value = loads(body)
        except JsonError:
            verdict = MiosaApi.unreadable(wish.operation, "a success that is no stream")
        else:
            if to_list(value) is not None:
                gate.accepted(wish.operation, started, wish.feed.id)
                return Connected(Came.JSON, value=value)
            verdict = parts.api.of_error(wish.operation, value, "a success that is no stream")
    else:
        verdict = parts.api.classify(
            wish.operation, Route.STREAM, stream.status, stream.headers, body
        )
    parts.tell_gate(verdict, started, wish.feed.id)
    return Connected(Came.REFUSED, verdict=verdict)


def _tell(parts: Parts, wish: Wish, result: TicketState) -> None:
    """Count and log how the ticket ended, so that none disappears unreported."""
    parts.metrics.own["tickets_total"].labels(parts.gate.account, result.value).inc()
    if result in (TicketState.UNUSED, TicketState.EXPIRED):
        log.info("ticket.not_used", account=parts.gate.account, kind=wish.feed.kind, why=result)
