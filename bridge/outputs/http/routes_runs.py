"""/v1/runs: the feeds of kind `run` under stable names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from bridge.outputs.http.access import Identity, Need
from bridge.outputs.http.feed_lists import FeedLists, may_see, select
from bridge.outputs.http.groups import Route
from bridge.outputs.http.port import Feeds
from bridge.outputs.http.problems import ProblemError
from bridge.outputs.http.query import check_names, single
from bridge.outputs.http.routes_feeds import find, follow, json_answer, json_bytes, unfollow
from bridge.wire.jsontext import dumps

RUN = "run"  # the kind of feed that these routes serve


class RunRoutes:
    """The handlers."""

    name = "runs"

    def __init__(self, feeds: Feeds, lists: FeedLists) -> None:
        self._feeds = feeds
        self._lists = lists
        self._whole: tuple[float, bytes] = (0.0, b"")  # the answer for those without limits

    def routes(self) -> Sequence[Route]:
        """See `RouteGroup.routes`."""
        return (
            Route("GET", "/v1/runs", Need.READ, self.get_all),
            Route("GET", "/v1/runs/{id}", Need.READ, self.get_one),
            Route("PUT", "/v1/runs/{id}", Need.ADMIN, self.put),
            Route("DELETE", "/v1/runs/{id}", Need.ADMIN, self.delete),
        )

    async def get_all(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """All runs, or those that match, in pages if a limit is given."""
        runs = [view for view in self._lists.all() if view["kind"] == RUN]
        page = select(request, identity, runs)
        if page.is_whole:
            if self._whole[0] != self._lists.made_at:
                whole = dumps({"runs": [run_view(view) for view in page.views]})
                self._whole = self._lists.made_at, whole
            return json_bytes(self._whole[1])
        found: dict[str, Any] = {"runs": [run_view(view) for view in page.views]}
        if "limit" in request.query:
            found["next"] = page.following
        return json_answer(found)

    async def get_one(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Return one run's view: 404 if it is unknown, or hidden from this client."""
        check_names(request, ("account",))
        run_id = request.match_info["id"]
        view = find(self._feeds, RUN, run_id, single(request, "account"))
        if view is None or not may_see(identity, view):
            raise unknown_run(run_id)
        return json_answer(run_view(view))

    async def put(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Follow a run: 201 if it was not followed before, else 200; with its view."""
        run_id = request.match_info["id"]
        try:
            is_new, view = await follow(self._feeds, self._lists, request, identity, RUN, run_id)
        except ProblemError as problem:
            raise _as_of_runs(problem) from None
        shown = run_view(view) if view is not None else {"runId": run_id}
        return json_answer(shown, 201 if is_new else 200)

    async def delete(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Stop following a run: 204, also if it was not followed."""
        try:
            await unfollow(
                self._feeds, self._lists, request, identity, RUN, request.match_info["id"]
            )
        except ProblemError as problem:
            raise _as_of_runs(problem) from None
        return web.Response(status=204)


def run_view(view: Mapping[str, Any]) -> dict[str, Any]:
    """Return a feed's view as these routes show runs: `state` is the view's `following`."""
    rest = {k: v for k, v in view.items() if k not in ("kind", "id", "system", "following")}
    return {"runId": view["id"], **rest, "state": view["following"]}


def _as_of_runs(problem: ProblemError) -> ProblemError:
    """Replace the code for an invalid id by the one that these routes use."""
    if problem.code == "invalid_id":
        return ProblemError("invalid_run_id", problem.detail, members={"parameter": "runId"})
    return problem


def unknown_run(run_id: str) -> ProblemError:
    """The problem of a run that does not exist, or that the token does not allow."""
    return ProblemError(
        "unknown_run", f"run {run_id[:64]!r} is not followed: PUT /v1/runs/{{id}} first"
    )
