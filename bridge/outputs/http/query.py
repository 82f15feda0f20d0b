"""Parses requests for events: filter, start, representation. Unknown parameters are refused."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, NamedTuple

from aiohttp import hdrs, web

from bridge.core.filter import Filter
from bridge.outputs.compression import ZSTD, maybe_coding
from bridge.outputs.http.limits import Limits
from bridge.outputs.http.problems import ProblemError
from bridge.outputs.http.sought import Sought
from bridge.outputs.streams.formats import (
    NDJSON_CHUNKED,
    NDJSON_RAW,
    NDJSON_ZSTD,
    SSE_CHUNKED,
    SSE_RAW,
    WEBSOCKET,
    Format,
)

Ids = Callable[[str | None, str], frozenset[str]]  # kind, text -> possible ids

PAGE_RECORDS = 100
TEXT_CHARS_MAX = 200  # of a text to search for
EVENT_PARAMETERS = (
    "after", "tail", "limit", "run", "type", "account", "kind", "system", "text", "ticket"
)  # fmt: skip
# Parameters with which EventSource replacements send the last id if they cannot set the header.
_LAST_EVENT_ID_PARAMETERS = ("lastEventId", "Last-Event-ID")
_CACHE_BUSTER = "_"  # a changing value against caches; every route accepts it
_LAST_EVENT_ID = "Last-Event-ID"
# Every new empty frozenset takes 216 bytes, and a stream keeps its filter.
_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed request for events, before any read of the journal."""

    only: Filter
    asked: str | None  # Last-Event-ID, else `after`; None if neither is given
    tail: int | None
    limit: int
    sought: Sought | None = None  # only records that contain it; pages only


def check_names(request: web.Request, known: Collection[str]) -> None:
    """Check that the route knows every query parameter.

    Raises:
        ProblemError: A parameter is unknown; the text suggests the nearest name.
    """
    for name in request.query:
        if name not in known and name != _CACHE_BUSTER:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ProblemError(
                "unknown_parameter",
                f"query parameter {name[:64]!r} is not known here{hint}",
                members={"parameter": name[:64]},
            )


def single(request: web.Request, name: str) -> str | None:
    """Return the value of a parameter; None without one.

    Raises:
        ProblemError: The parameter is given more than once.
    """
    values = request.query.getall(name, [])
    if len(values) > 1:
        raise invalid(name, "is given more than once")
    return values[0] if values else None


class FeedPath(NamedTuple):
    """The feed that the path of a request names."""

    kind: str
    id: str  # as it was written


def read_query(
    request: web.Request, limits: Limits, ids: Ids, feed: FeedPath | None = None
) -> Query:
    """Parse a request for events.

    Args:
        request: The request.
        limits: The limits of filters and pages.
        ids: Returns the ids that a text may mean.
        feed: The feed in the path, if any.

    Raises:
        ProblemError: A parameter is unknown or invalid.
    """
    known: Collection[str] = EVENT_PARAMETERS
    if feed is not None:
        known = tuple(n for n in known if n not in ("run", "kind", "system"))
    check_names(request, (*known, *_LAST_EVENT_ID_PARAMETERS))
    after = single(request, "after")
    last_id = _last_event_id(request)
    runs = [feed.id] if feed else values(request, "run", limits.runs_per_filter_max, limits)
    kind = feed.kind if feed is not None else None
    few = limits.accounts_per_filter_max
    text = read_text(request)
    return Query(
        only=Filter(
            ids=frozenset().union(*(ids(kind, run) for run in runs)) or _NONE,
            # Sorted, so that the order of the parameters does not make another filter.
            types=tuple(sorted(set(values(request, "type", limits.types_per_filter_max, limits)))),
            accounts=frozenset(values(request, "account", few, limits)) or _NONE,
            kinds=frozenset((kind,) if kind else values(request, "kind", few, limits)) or _NONE,
            systems=frozenset(values(request, "system", few, limits)) or _NONE,
        ),
        asked=last_id or after,
        tail=maybe_number(request, "tail", 0, limits.tail_max),
        limit=maybe_number(request, "limit", 1, limits.page_records_max) or PAGE_RECORDS,
        sought=Sought(text) if text else None,
    )


def read_text(request: web.Request) -> str:
    """The text to search for; empty for none.

    Raises:
        ProblemError: The text is too long, or given more than once.
    """
    text = single(request, "text") or ""
    if len(text) > TEXT_CHARS_MAX:
        raise invalid("text", f"is longer than {TEXT_CHARS_MAX} characters")
    return text


def _last_event_id(request: web.Request) -> str:
    """The Last-Event-ID header, else the parameter that replaces it; empty for none.

    It precedes `after`, because a reconnecting EventSource replacement repeats the `after` of its
    first request.

    Raises:
        ProblemError: A replacement parameter is given more than once.
    """
    found = request.headers.get(_LAST_EVENT_ID, "").strip()
    for name in _LAST_EVENT_ID_PARAMETERS:
        found = found or (single(request, name) or "").strip()
    return found


def values(request: web.Request, name: str, count_max: int, limits: Limits) -> list[str]:
    """All values of a repeatable parameter.

    Raises:
        ProblemError: There are too many values, or one is empty or too long.
    """
    found = request.query.getall(name, [])
    if len(found) > count_max:
        raise invalid(name, f"is given {len(found)} times; at most {count_max} are allowed")
    for value in found:
        if not value.removeprefix("!") or len(value) > limits.value_chars_max:
            raise invalid(
                name,
                f"has a value that is empty or longer than {limits.value_chars_max} characters",
            )
    if name == "type" and sum(map(len, found)) > limits.types_chars_max:
        raise invalid(name, f"has values of more than {limits.types_chars_max} characters in all")
    return found


def maybe_number(request: web.Request, name: str, low: int, high: int) -> int | None:
    """A number from `low` to `high`; None if the parameter is missing.

    Raises:
        ProblemError: The value is no number in this range.
    """
    text = single(request, name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or not low <= int(text) <= high:
        raise invalid(name, f"must be a number from {low} to {high}")
    return int(text)


def invalid(name: str, what: str) -> ProblemError:
    """The problem of a query parameter; `what` continues the sentence after its name."""
    return ProblemError(
        "invalid_parameter", f"query parameter {name!r} {what}", members={"parameter": name}
    )


def maybe_format(request: web.Request, *, may_compress: bool = False) -> Format | None:
    """Return the requested endless representation; None for a page."""
    if "websocket" in _tokens(request.headers.get(hdrs.UPGRADE, "")):
        return WEBSOCKET
    is_chunked = request.version >= (1, 1)
    wish = _preferred(",".join(request.headers.getall(hdrs.ACCEPT, [])))
    if wish == SSE_RAW.content_type:
        return SSE_CHUNKED if is_chunked else SSE_RAW
    if wish == NDJSON_RAW.content_type:
        if may_compress and is_chunked and maybe_coding(request) == ZSTD:
            return NDJSON_ZSTD
        return NDJSON_CHUNKED if is_chunked else NDJSON_RAW
    return None


def _preferred(accept: str) -> str:
    """Return the first of the most preferred media types; a wildcard means a page."""
    best, best_q = "", 0.0
    for item in accept.split(","):
        media, *parameters = [part.strip().lower() for part in item.split(";")]
        q = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name == "q":
                try:
                    q = float(value)
                except ValueError:
                    q = 0.0
        if media and "*" not in media and q > best_q:
            best, best_q = media, q
    return best


def _tokens(header: str) -> set[str]:
    return {token.strip().lower() for token in header.split(",")}


def is_connection_upgrade(request: web.Request) -> bool:
    """Whether `Connection` names the upgrade; `Upgrade` alone does not request it."""
    return "upgrade" in _tokens(request.headers.get(hdrs.CONNECTION, ""))
