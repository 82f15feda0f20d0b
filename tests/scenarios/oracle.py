"""What must have come out of the bridge, judged by the simulator's own truth and request log.

Nothing repeated or invented; nothing lost without a gap record; no gap record without a hole; one
end with the row's status. The exceptions are the cases in which upstream shows no difference
between a run with a hole and one without; each is argued where it is allowed.
"""

from __future__ import annotations

from typing import Any

from bridge.sources.mogplex.rules.completion import TERMINAL_EVENTS, TERMINAL_STATUSES
from bridge.wire import times
from tests.record_types import FOLLOW_FAILED, RUN_ENDED
from tests.stages.mogplex import Stage

PAGE = 200


class Oracle:
    """Watches one stage from its beginning."""

    def __init__(self, stage: Stage, knobs: dict[str, Any]) -> None:
        self._stage = stage
        self._knobs = knobs
        self._paused: dict[str, list[float]] = {}  # run id -> instants of pause, resume, ...
        life = stage.sim.world.lifecycle
        for name in ("pause", "resume"):
            setattr(life, name, self._noting(getattr(life, name)))

    def _noting(self, act: Any) -> Any:
        def noted(run: Any) -> None:
            self._paused.setdefault(run.id, []).append(self._stage.sim.clock.now())
            act(run)

        return noted

    async def check(self, run: Any) -> None:
        stage, knobs = self._stage, self._knobs
        truth, taken = stage.truth_ids(run), await stage.event_ids(run)
        gaps, records = await stage.gaps(run), await stage.records(run)
        assert len(set(taken)) == len(taken), "an event twice"
        assert set(taken) <= set(truth), "an event that never was"
        assert FOLLOW_FAILED not in [record.type for record in records]
        (end,) = await stage.ends(run)
        assert records[-1].type == RUN_ENDED
        assert (end["events"], end["gaps"]) == (len(taken), len(gaps))
        row = stage.sim.truth(run)["run"]["status"]
        assert row in TERMINAL_STATUSES
        assert end["status"] == row
        missing = set(truth) - set(taken)
        told = [gap for gap in gaps if gap["reason"]]
        if missing and not told:
            assert self._left_no_trace(run, missing), (
                f"{len(missing)} of {len(truth)} lost in silence, {knobs}"
            )
        if not missing:
            wrong = [gap for gap in gaps if not self._could_not_know(run, gap)]
            assert not wrong, f"a gap without a hole: {wrong}, {knobs}"

    def _left_no_trace(self, run: Any, missing: set[str]) -> bool:
        committed = self._stage.sim.truth(run)["committed"]
        shown = self._segments_read(run, committed)
        missing = {
            event["id"]
            for event in committed
            if event["id"] in missing
            # A segment that was over before the first read is never shown.
            and event["aiCallId"] in shown
            # Whoever reads a run that waits for input reads all that it wrote before; what becomes
            # visible only then is gone when it goes on at once.
            and not (self._is_late(event) and self._came_in_a_pause(run, event))
        }
        if not missing:
            return True
        if self._knobs["window"] == "head":
            # The page ends at its wall with, or after, an event that ends a run; what a run says
            # after its end (1.7) would have come behind the wall.
            first_end = next(n for n, e in enumerate(committed) if e["type"] in TERMINAL_EVENTS)
            return all(event["id"] not in missing for event in committed[: first_end + 1])
        # By pages alone: committed late, at a place that had left the newest 200 when they were
        # read next, between two reads that overlap.
        if any(r.endpoint == "stream" and r.status == 200 for r in self._stage.sim.requests):
            return False
        return all(
            self._is_late(event) and not self._was_shown(run, event, committed)
            for event in committed
            if event["id"] in missing
        )

    def _segments_read(self, run: Any, committed: list[Any]) -> set[str]:
        """Those that went on after the first page that was answered."""
        first_s = self._reads(run)[0]
        resumed = [s for s in self._paused.get(run.id, [])[1::2] if s <= first_s]
        segments = list(dict.fromkeys(event["aiCallId"] for event in committed))
        return set(segments[len(resumed) :])

    def _came_in_a_pause(self, run: Any, event: dict[str, Any]) -> bool:
        at_s, instants = _s(event["committedAt"]), self._paused.get(run.id, [])
        pauses = zip(instants[::2], instants[1::2], strict=False)
        return any(paused - 0.01 <= at_s <= resumed for paused, resumed in pauses)

    @staticmethod
    def _is_late(event: dict[str, Any]) -> bool:
        return _s(event["committedAt"]) - _s(event["createdAt"]) > 0.1

    def _was_shown(self, run: Any, event: dict[str, Any], committed: list[Any]) -> bool:
        """Whether the first page read after the commit had it."""
        at_s = _s(event["committedAt"])
        read_s = next((s for s in self._reads(run) if s >= at_s), None)
        if read_s is None:
            return False
        newer = [
            other
            for other in committed
            if _s(other["committedAt"]) <= read_s + 1.0
            and _s(other["createdAt"]) >= _s(event["createdAt"])
            and other["aiCallId"] == event["aiCallId"]
        ]
        return len(newer) <= PAGE

    def _reads(self, run: Any) -> list[float]:
        """Instants of the pages of a run that were answered and cannot have been dropped."""
        stops = self._stage.stopped_at
        return [
            r.at_s
            for r in self._stage.sim.requests
            if r.feed_id == run.id and r.endpoint == "events" and r.status == 200 and not r.fault
            if not any(r.at_s <= stop < r.at_s + 3.0 for stop in stops)
        ]

    def _could_not_know(self, run: Any, gap: dict[str, Any]) -> bool:
        if self._knobs["stream"] == "v1":
            return True  # it never says whether its replay is all there was
        if gap["reason"] == "segment_switched":
            # Nobody looked while it paused: it may have written before it did.
            instants = self._paused.get(run.id, [])
            pauses = list(zip(instants[::2], instants[1::2], strict=False))
            return not any(a + 1 < s < b - 1 for s in self._reads(run) for a, b in pauses)
        if gap["reason"] == "window_exhausted":
            # Exactly a page of events and none that ends the run: a wall looks the same.
            # So does a first page whose last places go to any of the events of one instant: that
            # it has shown all of them, one after the other, cannot be seen.
            reading = self._stage.sim.truth(run)["reading"]
            if self._knobs["window"] == "head" and len(reading) > PAGE:
                return True
            types = {e["id"]: e["type"] for e in self._stage.sim.truth(run)["committed"]}
            ends = any(types[id_] in TERMINAL_EVENTS for id_ in reading)
            return len(reading) == PAGE and not ends
        if gap["reason"] == "joined_late":
            # A later segment that has exactly a page of events when it is first read.
            return bool(self._stage.sim.truth(run)["reading"][0] == gap["before"])
        if gap["reason"] == "window_jumped":
            # The page slid by exactly its own length.
            reading = self._stage.sim.truth(run)["reading"]
            return bool(reading.index(gap["before"]) == reading.index(gap["after"]) + 1)
        return False


def _s(text: str) -> float:
    seconds = times.seconds(text)
    assert seconds is not None
    return seconds
