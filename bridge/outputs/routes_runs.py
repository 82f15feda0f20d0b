"""/v1/runs: what is followed, and what shall be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bridge.core.errors import JournalError
from bridge.outputs.access import Identity
from bridge.outputs.port import (
    InvalidRunIdError,
    Runs,
    TooManyRunsError,
    UnknownAccountError,
)
from bridge.outputs.problems import ProblemError
from bridge.outputs.query import check_names, is_uuid, single
from bridge.wire.jsontext import dumps


class RunRoutes:
    """The handlers."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def get_all(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        check_names(request, ())
        views = [view for view in self._runs.views() if may_see(identity, view)]
        return _json({"runs": views})

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
        return web.Response(status=204)


def may_see(identity: Identity, view: Mapping[str, Any]) -> bool:
    """Tell whether the limits of a token leave a run to see."""
    return not identity.is_limited or identity.may_see(str(view["account"]), str(view["runId"]))


def unknown_run(run_id: str) -> ProblemError:
    """Return what is said of runs that are not there, and of those one may not see."""
    return ProblemError(
        "unknown_run", f"run {run_id[:64]!r} is not followed: PUT /v1/runs/{{id}} first"
    )


def unavailable(error: JournalError) -> ProblemError:
    """Return what a client may know of a journal's failure; the cause is in the log."""
    return ProblemError(
        "journal_unavailable",
        f"the journal cannot be used now ({type(error).__name__}); try again later",
        headers={"Retry-After": "10"},
    )


def _json(value: Mapping[str, Any], status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=dumps(value),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
