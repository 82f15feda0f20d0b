"""When a page that shows too little is believed.

A short page is the whole history of its segment (mogplex.md 1.8), so it holds all that was taken
of it. One that does not, or the empty page of a run that is over (a run is written together with
its first event, 1.7), is what a failing database shows, and may not pass for "no news": a run would
end with its last events unseen. It is believed only when upstream insists.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.sources.mogplex.rules.window import has_shrunk

SHRUNK_READS = 6  # in a row, and ...
SHRUNK_SPAN_S = 60.0  # ... over so long, until what had been shown counts as deleted upstream
EMPTY_READS = 3  # the same for a run that is over and never showed an event
EMPTY_SPAN_S = 10.0


@dataclass(slots=True)
class Doubt:
    """Watches the pages of one run. Instants are monotonic seconds."""

    _reads: int = 0
    _since: float = 0.0

    def holds(self, now: float, size: int, taken: int, *, is_over: bool) -> bool:
        """Whether a page of `size` events is not to be believed, of whose segment `taken` events
        are known. `is_over`: its status is terminal and no event of the run was ever seen.
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
