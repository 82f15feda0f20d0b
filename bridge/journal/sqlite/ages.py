"""Judges the age of records while the wall clock may jump.

The notes in the file hold wall-clock times. Within one process no record ages faster than the
monotonic clock: a jump forward by two hours makes no record two hours older.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right

from bridge.clock import Clock

NOTE_S = 10.0  # between two notes; 100 KB of memory a week


class Ages:
    """Belongs to the event loop's thread."""

    def __init__(self, clock: Clock, head: int, newest_note_s: float | None) -> None:
        """Begin with `newest_note_s`, the wall clock of the newest note of an earlier process."""
        self._clock = clock
        self._opened_wall_s = clock.wall()
        self._opened_s = clock.monotonic()
        # A start in 1970, before the clock was set, is no measure for older records.
        self._was_behind = newest_note_s is not None and newest_note_s > self._opened_wall_s
        self._first = head + 1  # earlier processes wrote what is below
        self._seqs = array("q")
        self._at_s = array("d")

    def wrote(self, seq: int) -> None:
        """Note that records from `seq` on are written now."""
        now_s = self._clock.monotonic()
        if not self._at_s or now_s >= self._at_s[-1] + NOTE_S:
            self._seqs.append(seq)
            self._at_s.append(now_s)

    def now(self, wall_s: float) -> float:
        """Return the wall clock to use for records of earlier processes."""
        elapsed_s = self._clock.monotonic() - self._opened_s
        return wall_s if self._was_behind else min(wall_s, self._opened_wall_s + elapsed_s)

    def limit(self, older_than_s: float) -> int | None:
        """Return the sequence from which on this process wrote younger records; None without.

        A note stands for all that was written until the next one.
        """
        cutoff_s = self._clock.monotonic() - older_than_s
        old = bisect_right(self._at_s, cutoff_s - NOTE_S)
        return self._seqs[old] if old < len(self._seqs) else None

    def forget_below(self, seq: int) -> None:
        """Forget notes about dropped records."""
        gone = bisect_right(self._seqs, seq) - 1
        if gone > 0:
            del self._seqs[:gone], self._at_s[:gone]
