"""Lists of followed feeds: made once for all clients, filtered, cut into pages."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from aiohttp import web

from bridge.clock import Clock
from bridge.outputs.http.access import Identity
from bridge.outputs.http.limits import Limits
from bridge.outputs.http.port import Feeds
from bridge.outputs.http.query import check_names, invalid, maybe_number, read_text, single, values

LIST_S = 0.5
"""Seconds for which one list serves everybody. Each open page asks every two, and a list of 1,500
runs takes the loop 7 ms: a few hundred pages would leave the streams nothing."""
LIMIT_MAX = 1000
LIST_PARAMETERS = ("status", "state", "text", "account", "limit", "cursor")
_LIMITS = Limits()  # filter limits do not depend on the configuration
_SEARCHED = ("id", "title", "branch")

View = Mapping[str, Any]


class ListPage(NamedTuple):
    """The requested part of a list; `following` is the next cursor, None at the end."""

    views: Sequence[View]
    following: str | None
    is_whole: bool  # the request has no filter, limit or cursor


class FeedLists:
    """All views, newest first, at most LIST_S old."""

    def __init__(self, feeds: Feeds, clock: Clock) -> None:
        self._feeds = feeds
        self._clock = clock
        self._views: Sequence[View] = ()
        self._made_s = -math.inf

    @property
    def made_at(self) -> float:
        """When the list was made; each list has a different time."""
        return self._made_s

    def all(self) -> Sequence[View]:
        """Return the views of all feeds, newest first; made again if older than LIST_S."""
        now_s = self._clock.monotonic()
        if now_s - self._made_s > LIST_S:
            self._views, self._made_s = self._feeds.views(), now_s
        return self._views

    def look_again(self) -> None:
        """Make a new list for the next request, because a client changed a feed."""
        self._made_s = -math.inf


def may_see(identity: Identity, view: View) -> bool:
    """Whether a token's limits allow a feed; `view` as the port returns it."""
    return not identity.is_limited or identity.may_see(str(view["account"]), str(view["id"]))


def select(
    request: web.Request, identity: Identity, views: Sequence[View], more: Collection[str] = ()
) -> ListPage:
    """Select what a request for a list asks for.

    Args:
        request: Its query holds filters, `limit` and `cursor`.
        identity: The client, whose limits apply.
        views: All views, newest first.
        more: Names of further parameters, each compared with a value of the view.

    Raises:
        ProblemError: A parameter is unknown or invalid, or the cursor has expired.
    """
    check_names(request, (*LIST_PARAMETERS, *more))
    wanted = _wanted(request, identity, more)
    limit = maybe_number(request, "limit", 1, LIMIT_MAX)
    cursor = single(request, "cursor")
    found = [view for view in views if wanted(view)]
    if cursor is not None:
        found = found[_place(found, cursor) :]
    is_whole = not request.query and not identity.is_limited
    if limit is None or len(found) <= limit:
        return ListPage(found, None, is_whole)
    return ListPage(found[:limit], _cursor(found[limit - 1]), is_whole=False)


def _wanted(
    request: web.Request, identity: Identity, more: Collection[str]
) -> Callable[[View], bool]:
    count_max = _LIMITS.accounts_per_filter_max
    asked = {
        name: frozenset(values(request, name, count_max, _LIMITS))
        for name in ("status", "account", *more)
    }
    states = frozenset(values(request, "state", count_max, _LIMITS))
    text = read_text(request).casefold()

    def wanted(view: View) -> bool:
        return (
            may_see(identity, view)
            and all(not some or str(view.get(name)) in some for name, some in asked.items())
            # `following` has its own values; a list of runs calls it `state`.
            and (not states or bool(states & {view.get("state"), view.get("following")}))
            and (not text or any(text in str(view.get(n, "")).casefold() for n in _SEARCHED))
        )

    return wanted


def _name(view: View) -> str:
    return f"{view['account']}/{view['kind']}/{view['id']}"


def _cursor(view: View) -> str:
    return base64.urlsafe_b64encode(_name(view).encode("utf-8", "surrogatepass")).decode()


def _place(views: Sequence[View], cursor: str) -> int:
    """The index after the view that a cursor names.

    Raises:
        ProblemError: The cursor names no view of the list.
    """
    try:
        name = base64.urlsafe_b64decode(cursor.encode()).decode("utf-8", "surrogatepass")
    except (ValueError, binascii.Error):
        name = ""
    for place, view in enumerate(views):
        if _name(view) == name:
            return place + 1
    raise invalid("cursor", "has expired; start again without one")
