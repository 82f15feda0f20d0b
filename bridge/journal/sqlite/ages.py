"""How old records may be taken to be, whatever the wall clock does meanwhile.

The notes in the file are of the wall clock, which may jump. Within one process nothing ages faster
than its monotonic clock: a jump forward by two hours makes no record two hours older.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right

from bridge.clock import Clock

NOTE_S = 10.0  # between two notes; 100 KB of memory a week


class Ages:
    """Belongs to the event loop's thread."""

    def __init__(self, clock: Clock, head: int, newest_note_s: float | None) -> None:
        """`newest_note_s`: wall clock of the newest note in the file, by an earlier process."""
        self._clock = clock
        self._opened_wall_s = clock.wall()
        self._opened_s = clock.monotonic()
        # A start in 1970, before the clock was set: it is no measure for what was there.
        self._was_behind = newest_note_s is not None and newest_note_s > self._opened_wall_s
        self._first = head + 1  # what is below was written by earlier processes
        self._seqs = array("q")
        self._at_s = array("d")

    def wrote(self, seq: int) -> None:
        """Note that records from `seq` on are written now."""
        now_s = self._clock.monotonic()
        if not self._at_s or now_s >= self._at_s[-1] + NOTE_S:
            self._seqs.append(seq)
            self._at_s.append(now_s)

    def now(self, wall_s: float) -> float:
        """What the wall clock may be believed to say about records of earlier processes."""
        elapsed_s = self._clock.monotonic() - self._opened_s
        return wall_s if self._was_behind else min(wall_s, self._opened_wall_s + elapsed_s)

    def limit(self, older_than_s: float) -> int | None:
        """The sequence from which all was written here, and less than so long ago; None: none is.

        A note stands for all that was written until the next one.
        """
        cutoff_s = self._clock.monotonic() - older_than_s
        old = bisect_right(self._at_s, cutoff_s - NOTE_S)
        return self._seqs[old] if old < len(self._seqs) else None

    def forget_below(self, seq: int) -> None:
        """Those records are gone."""
        gone = bisect_right(self._seqs, seq) - 1
        if gone > 0:
            del self._seqs[:gone], self._at_s[:gone]
