"""Parses request targets, and remembers them because polling clients repeat them."""

from __future__ import annotations

import re
from typing import NamedTuple

from aiohttp import web

from bridge.outputs.gateway.port import Dialect
from bridge.outputs.http.problems import ProblemError

TARGETS_MAX = 4096  # remembered targets; then all are dropped
TARGET_CHARS_MAX = 256  # a longer one is parsed each time
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/_.~-]+", re.ASCII)  # no escapes, because no path needs one


class Target(NamedTuple):
    """One run, and which of its events."""

    id: str
    limit: int
    after: str | None


class Targets:
    """Parses targets, each spelling once."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: dict[str, Target] = {}

    def of(self, request: web.Request) -> Target:
        """The target of a route with `run_id`.

        Raises:
            ProblemError: The id or a parameter is one that upstream refuses.
        """
        known = self._known.get(request.raw_path)
        return known if known is not None else self._read(request)

    def _read(self, request: web.Request) -> Target:
        check_path(request)
        id_ = self._dialect.normal_id(request.match_info["run_id"])
        if id_ is None:  # upstream answers with a database error
            raise ProblemError("not_found", "Run not found")
        query = request.query
        target = Target(id_, self._dialect.limit(query.get("limit")), query.get("after"))
        if len(request.raw_path) <= TARGET_CHARS_MAX:
            if len(self._known) >= TARGETS_MAX:
                self._known.clear()
            self._known[request.raw_path] = target
        return target


def check_path(request: web.Request) -> None:
    """Refuse a path with escapes, dots or empty segments: here and upstream read it alike."""
    raw = request.rel_url.raw_path
    if not _PLAIN_PATH.fullmatch(raw) or "//" in raw or "/." in raw or raw != request.path:
        raise ProblemError("not_found", "no such route; see docs/gateway.md")
