"""Chooses the account of a request: whose token upstream sees, and whose runs are shown."""

from __future__ import annotations

from aiohttp import web

from bridge.outputs.gateway.port import Runs
from bridge.outputs.http.access import Identity
from bridge.outputs.http.problems import ProblemError

ACCOUNT_HEADER = "X-Bridge-Account"


class AccountChoice:
    """The account that a client's token is limited to, or that the request names.

    Every method raises ProblemError if the token allows no account or not the named one.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def of_run(self, request: web.Request, identity: Identity, id_: str) -> str:
        """The account that follows a run, else the account of `of`."""
        wished = request.headers.get(ACCOUNT_HEADER)
        for seen in self._runs.seen(id_):
            if identity.may_see(seen.account, id_) and wished in (None, seen.account):
                return seen.account
        return self.of(request, identity, id_)

    def maybe_named(self, request: web.Request, identity: Identity) -> str | None:
        """The account that the request names; None if it names none."""
        return self.of(request, identity) if ACCOUNT_HEADER in request.headers else None

    def of(self, request: web.Request, identity: Identity, id_: str | None = None) -> str:
        """The account whose token to use upstream; `id_` is the run of the request."""
        if id_ is not None and identity.runs and id_ not in identity.runs:
            raise ProblemError("not_found", "Run not found")
        allowed = [
            name
            for name in self._runs.accounts()
            if not identity.accounts or name in identity.accounts
        ]
        wished = request.headers.getall(ACCOUNT_HEADER, [])
        if len(wished) > 1 or (wished and wished[0] not in allowed):
            raise ProblemError("forbidden", f"{ACCOUNT_HEADER} names no account of your token")
        if wished:
            return wished[0]
        if not allowed:
            raise ProblemError("forbidden", "your token reaches no account of this system")
        return allowed[0]
