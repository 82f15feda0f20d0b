"""moot's requests: one call sends one request. Only this module knows the paths (moot.md 2.2)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bridge.core.errors import Failure
from bridge.core.event import Event, percent_encoded
from bridge.sources.http import HttpSession, Reply, Socket, Stream
from bridge.sources.moot.errors import Refusal, below_http, invalid, judge
from bridge.sources.moot.rules.catch_up import PAGE, How, Page
from bridge.sources.moot.rules.steps import Reading
from bridge.sources.moot.rules.ways import may_send_in_query
from bridge.sources.moot.words import Skip, to_event
from bridge.wire.jsontext import BOM, JsonError, loads

API = "/api"
WORD_CHARS_MAX = 64


@dataclass(frozen=True, slots=True)
class Row:
    """A space as its status or a list shows it."""

    id: str
    reading: Reading
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PageRead:
    """A page of events, oldest first; `size` also counts unreadable ones."""

    events: Sequence[Event]
    skipped: Sequence[Skip]
    size: int


class MootApi:
    """The requests of one account. The caller must hold a turn for each."""

    def __init__(
        self, http: HttpSession, token: Callable[[], str], redact: Callable[[str], str]
    ) -> None:
        self.http = http
        self._token = token
        self._redact = redact

    # -- one space

    async def status(self, space_id: str) -> Row | Refusal:
        """Read the row of a space.

        Returns:
            The row, or a refusal by upstream, or one that says why the reply is no such row.
        """
        value = await self._json("spaces.status", f"{_path(space_id)}/status", {})
        if isinstance(value, Refusal):
            return value
        if is_of_another(value, space_id):
            return invalid("spaces.status", 200, "the reply is of another space")
        row = to_row(value, space_id)
        return row or invalid("spaces.status", 200, "the reply holds no status")

    async def page(self, space_id: str, asked: Page) -> PageRead | Refusal:
        """Read one page of a space's events, from the route and cursor of `asked`.

        Returns:
            The page, or a refusal by upstream, or one that says why the reply is no page.
        """
        if asked.how is How.TRANSCRIPT:
            path = f"{_path(space_id)}/transcript"
            value = await self._json("spaces.transcript", path, {"start": asked.cursor or ""})
        else:
            params = {"limit": str(PAGE)}
            if asked.cursor is not None:
                params[str(asked.how)] = asked.cursor
            value = await self._json("spaces.events", f"{_path(space_id)}/events", params)
        if isinstance(value, Refusal):
            return value
        if isinstance(value, dict) and isinstance(value.get("events"), list):
            value = value["events"]
        if not isinstance(value, list):
            return invalid("spaces.events", 200, "the reply is no list of events")
        return to_page(value, space_id)

    def stream(self, space_id: str, *, in_query: bool) -> AbstractAsyncContextManager[Stream]:
        """Open the stream of a space.

        Raises:
            OSError: There is no connection or no head; also the other errors of
                `sources.http.TROUBLE`.
        """
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        return self.http.stream(f"{_path(space_id)}/events/stream", self._query(in_query), headers)

    def socket(self, space_id: str, *, in_query: bool) -> AbstractAsyncContextManager[Socket]:
        """Open the WebSocket of a space.

        Raises:
            HandshakeError: The server replied with any status but 101.
            OSError: There is no connection; also the other errors of `sources.http.TROUBLE`.
        """
        return self.http.websocket(f"{_path(space_id)}/ws", self._query(in_query), {})

    def _query(self, in_query: bool) -> dict[str, str]:  # noqa: FBT001 - of two callers above
        return {"token": self._token()} if in_query else {}

    @property
    def may_send_in_query(self) -> bool:
        """Whether the key may go into a URL: that depends on the origin."""
        return may_send_in_query(self.http.origin, is_local=_is_local(self.http.origin))

    # -- the account

    async def actor(self) -> Mapping[str, Any] | Refusal:
        """Read who the key belongs to, for an examination; no object is a refusal too."""
        value = await self._json("actors.me", f"{API}/actors/me", {})
        if isinstance(value, Refusal | dict):
            return value
        return invalid("actors.me", 200, "the reply is no object")

    async def spaces(self, status: str) -> Sequence[Row] | Refusal:
        """Read the spaces of this key in one status; without one upstream lists active ones."""
        value = await self._json("spaces.list", f"{API}/actors/me/spaces", {"status": status})
        if isinstance(value, Refusal):
            return value
        if isinstance(value, dict) and isinstance(value.get("spaces"), list):
            value = value["spaces"]
        if not isinstance(value, list):
            return invalid("spaces.list", 200, "the reply is no list of spaces")
        return [row for item in value if (row := to_row(item, None, status)) is not None]

    async def health(self) -> Refusal | None:
        """Check the server; None when it is up."""
        reply = await self.http.get("health", "/health", {})
        if isinstance(reply, Failure):
            return below_http(reply)
        if 200 <= reply.status < 300:
            return None
        return self.judge("health", reply.status, reply.headers, reply.body)

    # -- replies

    async def _json(self, operation: str, path: str, params: Mapping[str, str]) -> Any | Refusal:
        reply = await self.http.get(operation, path, params)
        if isinstance(reply, Failure):
            return below_http(reply)
        if not 200 <= reply.status < 300:
            return self.judge(operation, reply.status, reply.headers, reply.body)
        return _parsed(operation, reply)

    def judge(
        self, operation: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> Refusal:
        """Judge a refusal by its status, headers and body; texts in it are redacted."""
        return judge(operation, status, headers, body, self._redact)


def _parsed(operation: str, reply: Reply) -> Any | Refusal:
    try:
        return loads(reply.body.removeprefix(BOM))
    except JsonError:
        return invalid(operation, reply.status, "a success that is not the API's JSON")


def _path(space_id: str) -> str:
    return f"{API}/spaces/{percent_encoded(space_id)}"


def _is_local(origin: str) -> bool:
    host = urlsplit(origin).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_of_another(value: object, space_id: str) -> bool:
    """Whether a reply names another space than was requested; a cache may mix them up."""
    named = value.get("space_id") or value.get("id") if isinstance(value, dict) else None
    return isinstance(named, str) and named != space_id


def to_row(value: object, space_id: str | None, status: str | None = None) -> Row | None:
    """Read a space's row; `space_id` and `status` are the request's, for a row that omits them."""
    if not isinstance(value, dict):
        return None
    id_ = value.get("space_id") or value.get("id") or space_id
    word = value.get("status") or status
    if not isinstance(id_, str) or not id_ or not isinstance(word, str) or not word:
        return None
    count, started = value.get("event_count"), value.get("started_at")
    is_count = isinstance(count, int) and not isinstance(count, bool) and count >= 0
    reading = Reading(
        word[:WORD_CHARS_MAX],
        count if is_count else None,
        started if isinstance(started, str) else None,
    )
    return Row(space_id or id_, reading, value)


def to_page(items: Sequence[object], space_id: str) -> PageRead:
    """Read the items of a page; unreadable ones and those of other spaces are skipped."""
    events: list[Event] = []
    skipped: list[Skip] = []
    for item in items:
        event = to_event(item, space_id) if isinstance(item, dict) else Skip.UNKNOWN
        if isinstance(event, Skip):
            skipped.append(event)
        else:
            events.append(event)
    return PageRead(events, skipped, len(items))
