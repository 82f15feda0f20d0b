"""MIOSA's requests: one call sends one request. Only this module knows paths and envelopes.

It unwraps every reply leniently: `data` may be there or not, a list may stand under any of five
names, a row says `status` or `state`. Facts: docs/contracts/miosa.md.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bridge.core.error_table import Wait
from bridge.core.errors import Failure, Retry
from bridge.core.event import Feed, percent_encoded
from bridge.sources.http import HttpSession, Reply, Stream
from bridge.sources.miosa.classify import (
    Form,
    Route,
    Verdict,
    classify,
    read_envelope,
    to_float,
)
from bridge.sources.miosa.errors import row_of
from bridge.sources.miosa.frames import Seen, of_item
from bridge.sources.miosa.ids import PATHS, is_uuid
from bridge.sources.miosa.rules import pages, tail, words
from bridge.sources.miosa.rules.learnt import Learnt
from bridge.wire.bounded import bounded
from bridge.wire.jsontext import BOM, JsonError, dumps, loads

API = "/api/v1"
ACCEPT_STREAM = "text/event-stream, application/json;q=0.9"  # the bare type is 406 on many routes
LIST_SIZE = 100  # of a page of a list; the most that is documented
_LISTS = ("events", "activity", "items", "runs", "data", "logs", "lines", "sandboxes", "computers",
          "builds", "snapshots", "deployments")  # fmt: skip
_LINE_END = re.compile(r"\r\n|\n|\r")  # no other character ends a line of a log
SNAPSHOT_ROOTS = ("computers", "sandboxes")


@dataclass(frozen=True, slots=True)
class Row:
    """A thing as its own route shows it."""

    status: str
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list of things."""

    rows: Sequence[Mapping[str, Any]]
    is_last: bool


@dataclass(frozen=True, slots=True)
class Minted:
    """A ticket; its text is a secret."""

    secret: str
    expires_in_s: float | None

    def __repr__(self) -> str:
        """Represent the ticket without its secret."""
        return "Minted(…)"


class MiosaApi:
    """The requests of one account. The caller must hold a turn for each."""

    def __init__(self, http: HttpSession, learnt: Learnt, redact: Callable[[str], str]) -> None:
        self.http = http
        self.learnt = learnt
        self._redact = redact

    async def row(self, path: str, operation: str, kind: str) -> Row | Verdict:
        """Read the row of one thing: its status and upstream's object.

        Returns:
            The row, or a verdict when upstream refused, or when the reply is no such row.
        """
        value = await self._json(operation, path, {})
        if isinstance(value, Verdict):
            return value
        row = to_row(kind, value)
        if row is not None and is_of_another(row, path):
            return self.unreadable(operation, "the reply is of something else")
        return row or self.of_error(operation, value, "the reply holds no status")

    async def page(self, path: str, after: str | None) -> Sequence[Seen] | Verdict:
        """A page of a run's events behind `after`."""
        params = {"limit": str(pages.ASKED)}
        if after is not None:
            params["after_id"] = after
        value = await self._json("runs.events", f"{path}/events", params)
        if isinstance(value, Verdict):
            return value
        items = to_list(value)
        if items is None:
            return self.of_error("runs.events", value, "the reply holds no list of events")
        return [seen for item in items if (seen := of_item(words.RUN, item)) is not None]

    async def listing(
        self, path: str, operation: str, params: Mapping[str, str]
    ) -> Listed | Verdict:
        """Read one page of a list of things; items that are no objects are left out.

        Returns:
            The page, or a verdict when upstream refused, or when the reply holds no list.
        """
        value = await self._json(operation, path, params)
        if isinstance(value, Verdict):
            return value
        items = to_list(value)
        if items is None:
            return self.of_error(operation, value, "the reply holds no list")
        rows = [item for item in items if isinstance(item, dict)]
        return Listed(rows, _is_last_page(value, params, len(rows)))

    async def tail(self, path: str) -> Sequence[str] | Verdict:
        """The last lines of a deployment's log."""
        value = await self._json("deployments.logs", f"{path}/logs", {"lines": str(tail.ASKED)})
        if isinstance(value, Verdict):
            return value
        lines = to_lines(value)
        return self.of_error("deployments.logs", value, "no log") if lines is None else lines

    async def mint(self, path: str) -> Minted | Verdict:
        """Mint a ticket. This is a POST, so the session never repeats it."""
        reply = await self.http.post("tickets", f"{API}{path}", b"{}")
        value = self._judged("tickets", Route.TICKET, reply)
        if isinstance(value, Verdict):
            return value
        inner = unwrapped(value)
        secret = inner.get("ticket") if isinstance(inner, dict) else None
        if not isinstance(secret, str) or not secret:
            return self.unreadable("tickets", "the reply holds no ticket")
        return Minted(
            secret, to_float(inner.get("expires_in")) if isinstance(inner, dict) else None
        )

    @asynccontextmanager
    async def stream(
        self, path: str, *, resume_id: str | None, ticket: str | None, accept: str = ACCEPT_STREAM
    ) -> AsyncIterator[Stream]:
        """Open a stream.

        Raises:
            OSError: There is no connection or no head; also the other errors of `http.TROUBLE`.
        """
        headers = {"Accept": accept, "Cache-Control": "no-cache"}
        if resume_id is not None:
            headers["Last-Event-ID"] = resume_id
        params = {} if ticket is None else {"ticket": ticket}
        async with self.http.stream(f"{API}{path}", params, headers) as stream:
            yield stream

    async def _json(self, operation: str, path: str, params: Mapping[str, str]) -> Any | Verdict:
        reply = await self.http.get(operation, f"{API}{path}", params)
        return self._judged(operation, Route.JSON, reply)

    def _judged(self, operation: str, route: Route, reply: Reply | Failure) -> Any | Verdict:
        if isinstance(reply, Failure):
            return of_transport(reply)
        if not 200 <= reply.status < 300:
            return self.classify(operation, route, reply.status, reply.headers, reply.body)
        try:
            return loads(reply.body.removeprefix(BOM))
        except JsonError:
            return self.unreadable(operation, "a success that is not JSON")

    def classify(
        self, operation: str, route: Route, status: int, headers: Mapping[str, str], body: bytes
    ) -> Verdict:
        """Judge a refusal by its status, headers and body; texts in it are redacted."""
        return classify(operation, route, status, headers, body, self._redact)

    def of_error(self, operation: str, value: Any, text: str) -> Verdict:
        """Judge a success that holds an error instead: the code decides before the status."""
        body = dumps(value)
        row = row_of(read_envelope(body).code)
        if row is None or not row.http:
            return self.unreadable(operation, text)
        return self.classify(operation, Route.JSON, row.http[0], {}, body)

    @staticmethod
    def unreadable(operation: str, text: str) -> Verdict:
        """Judge a reply of a proxy or a login page: it is temporary, or base_url is wrong."""
        failure = Failure(operation, "INVALID_RESPONSE", text, Retry.TRANSIENT, 200)
        return Verdict(failure, Wait.BACKOFF, None, is_of_key=False, row=None, form=Form.NONE)


def of_transport(failure: Failure) -> Verdict:
    """Judge an error below HTTP."""
    wait = Wait.NEVER if failure.retry is Retry.PERMANENT else Wait.BACKOFF
    return Verdict(failure, wait, None, is_of_key=False, row=None, form=Form.NONE)


# Paths


def row_path(feed: Feed, learnt: Learnt, root: str = SNAPSHOT_ROOTS[0]) -> str:
    """Return the path of a row; `root` is the collection of a snapshot's owner."""
    if feed.kind == words.RUN:
        return f"{learnt.runs.name}/{percent_encoded(feed.id)}"
    if feed.kind == words.SNAPSHOT:
        owner, _, snapshot = feed.id.partition("/")
        return f"/{root}/{percent_encoded(owner)}/snapshots/{percent_encoded(snapshot)}"
    return f"{PATHS[feed.kind]}/{percent_encoded(feed.id)}"


def stream_path(feed: Feed, learnt: Learnt, root: str = SNAPSHOT_ROOTS[0]) -> str:
    """Return the path of a stream; `root` as in `row_path`."""
    if feed.kind == words.TENANT:
        return "/events/stream"
    path = row_path(feed, learnt, root)
    return f"{path}/logs/stream" if feed.kind == words.BUILD else f"{path}/events"


# Shapes


def unwrapped(value: Any) -> Any:
    """Return what is inside `data`, if the value is an envelope around one object."""
    if isinstance(value, dict) and isinstance(value.get("data"), dict):
        return value["data"]
    return value


def to_row(kind: str, value: Any) -> Row | None:
    """Read a row with or without its envelope; None when it has no status."""
    inner = unwrapped(value)
    if isinstance(inner, dict) and isinstance(inner.get(kind), dict):
        inner = inner[kind]
    for place in (inner, value):  # a row may have a `data` of its own
        for key in ("status", "state"):
            word = place.get(key) if isinstance(place, dict) else None
            if isinstance(word, str) and word:
                return Row(word[:64], place)
    return None


def is_of_another(row: Row, path: str) -> bool:
    """Whether a row names another UUID than the requested path; a cache may mix them up."""
    asked, named = path.rpartition("/")[2], row.value.get("id")
    return isinstance(named, str) and is_uuid(asked) and is_uuid(named) and asked != named.lower()


def to_list(value: Any) -> Sequence[Any] | None:
    """Find a list under any of its names, with or without `data`; None when there is none."""
    for place in (value, unwrapped(value)):
        if isinstance(place, list):
            return place
        if isinstance(place, dict):
            for key in _LISTS:
                if isinstance(place.get(key), list):
                    found: Sequence[Any] = place[key]
                    return found
    # Some servers write an empty list as null.
    inner = unwrapped(value)
    is_null = isinstance(inner, dict) and any(inner.get(key, "") is None for key in _LISTS)
    return () if is_null and "error" not in inner else None


def to_lines(value: Any) -> Sequence[str] | None:
    """Read a log as lines, from a list of texts or objects or from one text."""
    inner = unwrapped(value)
    for key in ("logs", "log", "output", "data"):
        if isinstance(inner, dict) and isinstance(inner.get(key), str):
            text: str = inner[key]
            return _LINE_END.split(text.removesuffix("\n")) if text else ()
    items = to_list(value)
    if items is None:
        return None
    return [_line(item) for item in items]


def _line(item: Any) -> str:
    if isinstance(item, dict):
        for key in ("line", "message", "text"):
            if isinstance(item.get(key), str):
                found: str = item[key]
                return found
    return item if isinstance(item, str) else dumps(bounded(item)).decode()


def _is_last_page(value: Any, params: Mapping[str, str], count: int) -> bool:
    page = value.get("page") if isinstance(value, dict) else None
    if count == 0:
        return True
    page = page if isinstance(page, dict) else {}
    number, size, total = page.get("page"), page.get("page_size"), page.get("total")
    if all(isinstance(n, int) for n in (number, size, total)):
        return bool(number * size >= total)  # type: ignore[operator]
    return count < int(params.get("page_size", LIST_SIZE))
