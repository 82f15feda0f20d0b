"""Discovers feeds that the configuration does not name: follows active ones, skips ended ones.

Discovery uses only requests that no follow needs (Rank.FIND). It skips a list that the key may not
read, and logs that once.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.core.errors import Retry
from bridge.core.event import Feed
from bridge.core.pace.line import Rank
from bridge.log import get_logger
from bridge.sources.miosa.api import LIST_SIZE, Listed
from bridge.sources.miosa.classify import Verdict
from bridge.sources.miosa.following import Parts
from bridge.sources.miosa.ids import PATHS, feed_of
from bridge.sources.miosa.rules import words
from bridge.sources.port import Discovered

log = get_logger()

EVERY_S = 30.0
HURRY_S = 30.0  # at the start, the first look may use requests that are otherwise kept free
PAGES_MAX = 50  # of one list in one look: 5,000 things
# Snapshots have no list of their own, and there is one tenant.
LISTED = (words.RUN, words.SANDBOX, words.COMPUTER, words.BUILD, words.DEPLOYMENT)


class Discovery:
    """`run` is a task; `is_on` may change at any time."""

    def __init__(self, account: str, parts: Parts, discovered: Discovered, *, is_on: bool) -> None:
        self.is_on = is_on
        self._account = account
        self._parts = parts
        self._discovered = discovered
        self._found: set[Feed] = set()
        self._denied: set[str] = set()  # kinds whose list the key may not read
        self._hurries_until = -math.inf

    async def run(self) -> None:
        """Look at the start and every 30 s, for ever."""
        self._hurries_until = self._parts.clock.monotonic() + HURRY_S
        while True:
            if self.is_on and self._parts.gate.refused is None:
                for kind in LISTED:
                    if kind not in self._denied:
                        await self._look(kind)
                self._hurries_until = -math.inf
            await asyncio.sleep(EVERY_S)

    def token_replaced(self) -> None:
        """Forget which lists were denied: another key may read them."""
        self._denied.clear()

    async def _look(self, kind: str) -> None:
        seen: set[object] = set()
        for page in range(1, PAGES_MAX + 1):
            listed = await self._ask(kind, page)
            if isinstance(listed, Verdict) and self._has_other_name(kind, listed):
                listed = await self._ask(kind, page)
            if isinstance(listed, Verdict):
                self._refused(kind, listed)
                return
            for row in listed.rows:
                await self._see(kind, row)
            ids = {str(row.get("id")) for row in listed.rows}
            if listed.is_last or kind == words.RUN or ids <= seen:
                return  # the last: a list that has no pages repeats its only one
            seen |= ids

    async def _ask(self, kind: str, page: int) -> Listed | Verdict:
        parts = self._parts
        is_first = page == 1 and parts.clock.monotonic() < self._hurries_until
        rank = Rank.FIRST_FIND if is_first else Rank.FIND
        async with parts.gate.turn((self._account, "find"), rank) as turn:
            started = parts.clock.monotonic()
            path = parts.learnt.runs.name if kind == words.RUN else PATHS[kind]
            turn.sent()
            listed = await parts.api.listing(path, "lists", _params(kind, page))
            turn.answered()
        if isinstance(listed, Verdict):
            parts.tell_gate(listed, started, None)
        else:
            parts.gate.accepted("lists", started)
            if kind == words.RUN:
                parts.learnt.runs.worked(path)
        return listed

    def _has_other_name(self, kind: str, verdict: Verdict) -> bool:
        """Whether the list of runs may be under the other of its two names."""
        if kind != words.RUN or not verdict.is_route_missing:
            return False
        runs = self._parts.learnt.runs
        name = runs.name
        if verdict.failure.retry is Retry.FEATURE_ABSENT:
            runs.gone(name)
        return runs.refused(name)

    def _refused(self, kind: str, verdict: Verdict) -> None:
        if kind == words.RUN and verdict.is_route_missing:
            return  # neither name works today; the next look tries both again
        if verdict.failure.retry in (Retry.PERMANENT, Retry.FEATURE_ABSENT):
            self._denied.add(kind)
            log.warning(
                "discovery.denied",
                account=self._account,
                kind=kind,
                code=verdict.failure.code,
                message=verdict.failure.message,
                request_id=verdict.failure.request_id,
            )

    async def _see(self, kind: str, row: Mapping[str, Any]) -> None:
        status = row.get("state") if kind in (words.SANDBOX, words.BUILD) else row.get("status")
        status = status or row.get("status") or row.get("state")
        id_ = row.get("id")
        if not isinstance(status, str) or not isinstance(id_, str) or words.is_end(kind, status):
            return
        try:
            feed = feed_of(self._account, kind, id_)
        except ValueError:
            return  # upstream cannot have this id
        if await self._discovered.found(feed) and feed not in self._found:
            self._found.add(feed)
            self._parts.metrics.own["discovered_total"].labels(self._account).inc()


def _params(kind: str, page: int) -> Mapping[str, str]:
    if kind == words.RUN:  # this list filters, but has no pages
        return {"status": "running", "limit": str(LIST_SIZE)}
    return {"page": str(page), "page_size": str(LIST_SIZE)}


def listed_kinds() -> Sequence[str]:
    """The kinds that discovery looks for."""
    return LISTED
