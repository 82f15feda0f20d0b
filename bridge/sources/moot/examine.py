"""Examines one account from outside: what would prevent following its spaces.

It follows nothing and writes nothing. Each finding is a sentence for a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.clock import Clock
from bridge.core.errors import Failure
from bridge.sources import http
from bridge.sources.moot import frames
from bridge.sources.moot.api import MootApi, PageRead, Row
from bridge.sources.moot.errors import Refusal
from bridge.sources.moot.rules.catch_up import How, Page
from bridge.sources.moot.rules.ways import ROUTE_ABSENT
from bridge.sources.port import Depth, Finding, Level
from bridge.wire.http_dates import http_date
from bridge.wire.sse import FrameDecoder, FrameTooLargeError

OLD_ORIGIN = "https://gemoot.com:8443"  # an earlier hosted address (moot.md 2.7)
NEW_ORIGIN = "https://mootup.io"
SPACES_LOOKED_AT = 5  # of the listed ones
OPEN_S = 5.0
SKEW_S = 5.0  # the Date header counts whole seconds
Explain = Callable[[Failure], str]


async def examine(api: MootApi, clock: Clock, explain: Explain, depth: Depth) -> list[Finding]:
    """Examine the account; the first finding of level PROBLEM ends it."""
    findings = [*_address(api.http.origin)]
    actor = await api.actor()
    if isinstance(actor, Refusal):
        health = await api.health()
        is_up = health is None and actor.failure.http_status is not None
        note = " (its /health answers)" if is_up else ""
        text = explain(actor.failure) + note
        return [*findings, Finding("token", Level.PROBLEM, text, actor.failure)]
    findings.append(Finding("token", Level.OK, _whose(actor)))
    if depth is Depth.TOKEN:
        return findings
    findings.append(await _clock(api, clock))
    rows = await _listed(api, findings)
    for row in rows[:SPACES_LOOKED_AT]:
        findings += await _space(api, row)
    active = [row for row in rows if row.reading.status == "active"]
    if active:
        findings.append(await _stream(api, active[0]))
        findings.append(await _before(api, active[0]))
    return findings


def _address(origin: str) -> list[Finding]:
    if origin == OLD_ORIGIN:
        text = f"{OLD_ORIGIN} is the old address of the hosted service; use {NEW_ORIGIN}"
        return [Finding("server", Level.NOTE, text)]
    return []


def _whose(actor: object) -> str:
    """Name the key's owner. The name is upstream's, and shortened."""
    value = actor if isinstance(actor, dict) else {}
    kinds = {"human": "a person", "agent": "an agent"}
    kind = kinds.get(str(value.get("actor_type")), "an actor of unknown type")
    name = value.get("display_name")
    return f"the key is that of {kind}" + (f", {name[:60]}" if isinstance(name, str) else "")


async def _clock(api: MootApi, clock: Clock) -> Finding:
    asked = clock.wall()
    reply = await api.http.get("health", "/health", {})
    if isinstance(reply, Failure):
        return Finding("server", Level.NOTE, "/health does not answer, the API does")
    upstream_s = http_date(reply.headers.get("Date"))
    if upstream_s is None:
        return Finding("clock", Level.NOTE, "the server sends no time")
    ahead_s = (asked + clock.wall()) / 2.0 - (upstream_s + 0.5)
    if abs(ahead_s) < SKEW_S:
        return Finding("clock", Level.OK, "the clock here and the server's agree")
    word = "ahead of" if ahead_s > 0 else "behind"
    text = f"the clock here is {abs(ahead_s):.0f} s {word} the server's: lags will be wrong"
    return Finding("clock", Level.NOTE, text)


async def _listed(api: MootApi, findings: list[Finding]) -> list[Row]:
    rows: list[Row] = []
    counts = []
    for status in ("active", "paused", "archived"):
        listed = await api.spaces(status)
        if isinstance(listed, Refusal):
            text = f"{status} spaces cannot be listed: {listed.failure.message}"
            findings.append(Finding("spaces", Level.NOTE, text, listed.failure))
            continue
        own = [row for row in listed if row.reading.status == status]
        counts.append(f"{len(own)} {status}")
        rows += own
    findings.append(Finding("spaces", Level.OK, f"spaces of this key: {', '.join(counts)}"))
    return rows


async def _space(api: MootApi, row: Row) -> list[Finding]:
    """Check whether the key may read a listed space."""
    page = await api.page(row.id, Page(How.LATEST))
    if isinstance(page, Refusal):
        text = f"space {row.id[:60]} is listed but may not be read: {page.failure.message}"
        return [Finding("spaces", Level.NOTE, text, page.failure)]
    return []


async def _stream(api: MootApi, row: Row) -> Finding:
    """Check whether a stream opens, and whether it replays."""
    decoder = FrameDecoder(frames.FRAME_BYTES_MAX)
    brought: int | None = 0
    try:
        async with asyncio.timeout(OPEN_S), api.stream(row.id, in_query=False) as stream:
            kind = stream.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if not 200 <= stream.status < 300 or kind != "text/event-stream":
                return Finding("stream", Level.NOTE, _no_stream(api, stream.status))
            brought = await _first_frames(decoder, stream, row.id)
    except (*http.TROUBLE, FrameTooLargeError):
        return Finding("stream", Level.NOTE, f"the stream does not open within {OPEN_S:g} s")
    if brought is None:
        text = "the stream sends frames that the bridge cannot parse"
        return Finding("stream", Level.NOTE, text)
    text = "the stream opens" + (" and replays" if brought else ", without a replay so far")
    return Finding("stream", Level.OK, text)


def _no_stream(api: MootApi, status: int) -> str:
    """Say what the bridge does instead of reading the stream."""
    if status == 401 and api.may_send_in_query:
        return "the stream refuses the key in a header (HTTP 401): the bridge sends it as ?token="
    is_route = status in ROUTE_ABSENT or status == 401 or 200 <= status < 300
    then = "the WebSocket is tried, then polling" if is_route else "pages are polled until it does"
    return f"the stream does not open (HTTP {status}): {then}"


async def _first_frames(decoder: FrameDecoder, stream: http.Stream, space_id: str) -> int | None:
    """Count the events of the first moment; None when there were frames, but no readable one."""
    is_strange = False
    try:
        async with asyncio.timeout(OPEN_S / 2):
            async for chunk in stream.chunks():
                for frame in decoder.feed(chunk):
                    read = frames.read(frame.data, frame.event, space_id)
                    if read.events:
                        return len(read.events)
                    is_strange |= bool(read.skipped)
    except TimeoutError:
        pass
    return None if is_strange else 0


async def _before(api: MootApi, row: Row) -> Finding:
    """Check whether pages can be read backward, which repairs a lost cursor."""
    latest = await api.page(row.id, Page(How.LATEST))
    if isinstance(latest, Refusal) or not latest.events:
        return Finding("pages", Level.OK, "no event yet to try `before` with")
    earlier = await api.page(row.id, Page(How.BEFORE, latest.events[0].id))
    ids = {event.id for event in latest.events}
    is_ignored = isinstance(earlier, PageRead) and any(e.id in ids for e in earlier.events)
    if isinstance(earlier, Refusal) or is_ignored:
        text = (
            "`before` is not honored: the bridge replaces a lost cursor from the transcript, or"
            " reports a gap"
        )
        return Finding("pages", Level.NOTE, text)
    return Finding("pages", Level.OK, "pages can be walked back")
