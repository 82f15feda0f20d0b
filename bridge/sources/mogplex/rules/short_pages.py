"""Decides when the bridge believes a page that shows too little.

A short page is the whole history of its segment (mogplex.md 1.8), so it holds all events that were
taken of it. A page that lacks some, or the empty page of a finished run (upstream writes a run
together with its first event, 1.7), is a sign of a failing database. The bridge must not read it as
"no news", or a run would end without its last events. It believes such a page only when upstream
repeats it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.sources.mogplex.rules.window import has_shrunk

SHRUNK_READS = 6  # in a row, and ...
SHRUNK_SPAN_S = 60.0  # ... over so long, until missing events count as deleted upstream
EMPTY_READS = 3  # the same for a finished run that never showed an event
EMPTY_SPAN_S = 10.0


@dataclass(slots=True)
class Doubt:
    """Watches the pages of one run. Instants are monotonic seconds."""

    _reads: int = 0
    _since: float = 0.0

    def holds(self, now: float, size: int, taken: int, *, is_over: bool) -> bool:
        """Whether to doubt a page.

        Args:
            now: The present instant, monotonic seconds.
            size: The number of events on the page.
            taken: The number of events that the bridge took of its segment.
            is_over: The status is terminal, and no event of the run was ever seen.
        """
        lacks_some = has_shrunk(size, taken)
        if not lacks_some and (size or not is_over):
            self._reads = 0
            return False
        if self._reads == 0:
            self._since = now
        self._reads += 1
        reads, span_s = (SHRUNK_READS, SHRUNK_SPAN_S) if lacks_some else (EMPTY_READS, EMPTY_SPAN_S)
        return self._reads < reads or now - self._since < span_s
