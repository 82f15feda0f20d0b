"""The answer `{run, events}` of a run as bytes, made once for all clients that poll it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.outputs.compression import squeezed
from bridge.outputs.gateway.history import History
from bridge.outputs.gateway.port import Dialect, Seen
from bridge.outputs.gateway.shared import Shared
from bridge.outputs.gateway.tails import Tails
from bridge.outputs.http.turns import Reading

KEPT_MAX = 1024  # pages; clients of one run usually share a limit
KEPT_BYTES_MAX = 64 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """An answer, and the headers that report missing events."""

    body: bytes
    headers: Mapping[str, str]
    version: object = None
    first: int | None = None  # sequence of the page's oldest event
    packed: dict[str, bytes] = field(default_factory=dict)  # the body by content coding

    @property
    def bytes_max(self) -> int:
        """Upper limit of its memory: two compressed copies take at most a third each."""
        return 2 * len(self.body)


class EventPages:
    """Pages of events. Unchanged pages are not read again."""

    def __init__(self, dialect: Dialect, history: History) -> None:
        self._dialect = dialect
        self._history = history
        self._kept: OrderedDict[tuple[str, str, int], Page] = OrderedDict()
        self._kept_bytes = 0
        self._runs: OrderedDict[tuple[str, str], tuple[object, bytes]] = OrderedDict()
        self._tails = Tails(dialect, history)
        self._packed = Shared[bytes]()

    def run_of(self, seen: Seen) -> bytes:
        """The run object, made once per row."""
        key = (seen.account, seen.id)
        row, made = self._runs.get(key, (None, b""))
        if row is not seen.row:
            made = self._dialect.run(seen.row, seen.id)
            self._runs[key] = seen.row, made
            if len(self._runs) > KEPT_MAX:
                self._runs.popitem(last=False)
        return made

    def maybe_kept(self, seen: Seen, limit: int) -> Page | None:
        """The previous page if nothing new was seen of the run; else None."""
        page = self._kept.get((seen.account, seen.id, limit))
        if page is None or page.version is not seen.version:
            return None
        is_whole = page.first is None or page.first >= self._history.floor
        return page if is_whole else None  # else retention dropped its oldest events

    async def newest(self, seen: Seen, limit: int, reading: Reading) -> Page:
        """The newest `limit` events, oldest first."""
        found = await self._tails.newest(seen, limit, reading)
        if (page := self.maybe_kept(seen, limit)) is not None:
            return page  # made by a concurrent request
        is_cut = len(found) < min(limit, seen.events)
        first = found[0].seq if found else None
        page = self._page(seen, [event.body for event in found], is_cut=is_cut, first=first)
        self._keep((seen.account, seen.id, limit), page)
        return page

    async def packed(self, page: Page, coding: str) -> bytes:
        """The body in a content coding; compressed once for all clients that accept it."""
        if (found := page.packed.get(coding)) is None:
            key = (id(page), coding)
            found = await self._packed.get(key, lambda: squeezed(coding, page.body))
            page.packed[coding] = found
        return found

    async def after(self, seen: Seen, event_id: str, limit: int, reading: Reading) -> Page | None:
        """The first `limit` events after an event; None if the journal does not have that event."""
        place = await self._history.place_of(seen.account, seen.id, event_id, reading)
        if place is None:
            return None
        records = await self._history.after(seen.account, seen.id, place, limit, reading)
        return self._page(seen, list(map(self._dialect.event, records)), is_cut=False)

    def _page(
        self, seen: Seen, events: Sequence[bytes], *, is_cut: bool, first: int | None = None
    ) -> Page:
        data = b'{"run":%b,"events":[%b]}' % (self.run_of(seen), b",".join(events))
        body = self._dialect.success(data, aside(seen, is_cut=is_cut))
        headers = {"X-Bridge-Gaps": str(seen.gaps)} if seen.gaps else {}
        if is_cut:
            headers["X-Bridge-Cut"] = "true"
        return Page(body, headers, seen.version, first)

    def _keep(self, key: tuple[str, str, int], page: Page) -> None:
        old = self._kept.pop(key, None)
        self._kept_bytes += page.bytes_max - (old.bytes_max if old is not None else 0)
        self._kept[key] = page
        while len(self._kept) > KEPT_MAX or self._kept_bytes > KEPT_BYTES_MAX:
            _, gone = self._kept.popitem(last=False)
            self._kept_bytes -= gone.bytes_max


def aside(seen: Seen, *, is_cut: bool) -> Mapping[str, Any] | None:
    """The bridge's note on missing events beside `data`; None if nothing is missing."""
    if not seen.gaps and not is_cut:
        return None
    return {"account": seen.account, "events": seen.events, "gaps": seen.gaps, "cut": is_cut}
