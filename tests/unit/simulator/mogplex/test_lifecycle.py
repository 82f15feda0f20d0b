"""How runs move: ties, late commits, ends in every order, regress, segments. On a still clock."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bridge.simulator.kit.clock import ManualClock
from bridge.simulator.kit.mistakes import FullError, StateError
from bridge.simulator.mogplex.knobs import Knobs
from bridge.simulator.mogplex.store import TERMINAL_STATUSES, TERMINAL_TYPES, Draft, Run
from bridge.simulator.mogplex.world import World

HEAD = Draft("log", "words", {})


class Bench:
    """A world without a network, and a diary of one run."""

    def __init__(self, knobs: Mapping[str, object] | None = None) -> None:
        self.clock = ManualClock(0.0)
        server = Knobs()
        self.world = World(self.clock, server, seed=1)
        self.life = self.world.lifecycle
        self.run = self.world.create_run(overrides=Knobs.checked_for_feed(knobs or {}))
        self.life.set_status(self.run, "streaming")

    def append(self, count: int = 1) -> None:
        self.life.append(self.run, [HEAD] * count)

    def diary(self, seconds: int) -> list[tuple[int, str, list[str]]]:
        """(second, status, types of new events) whenever something changed, second by second."""
        rows = []
        seen, status = len(self.run.commits), self.run.status
        for second in range(seconds + 1):
            if second:
                self.clock.advance(1.0)
            new = [event.draft.type for event in self.run.commits[seen:]]
            if new or self.run.status != status:
                rows.append((second, self.run.status, new))
            seen, status = len(self.run.commits), self.run.status
        return rows


def finish(knobs: Mapping[str, object], status: str) -> list[tuple[int, str, list[str]]]:
    bench = Bench(knobs)
    before = len(bench.run.commits)
    assert before == 0
    bench.clock.call_later(1.0, lambda: bench.life.finish(bench.run, status))
    return bench.diary(20)


@pytest.mark.parametrize(
    ("order", "status", "expected"),
    [
        ("natural", "success", [(1, "streaming", ["finished"]), (3, "success", [])]),
        ("natural", "failed", [(1, "failed", []), (3, "failed", ["failed"])]),
        ("natural", "cancelled", [(1, "cancelled", []), (3, "cancelled", ["cancelled"])]),
        ("event_first", "failed", [(1, "streaming", ["failed"]), (3, "failed", [])]),
        ("row_first", "success", [(1, "success", []), (3, "success", ["finished"])]),
        ("row_only", "failed", [(1, "failed", [])]),
        (
            "double_failed",
            "failed",
            [(1, "failed", []), (3, "failed", ["failed"]), (5, "failed", ["failed"])],
        ),
        (
            "logs_after_finished",
            "success",
            [(1, "streaming", ["finished"]), (3, "success", []), (5, "success", ["log", "log"])],
        ),
    ],
)
def test_terminal_order(
    order: str, status: str, expected: list[tuple[int, str, list[str]]]
) -> None:
    assert finish({"terminal_order": order}, status) == expected


def test_terminal_gap_is_settable_and_zero_is_at_once() -> None:
    assert finish({"terminal_gap_s": 5.0}, "success") == [
        (1, "streaming", ["finished"]),
        (6, "success", []),
    ]
    assert finish({"terminal_gap_s": 0}, "success") == [(1, "success", ["finished"])]


@pytest.mark.parametrize("back", ["cancelled", "failed"])
def test_a_cancelled_run_can_regress(back: str) -> None:
    rows = finish({"status_regress": back}, "cancelled")
    assert [(second, status) for second, status, _ in rows] == [
        (1, "cancelled"),
        (3, "cancelled"),
        (5, "streaming"),
        (7, back),
    ]


def test_a_failure_has_a_text_and_codes() -> None:
    bench = Bench()
    bench.life.finish(bench.run, "failed", gap_s=0)
    assert bench.run.error == "Harness exited with code 1"
    last = bench.run.commits[-1].draft
    assert (last.message, set(last.payload)) == (
        "Harness run failed",
        {"exit_code", "failure_code"},
    )


def test_a_run_cannot_end_as_anything_else() -> None:
    with pytest.raises(StateError, match="paused"):
        Bench().life.finish(Bench().run, "paused")


def test_times_only_grow_unless_ties_are_wanted() -> None:
    bench = Bench()
    bench.append(50)
    times = [event.created_us for event in bench.run.commits]
    assert times == sorted(set(times))


def test_tie_size_makes_events_share_a_time() -> None:
    bench = Bench({"tie_size": 4})
    bench.append(10)
    times = [event.created_us for event in bench.run.commits]
    assert [times.count(each) for each in sorted(set(times))] == [4, 4, 2]
    # Read by id within a tie, which is not the order of commit.
    assert [event.id for event in bench.run.reading] != [event.id for event in bench.run.commits]
    assert [event.key for event in bench.run.reading] == sorted(
        event.key for event in bench.run.reading
    )


def test_tie_order_arbitrary_changes_from_read_to_read_and_so_does_the_cut() -> None:
    bench = Bench({"tie_size": 10, "tie_order": "arbitrary"})
    bench.append(20)
    knobs = bench.life.knobs_of(bench.run)
    pages = [bench.run.page(5, knobs) for _ in range(20)]
    assert len({tuple(event.id for event in page) for page in pages}) > 10
    assert len({frozenset(event.id for event in page) for page in pages}) > 10
    for page in [bench.run.page(200, knobs) for _ in range(5)]:
        assert [event.created_us for event in page] == [
            event.created_us for event in bench.run.reading
        ]


def test_tie_order_id_does_not() -> None:
    bench = Bench({"tie_size": 10})
    bench.append(20)
    knobs = bench.life.knobs_of(bench.run)
    assert len({tuple(event.id for event in bench.run.page(5, knobs)) for _ in range(20)}) == 1


def test_a_late_commit_appears_in_the_middle_with_its_old_time() -> None:
    bench = Bench({"late_commit_every": 3, "late_commit_s": 2.0})
    bench.append(5)
    assert len(bench.run.commits) == 4
    bench.clock.advance(1.9)
    bench.append(1)  # number 6, late too
    assert len(bench.run.commits) == 4
    bench.clock.advance(0.2)
    late = bench.run.commits[-1]
    assert bench.run.reading.index(late) == 2
    assert late.committed_us - late.created_us == pytest.approx(2_000_000, abs=10)


def test_the_window_is_the_newest_or_the_first() -> None:
    bench = Bench()
    bench.append(450)
    ids = [event.id for event in bench.run.reading]
    knobs = Knobs()
    assert [event.id for event in bench.run.page(200, knobs)] == ids[250:]
    knobs.change({"window": "head"})
    assert [event.id for event in bench.run.page(200, knobs)] == ids[:200]


def test_a_segment_switch_hides_the_past_and_holds_what_is_written_meanwhile() -> None:
    bench = Bench({"segment_switch": 5, "segment_pause_s": 3.0})
    first = bench.run.ai_call_id
    bench.append(8)
    assert bench.run.status == "awaiting_input"
    assert (len(bench.run.commits), len(bench.run.held)) == (6, 3)
    assert bench.run.commits[-1].draft.type == "finished"
    bench.clock.advance(2.9)
    assert bench.run.status == "awaiting_input"
    bench.clock.advance(0.2)
    assert bench.run.status == "streaming"
    assert bench.run.ai_call_id != first
    assert (len(bench.run.commits), len(bench.run.reading), bench.run.held) == (9, 3, [])


def test_a_pause_may_leave_no_event() -> None:
    bench = Bench({"pause_order": "row_only"})
    bench.append(2)
    bench.life.pause(bench.run)
    assert [event.draft.type for event in bench.run.commits] == ["log", "log"]


def test_a_run_that_waits_and_was_told_to_end_does_so_after_it_has_resumed() -> None:
    bench = Bench({"segment_switch": 5, "segment_pause_s": 3.0, "terminal_gap_s": 0})
    bench.append(6)
    bench.life.finish(bench.run)
    assert bench.run.status == "awaiting_input"
    bench.clock.advance(3.0)
    assert bench.run.status == "success"
    assert [event.draft.type for event in bench.run.reading] == ["log", "finished"]


def test_cancel_while_waiting_for_input_leaves_no_event() -> None:
    bench = Bench({"segment_switch": 2})
    bench.append(2)
    bench.life.cancel(bench.run)
    bench.clock.advance(60.0)
    assert bench.run.status == "cancelled"
    assert [event.draft.type for event in bench.run.commits] == ["log", "log", "finished"]


def test_resume_needs_a_pause_and_pause_a_living_run() -> None:
    bench = Bench()
    with pytest.raises(StateError, match="not awaiting_input"):
        bench.life.resume(bench.run)
    bench.life.finish(bench.run, gap_s=0)
    with pytest.raises(StateError, match="ended"):
        bench.life.pause(bench.run)


@pytest.mark.parametrize("touch", [True, False])
def test_touch_row(touch: bool) -> None:
    bench = Bench({"touch_row": touch})
    before = bench.run.updated_us
    bench.clock.advance(5.0)
    bench.append()
    assert (bench.run.updated_us > before) is touch


def test_the_oldest_ended_run_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.simulator.mogplex.store.RUNS_MAX", 3)
    bench = Bench()
    bench.world.create_run()
    ended = bench.world.create_run()
    bench.life.set_status(ended, "success")
    newest = bench.world.create_run()
    assert ended.id not in bench.world.store.runs
    assert newest.id in bench.world.store.runs
    with pytest.raises(FullError, match="3 runs"):
        bench.world.create_run()


def test_an_id_that_exists_is_refused() -> None:
    bench = Bench()
    with pytest.raises(FullError, match="exists"):
        bench.world.create_run(bench.run.id)
    (event,) = bench.life.append(bench.run, [HEAD])
    with pytest.raises(FullError, match="exists"):
        bench.life.append(bench.run, [HEAD], event_id=event.id)


def test_a_run_ends_once_for_the_scenario_even_when_it_regresses() -> None:
    bench = Bench({"status_regress": "cancelled"})
    ended: list[Run] = []
    bench.life.on_end = ended.append
    bench.life.finish(bench.run, "cancelled")
    bench.clock.advance(60.0)
    assert ended == [bench.run]


def test_the_terminal_words_are_those_of_the_contract() -> None:
    assert {"success", "failed", "cancelled"} == TERMINAL_STATUSES
    assert {"finished", "failed", "cancelled"} == TERMINAL_TYPES
