"""/v1/runs: what is followed, and what shall be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from bridge.clock import Clock
from bridge.core.errors import JournalError
from bridge.outputs.http.access import Identity, Need
from bridge.outputs.http.groups import Route
from bridge.outputs.http.problems import ProblemError, unavailable
from bridge.outputs.http.query import check_names, single
from bridge.outputs.port import (
    AmbiguousFeedError,
    Feeds,
    InvalidIdError,
    TooManyFeedsError,
    UnknownAccountError,
)
from bridge.wire.jsontext import dumps

RUN = "run"  # the kind of feed that these routes are about
LIST_S = 0.5
"""Seconds for which one list serves everybody. Each open page asks every two, and a list of 1,500
runs takes the loop 7 ms: a few hundred pages would leave the streams nothing."""


class RunRoutes:
    """The handlers."""

    name = "runs"

    def __init__(self, feeds: Feeds, clock: Clock) -> None:
        self._feeds = feeds
        self._clock = clock
        self._views: Sequence[Mapping[str, Any]] = ()
        self._whole = b""  # the same, for those without limits
        self._made_s = -math.inf

    def routes(self) -> Sequence[Route]:
        return (
            Route("GET", "/v1/runs", Need.READ, self.get_all),
            Route("GET", "/v1/runs/{run_id}", Need.READ, self.get_one),
            Route("PUT", "/v1/runs/{run_id}", Need.ADMIN, self.put),
            Route("DELETE", "/v1/runs/{run_id}", Need.ADMIN, self.delete),
        )

    async def get_all(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """All runs, as they were at most LIST_S ago; what PUT and DELETE change, at once."""
        check_names(request, ())
        now_s = self._clock.monotonic()
        if now_s - self._made_s > LIST_S:
            self._views = [run_view(view) for view in self._feeds.views(RUN)]
            self._made_s = now_s
            self._whole = dumps({"runs": self._views})
        if not identity.is_limited:
            return _json_bytes(self._whole)
        return _json({"runs": [view for view in self._views if may_see(identity, view)]})

    def _look_again(self) -> None:
        self._made_s = -math.inf

    async def get_one(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        check_names(request, ())
        run_id = request.match_info["run_id"]
        view = self._view(run_id)
        if view is None or not may_see(identity, view):
            raise unknown_run(run_id)
        return _json(view)

    def _view(self, run_id: str, account: str | None = None) -> Mapping[str, Any] | None:
        try:
            view = self._feeds.view(RUN, run_id, account)
        except AmbiguousFeedError as error:
            raise _ambiguous(error) from None
        return None if view is None else run_view(view)

    async def put(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """201 when the run was not followed before, else 200; with its view."""
        check_names(request, ("account",))
        run_id, account = request.match_info["run_id"], single(request, "account")
        view = self._view(run_id)
        # A run that is followed may be moved to another account: both must be theirs.
        owner = str(view["account"]) if view is not None else account
        wished = owner if account is None else account
        if identity.is_limited and not (
            identity.may_see(owner or "", run_id.lower())
            and identity.may_see(wished or "", run_id.lower())
        ):
            raise ProblemError(
                "forbidden", "your token is limited to other runs or accounts (name ?account=)"
            )
        try:
            is_new = await self._feeds.follow(RUN, run_id, account)
        except InvalidIdError as error:
            raise _invalid(error) from None
        except AmbiguousFeedError as error:
            raise _ambiguous(error) from None
        except UnknownAccountError as error:
            raise ProblemError(
                "unknown_account", str(error), members={"parameter": "account"}
            ) from None
        except TooManyFeedsError as error:
            raise ProblemError("too_many_runs", str(error)) from None
        except JournalError as error:
            raise unavailable(error) from error
        finally:
            self._look_again()
        return _json(self._view(run_id, account) or {"runId": run_id}, 201 if is_new else 200)

    async def delete(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """204, also when it was not followed: the wished state holds.

        Nor does a run of somebody else exist for a limited token: it is told the same.
        """
        check_names(request, ())
        run_id = request.match_info["run_id"]
        view = self._view(run_id)
        if identity.is_limited and (view is None or not may_see(identity, view)):
            return web.Response(status=204)
        try:
            await self._feeds.unfollow(RUN, run_id)
        except InvalidIdError as error:  # a typing error, most likely, and nothing was stopped
            raise _invalid(error) from None
        except AmbiguousFeedError as error:
            raise _ambiguous(error) from None
        except JournalError as error:
            raise unavailable(error) from error
        finally:
            self._look_again()
        return web.Response(status=204)


def run_view(view: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a feed's view as these routes show runs: `state` is how it is followed."""
    rest = {k: v for k, v in view.items() if k not in ("kind", "id", "system", "following")}
    return {"runId": view["id"], **rest, "state": view["following"]}


def _invalid(error: InvalidIdError) -> ProblemError:
    return ProblemError("invalid_run_id", str(error), members={"parameter": "runId"})


def _ambiguous(error: AmbiguousFeedError) -> ProblemError:
    return ProblemError("ambiguous", str(error), members={"accounts": list(error.accounts)})


def may_see(identity: Identity, view: Mapping[str, Any]) -> bool:
    """Tell whether the limits of a token leave a run to see."""
    return not identity.is_limited or identity.may_see(str(view["account"]), str(view["runId"]))


def unknown_run(run_id: str) -> ProblemError:
    """Return what is said of runs that are not there, and of those one may not see."""
    return ProblemError(
        "unknown_run", f"run {run_id[:64]!r} is not followed: PUT /v1/runs/{{id}} first"
    )


def _json(value: Mapping[str, Any], status: int = 200) -> web.Response:
    return _json_bytes(dumps(value), status)


def _json_bytes(body: bytes, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=body,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
