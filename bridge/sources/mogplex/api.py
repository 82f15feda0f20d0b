"""Mogplex: paths, reply classification, JSON to `Event`. Facts: mogplex.md.

Only this module knows what a Mogplex reply looks like; it does not decide how often to send
requests.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bridge.core.errors import Failure, Fault, Retry
from bridge.core.event import Event
from bridge.core.status import State
from bridge.sources.http import HttpSession, Reply
from bridge.sources.mogplex.errors import ERRORS
from bridge.sources.mogplex.salvage import Lost, salvage
from bridge.sources.mogplex.salvage import lost as lost_of
from bridge.wire import times
from bridge.wire.bounded import bounded, json_if_small
from bridge.wire.http_dates import http_date, retry_after_s
from bridge.wire.jsontext import JsonError, dumps, loads

API = "/api/v1/mogplex"
PAGE_MAX = 200  # events a page at the most (mogplex.md 1.4); always asked for
EVENT_TYPE = "com.mogplex.run.event."
ID_LENGTH_MAX = 256  # an id is a 36-character UUID today; longer ones are kept as a digest

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}", re.ASCII)
SHORT_TEXT = 2**18  # bytes; the bridge parses or writes such a text within milliseconds
_HEADER_SAFE = re.compile(r"[!-~]+", re.ASCII)
_DIGEST = "sha256-"
_BOM = b"\xef\xbb\xbf"  # a proxy may add one; browsers drop it

# Code to class (mogplex.md 1.10). The HTTP status decides about a code that is not here.
_CODES: Mapping[str, Retry] = {row.code: row.retry for row in ERRORS}
# What is at fault, where the code says so and the HTTP status does not.
_FAULTS: Mapping[str, Fault] = {
    **dict.fromkeys(("UNAUTHORIZED", "LOGIN_REDIRECT"), Fault.TOKEN),
    **dict.fromkeys(("FORBIDDEN", "INSUFFICIENT_SCOPE", "AUTOMATION_REQUIRED"), Fault.RIGHTS),
    **dict.fromkeys(("RATE_LIMITED", "TOO_MANY_REQUESTS"), Fault.RATE),
}
_RATE_LIMIT_WAIT_S = 60.0  # the limiter's constant Retry-After (mogplex.md 1.11)


@dataclass(frozen=True, slots=True)
class RunPage:
    """One read of a run, with its events unless the read was of the row only."""

    run: Mapping[str, Any]
    status: str
    segment: str | None  # aiCallId: keys the event list, changes when a paused run resumes
    updated_at: str | None
    events: tuple[Event, ...]
    # unreadable events: the number before each, its id or a digest
    lost: tuple[tuple[int, str], ...]
    size: int  # events on the page, readable or not: decides whether the page is full
    server_time_s: float | None  # the Date header, epoch seconds


_STATES = {
    "pending": State.PENDING,
    "streaming": State.RUNNING,
    "awaiting_input": State.WAITING,
    "success": State.SUCCEEDED,
    "failed": State.FAILED,
    "cancelled": State.CANCELLED,
}


def state_of(status: str) -> State:
    """Normalize a run's status; an unknown one counts as running."""
    return _STATES.get(status, State.RUNNING)


def may_resume_from(id_: str) -> bool:
    """Whether an event's id can be sent back as `Last-Event-ID`: a header takes no line end."""
    return _HEADER_SAFE.fullmatch(id_) is not None and not id_.startswith(_DIGEST)


def to_event(raw: object, *, is_listed: bool = False, size: int | None = None) -> Event | None:
    """Normalize one event object; None when it has no id or type.

    Args:
        raw: The parsed JSON.
        is_listed: The object stands in a list of events, so it is an event: without a usable id it
            gets a digest of its content as id, without a type the type `unknown`.
        size: The bytes of the text that held it, where they are known.
    """
    if not isinstance(raw, dict):
        return None
    json = json_if_small(raw) if size is not None and size < SHORT_TEXT else None
    data: Mapping[str, Any] = bounded(raw) if json is None else raw
    id_, type_ = data.get("id"), data.get("type")
    if not (isinstance(id_, str) and isinstance(type_, str) and id_ and type_):
        if not is_listed:
            return None
        id_, type_ = _named(data)
    elif len(id_) > ID_LENGTH_MAX:
        id_, type_ = _named(data)
    time, seconds = times.parse(data.get("createdAt")) or (None, None)
    return Event(id_, EVENT_TYPE + type_[:ID_LENGTH_MAX], time, seconds, data, json)


def _named(data: Mapping[str, Any]) -> tuple[str, str]:
    """An id and a type for an event that has not both as they can be."""
    id_, type_ = data.get("id"), data.get("type")
    if not isinstance(id_, str) or not 0 < len(id_) <= ID_LENGTH_MAX:
        id_ = _DIGEST + hashlib.sha256(dumps(id_ or data)).hexdigest()
    return id_, type_ if isinstance(type_, str) and type_ else "unknown"


class MogplexApi:
    """The reads of one account. Each of them costs one unit of the token's window."""

    def __init__(self, http: HttpSession, redact: Callable[[str], str]) -> None:
        self.http = http
        self._redact = redact

    async def run_events(self, run_id: str) -> RunPage | Failure:
        """The events that upstream shows of a run, oldest first, and its row."""
        reply = await self.http.get(
            "runs.events", f"{API}/runs/{run_id}/events", {"limit": str(PAGE_MAX)}
        )
        return await self._to_page("runs.events", reply, run_id)

    async def run(self, run_id: str) -> RunPage | Failure:
        """Read the row alone; newer servers notice dead workers only here (mogplex.md 1.7)."""
        reply = await self.http.get("runs.get", f"{API}/runs/{run_id}", {})
        return await self._to_page("runs.get", reply, run_id)

    async def probe(self) -> Failure | None:
        """Whether the token may read: `/repos` shows it, `/api/auth/user` does not (1.5)."""
        reply = await self.http.get("repos", f"{API}/repos", {"limit": "1"})
        if isinstance(reply, Failure):
            return reply
        data = self.to_data("repos", reply)
        return data if isinstance(data, Failure) else None

    async def _to_page(
        self, operation: str, reply: Reply | Failure, run_id: str
    ) -> RunPage | Failure:
        if isinstance(reply, Failure):
            return reply
        data = self.to_data(operation, reply)
        if isinstance(data, Failure) and data.code == "INVALID_RESPONSE":
            whole = await _salvaged(reply.body.removeprefix(_BOM))
            if whole is not None and whole.get("ok") is True:
                data = whole["data"]
        if isinstance(data, Failure):
            return data
        page = to_page(data, reply.headers, len(reply.body))
        if page is None:
            return self._invalid(operation, reply.status, "the reply holds no run")
        if not is_of_run(page.run, run_id):
            return self._invalid(operation, reply.status, "the reply is of another run")
        return page

    def to_data(self, operation: str, reply: Reply) -> Mapping[str, Any] | Failure:
        """Return the `data` of the envelope, or a Failure that explains its absence."""
        try:
            body = loads(reply.body.removeprefix(_BOM))
        except JsonError:
            body = None
        if 200 <= reply.status < 300:
            envelope = body if isinstance(body, dict) else {}
            data = envelope.get("data") if envelope.get("ok") is True else None
            if isinstance(data, dict):
                return data
            error = envelope.get("error")
            if isinstance(error, dict) and error.get("code"):  # the code decides, not the status
                return self.classify(operation, reply.status, reply.headers, body)
            return self._invalid(operation, reply.status, "a success that is not the API's JSON")
        return self.classify(operation, reply.status, reply.headers, body)

    @staticmethod
    def _invalid(operation: str, status: int, text: str) -> Failure:
        return Failure(operation, "INVALID_RESPONSE", text, Retry.TRANSIENT, status)

    def classify(
        self, operation: str, status: int, headers: Mapping[str, str], body: object
    ) -> Failure:
        """Classify a refusal by its code, then its HTTP status, then whether it is JSON at all.

        `body` is the parsed JSON, or None.
        """
        error = body.get("error") if isinstance(body, dict) else None
        code = error.get("code") if isinstance(error, dict) else None
        if isinstance(code, str) and code:
            text = code.strip()
            code = text.upper()
            # A code is one word: it stands in metrics and records, and may hold no user data.
            is_word = _CODE.fullmatch(text) is not None and self._redact(text) == text
            if code not in _CODES and not is_word:
                code = "UNKNOWN"
            retry = _CODES.get(code) or _of_unknown_code(status)
            told = error.get("message") if isinstance(error, dict) else None
            text = told if isinstance(told, str) and told else code
        elif 300 <= status < 400:
            code, retry, text = _redirect(headers.get("Location", ""))
        else:
            code, retry = _by_status(status)
            text = f"HTTP {status} without the API's JSON"
        return Failure(
            operation,
            code,
            self._redact(text)[:300],
            retry,
            status,
            _wait_s(code, headers),
            (headers.get("x-vercel-id") or headers.get("x-request-id") or "")[:100] or None,
            _FAULTS.get(code),
        )


async def _salvaged(body: bytes) -> Mapping[str, Any] | None:
    if not body.startswith(b"{"):
        return None
    # Repairing a page of many megabytes takes seconds, so it runs outside the event loop.
    return salvage(body) if len(body) < SHORT_TEXT else await asyncio.to_thread(salvage, body)


def is_of_run(run: Mapping[str, Any], run_id: str) -> bool:
    """Whether a row belongs to the requested run: a cache or a proxy may mix them up."""
    named = run.get("runId")
    return not isinstance(named, str) or named.lower() == run_id.lower()


def to_page(
    data: Mapping[str, Any], headers: Mapping[str, str], size: int | None = None
) -> RunPage | None:
    """Read `{run, events}` or `{run}`; None when there is no run with a status in it.

    `size`: bytes of the text that `data` was read from, where they are known.
    """
    run = data.get("run")
    raw = data.get("events", [])
    if not isinstance(run, dict) or not isinstance(raw, list):
        return None
    status = run.get("status")
    if not isinstance(status, str) or not status:
        return None
    segment, updated_at = run.get("aiCallId"), run.get("updatedAt")
    events: list[Event] = []
    lost: list[tuple[int, str]] = []
    for item in raw:
        event = to_event(item, is_listed=True, size=size)
        if event is not None:
            events.append(event)
        else:
            name = item if isinstance(item, Lost) else lost_of(dumps(bounded(item)))
            lost.append((len(events), name.key))
    return RunPage(
        run=bounded(run),
        status=status[:64],
        segment=segment if isinstance(segment, str) else None,
        updated_at=updated_at if isinstance(updated_at, str) else None,
        events=tuple(events),
        lost=tuple(lost),
        size=len(raw),
        server_time_s=http_date(headers.get("Date")),
    )


def _of_unknown_code(status: int) -> Retry:
    """Judge an unknown code of the API itself by its HTTP status."""
    if 400 <= status < 500 and status not in (401, 408, 425, 429):
        return Retry.PERMANENT
    return _by_status(status)[1]


def _by_status(status: int) -> tuple[str, Retry]:
    """Judge a refusal without a known code (mogplex.md 1.2 and the last rows of 1.10).

    Without the API's envelope the reply comes from something in front of the API: a proxy, a
    firewall, a deployment in progress, or a wrong base URL. None of them ends a run that was read.
    """
    match status:
        case 401:
            return "UNAUTHORIZED", Retry.AUTH_SUSPECT
        case 404:
            return "HTTP_ERROR", Retry.FEATURE_ABSENT
        case 429:
            return "RATE_LIMITED", Retry.TRANSIENT
        case _:
            return "HTTP_ERROR", Retry.TRANSIENT


def _redirect(location: str) -> tuple[str, Retry, str]:
    try:
        target = urlsplit(location)
        path, host = target.path.rstrip("/"), target.hostname or "another path"
    except ValueError:  # the text is no URL
        path, host = "", "another place"
    if path == "/login":
        return (
            "LOGIN_REDIRECT",
            Retry.AUTH_SUSPECT,
            "the server redirects to a sign-in page: it does not see the token",
        )
    text = f"the server redirects to {host[:100]}, never followed: set base_url to where the API is"
    return "HTTP_ERROR", Retry.TRANSIENT, text


def _wait_s(code: str, headers: Mapping[str, str]) -> float | None:
    """Retry-After clamped to 1..300 s (mogplex.md 1.11)."""
    wait_s = retry_after_s(headers)
    if wait_s is None and code == "RATE_LIMITED":
        wait_s = _RATE_LIMIT_WAIT_S
    return None if wait_s is None else min(max(wait_s, 1.0), 300.0)
