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
from bridge.outputs.http.query import check_names, is_uuid, single
from bridge.outputs.port import (
    InvalidRunIdError,
    Runs,
    TooManyRunsError,
    UnknownAccountError,
)
from bridge.wire.jsontext import dumps

LIST_S = 0.5
"""Seconds for which one list serves everybody. Each open page asks every two, and a list of 1,500
runs takes the loop 7 ms: a few hundred pages would leave the streams nothing."""


class RunRoutes:
    """The handlers."""

    name = "runs"

    def __init__(self, runs: Runs, clock: Clock) -> None:
        self._runs = runs
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
            self._views, self._made_s = self._runs.views(), now_s
            self._whole = dumps({"runs": self._views})
        if not identity.is_limited:
            return _json_bytes(self._whole)
        return _json({"runs": [view for view in self._views if may_see(identity, view)]})

    def _look_again(self) -> None:
        self._made_s = -math.inf

    async def get_one(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        check_names(request, ())
        run_id = request.match_info["run_id"]
        view = self._runs.view(run_id)
        if view is None or not may_see(identity, view):
            raise unknown_run(run_id)
        return _json(view)

    async def put(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """201 when the run was not followed before, else 200; with its view."""
        check_names(request, ("account",))
        run_id, account = request.match_info["run_id"], single(request, "account")
        view = self._runs.view(run_id)
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
            is_new = await self._runs.follow(run_id, account)
        except InvalidRunIdError as error:
            raise ProblemError(
                "invalid_run_id", str(error), members={"parameter": "runId"}
            ) from None
        except UnknownAccountError as error:
            raise ProblemError(
                "unknown_account", str(error), members={"parameter": "account"}
            ) from None
        except TooManyRunsError as error:
            raise ProblemError("too_many_runs", str(error)) from None
        except JournalError as error:
            raise unavailable(error) from error
        finally:
            self._look_again()
        return _json(self._runs.view(run_id) or {"runId": run_id}, 201 if is_new else 200)

    async def delete(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """204, also when it was not followed: the wished state holds.

        Nor does a run of somebody else exist for a limited token: it is told the same.
        """
        check_names(request, ())
        run_id = request.match_info["run_id"]
        if not is_uuid(run_id):  # a typing error, most likely, and nothing was stopped
            raise ProblemError(
                "invalid_run_id",
                f"run id {run_id[:64]!r} is not a UUID",
                members={"parameter": "runId"},
            )
        view = self._runs.view(run_id)
        if identity.is_limited and (view is None or not may_see(identity, view)):
            return web.Response(status=204)
        try:
            await self._runs.unfollow(run_id)
        except JournalError as error:
            raise unavailable(error) from error
        finally:
            self._look_again()
        return web.Response(status=204)


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
