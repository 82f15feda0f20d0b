"""/v1/feeds: lists, adds and removes followed feeds of any system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from bridge.core.errors import JournalError
from bridge.outputs.http.access import Identity, Need
from bridge.outputs.http.feed_lists import FeedLists, may_see, select
from bridge.outputs.http.groups import Route
from bridge.outputs.http.port import (
    AmbiguousFeedError,
    Feeds,
    InvalidIdError,
    TooManyFeedsError,
    UnknownAccountError,
)
from bridge.outputs.http.problems import ProblemError, unavailable
from bridge.outputs.http.query import check_names, single
from bridge.wire.jsontext import dumps


class FeedRoutes:
    """The handlers. An id in the path is percent-encoded, in any form that people write."""

    name = "feeds"

    def __init__(self, feeds: Feeds, lists: FeedLists) -> None:
        self._feeds = feeds
        self._lists = lists
        self._whole: tuple[float, bytes] = (0.0, b"")  # the answer for those without limits

    def routes(self) -> Sequence[Route]:
        """See `RouteGroup.routes`."""
        return (
            Route("GET", "/v1/feeds", Need.READ, self.get_all),
            Route("GET", "/v1/feeds/{kind}/{id}", Need.READ, self.get_one),
            Route("PUT", "/v1/feeds/{kind}/{id}", Need.ADMIN, self.put),
            Route("DELETE", "/v1/feeds/{kind}/{id}", Need.ADMIN, self.delete),
        )

    async def get_all(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """All feeds, or those that match, in pages if a limit is given."""
        page = select(request, identity, self._lists.all(), ("kind", "system"))
        if page.is_whole:
            if self._whole[0] != self._lists.made_at:
                self._whole = self._lists.made_at, dumps({"feeds": page.views, "next": None})
            return json_bytes(self._whole[1])
        return json_answer({"feeds": page.views, "next": page.following})

    async def get_one(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Return one feed's view: 404 if it is unknown, or hidden from this client."""
        check_names(request, ("account",))
        kind, id_ = _named(request)
        view = find(self._feeds, kind, id_, single(request, "account"))
        if view is None or not may_see(identity, view):
            raise unknown_feed(kind, id_)
        return json_answer(view)

    async def put(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Follow a feed: 201 if it was not followed before, else 200; with its view."""
        kind, id_ = _named(request)
        is_new, view = await follow(self._feeds, self._lists, request, identity, kind, id_)
        return json_answer(view or {"kind": kind, "id": id_}, 201 if is_new else 200)

    async def delete(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Stop following a feed: 204, also if it was not followed."""
        await unfollow(self._feeds, self._lists, request, identity, *_named(request))
        return web.Response(status=204)


def _named(request: web.Request) -> tuple[str, str]:
    return request.match_info["kind"], request.match_info["id"]


def find(feeds: Feeds, kind: str, id_: str, account: str | None = None) -> Mapping[str, Any] | None:
    """The view of one feed; None if it is unknown.

    Raises:
        ProblemError: Several accounts have the feed.
    """
    try:
        return feeds.view(kind, id_, account)
    except AmbiguousFeedError as error:
        raise _ambiguous(error) from None


async def follow(
    feeds: Feeds,
    lists: FeedLists,
    request: web.Request,
    identity: Identity,
    kind: str,
    id_: str,
) -> tuple[bool, Mapping[str, Any] | None]:
    """Follow the feed that a PUT names.

    Returns:
        Whether it was not followed before, and its view.

    Raises:
        ProblemError: The id or account is invalid, the token does not allow it, or a limit is
            reached.
    """
    check_names(request, ("account",))
    account = single(request, "account")
    try:
        view = feeds.view(kind, id_)
    except AmbiguousFeedError:
        view = find(feeds, kind, id_, account)
    # A second account may follow a feed of another one; the token must allow both.
    owner = str(view["account"]) if view is not None else account
    ids = {str(view["id"])} if view is not None else _ids(feeds, kind, id_)
    if identity.is_limited and not any(
        identity.may_see(owner or "", one) and identity.may_see(account or owner or "", one)
        for one in ids
    ):
        raise ProblemError(
            "forbidden", "your token is limited to other runs or accounts (name ?account=)"
        )
    try:
        is_new = await feeds.follow(kind, id_, account)
    except (AmbiguousFeedError, InvalidIdError, UnknownAccountError, TooManyFeedsError) as error:
        raise refusal(error) from None
    except JournalError as error:
        raise unavailable(error) from error
    finally:
        lists.look_again()
    return is_new, find(feeds, kind, id_, account or owner)


async def unfollow(
    feeds: Feeds,
    lists: FeedLists,
    request: web.Request,
    identity: Identity,
    kind: str,
    id_: str,
) -> None:
    """Stop following the feed that a DELETE names.

    A limited token gets the same answer for another client's feed as for one that is not followed.

    Raises:
        ProblemError: The id or account is invalid, or the journal cannot store the wish.
    """
    check_names(request, ("account",))
    account = single(request, "account")
    if identity.is_limited:
        view = find(feeds, kind, id_, account)
        if view is None or not may_see(identity, view):
            return
    try:
        await feeds.unfollow(kind, id_, account)
    except (AmbiguousFeedError, InvalidIdError, UnknownAccountError) as error:
        raise refusal(error) from None
    except JournalError as error:
        raise unavailable(error) from error
    finally:
        lists.look_again()


def _ids(feeds: Feeds, kind: str, id_: str) -> frozenset[str]:
    try:
        return feeds.ids(kind, id_)
    except InvalidIdError as error:
        raise refusal(error) from None


def refusal(error: Exception) -> ProblemError:
    """The problem of a request to follow or unfollow that failed."""
    match error:
        case AmbiguousFeedError():
            return _ambiguous(error)
        case InvalidIdError():
            return ProblemError("invalid_id", str(error), members={"parameter": "id"})
        case UnknownAccountError():
            return ProblemError("unknown_account", str(error), members={"parameter": "account"})
        case _:
            return ProblemError("too_many_runs", str(error))


def _ambiguous(error: AmbiguousFeedError) -> ProblemError:
    return ProblemError("ambiguous", str(error), members={"accounts": list(error.accounts)})


def unknown_feed(kind: str, id_: str) -> ProblemError:
    """The problem of a feed that does not exist, or that the token does not allow."""
    return ProblemError(
        "unknown_feed",
        f"{kind[:50]} {id_[:64]!r} is not followed: PUT /v1/feeds/{{kind}}/{{id}} first",
    )


def json_answer(value: Mapping[str, Any], status: int = 200) -> web.Response:
    """Return a response with a value as JSON, which no cache may store."""
    return json_bytes(dumps(value), status)


def json_bytes(body: bytes, status: int = 200) -> web.Response:
    """Return a response with encoded JSON, which no cache may store."""
    return web.Response(
        status=status,
        body=body,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
