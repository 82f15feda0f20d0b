"""`{run, events}` of a run as bytes, made once for all who poll it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bridge.core.event import Record
from bridge.outputs.gateway.history import History
from bridge.outputs.gateway.port import Dialect, Seen
from bridge.outputs.http.turns import Reading

KEPT_MAX = 1024  # pages; fifty clients poll a run with the same limit
KEPT_BYTES_MAX = 64 * 2**20


class Page(NamedTuple):
    """An answer, and the headers that say what is missing."""

    body: bytes
    headers: Mapping[str, str]
    version: object = None


class EventPages:
    """Pages of events. What did not change since the last one is not read again."""

    def __init__(self, dialect: Dialect, history: History) -> None:
        self._dialect = dialect
        self._history = history
        self._kept: OrderedDict[tuple[str, str, int], Page] = OrderedDict()
        self._kept_bytes = 0
        self._runs: OrderedDict[tuple[str, str], tuple[object, bytes]] = OrderedDict()

    def run_of(self, seen: Seen) -> bytes:
        """The run object, made once for every row."""
        key = (seen.account, seen.id)
        row, made = self._runs.get(key, (None, b""))
        if row is not seen.row:
            made = self._dialect.run(seen.row, seen.id)
            self._runs[key] = seen.row, made
            if len(self._runs) > KEPT_MAX:
                self._runs.popitem(last=False)
        return made

    def maybe_kept(self, seen: Seen, limit: int) -> Page | None:
        """The page of before, when nothing was seen of the run since."""
        page = self._kept.get((seen.account, seen.id, limit))
        return page if page is not None and page.version is seen.version else None

    async def newest(self, seen: Seen, limit: int, reading: Reading) -> Page:
        """The newest `limit` events, oldest first."""
        records = await self._history.newest(seen.account, seen.id, limit, reading)
        is_cut = len(records) < min(limit, seen.events)
        page = self._page(seen, records, is_cut=is_cut)
        self._keep((seen.account, seen.id, limit), page)
        return page

    async def after(self, seen: Seen, event_id: str, limit: int, reading: Reading) -> Page | None:
        """The first `limit` events behind one; None when the journal does not have that one."""
        place = await self._history.place_of(seen.account, seen.id, event_id, reading)
        if place is None:
            return None
        records = await self._history.after(seen.account, seen.id, place, limit, reading)
        return self._page(seen, records, is_cut=False)

    def _page(self, seen: Seen, records: Sequence[Record], *, is_cut: bool) -> Page:
        events = b",".join(map(self._dialect.event, records))
        data = b'{"run":%b,"events":[%b]}' % (self.run_of(seen), events)
        body = self._dialect.success(data, aside(seen, is_cut=is_cut))
        headers = {"X-Bridge-Gaps": str(seen.gaps)} if seen.gaps else {}
        if is_cut:
            headers["X-Bridge-Cut"] = "true"
        return Page(body, headers, seen.version)

    def _keep(self, key: tuple[str, str, int], page: Page) -> None:
        old = self._kept.pop(key, None)
        self._kept_bytes += len(page.body) - (len(old.body) if old is not None else 0)
        self._kept[key] = page
        while len(self._kept) > KEPT_MAX or self._kept_bytes > KEPT_BYTES_MAX:
            _, gone = self._kept.popitem(last=False)
            self._kept_bytes -= len(gone.body)


def aside(seen: Seen, *, is_cut: bool) -> Mapping[str, Any] | None:
    """What the bridge says beside `data`: nothing when nothing is missing."""
    if not seen.gaps and not is_cut:
        return None
    return {"account": seen.account, "events": seen.events, "gaps": seen.gaps, "cut": is_cut}
