"""What of a run is told, and what not twice."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.outputs.story.tale import Tale, Told
from bridge.wire.jsontext import loads
from tests.story_records import Run


def told(run: Run, tale: Tale | None = None) -> list[Told]:
    tale = tale or Tale(run.id)
    found: list[Told] = []
    for _, seen in run.seen:
        found += tale.take(seen.type, loads(seen.body), 0.0)
    return found + tale.close()


def texts(run: Run) -> list[str]:
    return [one.text for one in told(run)]


def final(run: Run, text: str) -> Run:
    return run.event("log", text, {"kind": "assistant_final"})


def test_fragments_are_joined_verbatim() -> None:
    assert texts(Run().said("Hel", "lo ", "wor", "ld, ", "3.", "14")) == ["Hello world, 3.14"]


def test_whole_sentences_without_blanks_get_one() -> None:
    assert texts(Run().said("It fails.", "I see why.")) == ["It fails. I see why."]


@pytest.mark.parametrize(
    ("fragments", "whole", "expected"),
    [
        (["A is done.", " B too."], "A is done. B too.", ["A is done. B too."]),
        (["A is done."], "A is done. B too.", ["A is done.", "B too."]),
        (["Something else."], "A new text.", ["Something else.", "A new text."]),
        ([], "Only the whole.", ["Only the whole."]),
    ],
)
def test_a_final_text_does_not_repeat_what_was_said(
    fragments: list[str], whole: str, expected: list[str]
) -> None:
    assert texts(final(Run().said(*fragments), whole)) == expected


def test_a_tool_between_two_fragments_makes_two_blocks() -> None:
    assert texts(Run().said("One.").tool("ls").said("Two.")) == ["One.", "shell ls", "Two."]


def test_a_call_is_told_once_when_it_has_finished() -> None:
    (one,) = told(Run().tool("pytest -q", "1\n2\n", exit_code=1))
    assert (one.text, one.verdict, one.output) == (
        "shell pytest -q", "✗ exit 1 (6.0 s)", ("1", "2"),
    )  # fmt: skip


def test_a_success_does_not_show_its_output() -> None:
    (one,) = told(Run().tool("pytest -q", "all good"))
    assert (one.verdict, one.output) == ("✓ (6.0 s)", ())


def test_of_a_long_output_the_last_lines_are_told() -> None:
    (one,) = told(Run().tool("make", "\n".join(map(str, range(100))), exit_code=2))
    assert one.output[0] == "80"
    assert one.output[-1] == "99"
    assert one.left_out == 80


def test_what_upstream_cut_is_not_taken_for_output() -> None:
    (one,) = told(Run().tool("make", "abc...[truncated 41234 chars]", exit_code=2))
    assert one.output == ("abc", "(upstream cut 41,234 characters)")


def test_calls_that_did_not_finish_say_so_when_the_run_ends() -> None:
    run = Run().event(
        "tool_started", "x", {"toolCallId": "a", "input": {"command": "sleep"}}, "shell"
    )
    verdicts = [one.verdict for one in told(run.ended("failed", "killed"))]
    assert verdicts == ["did not finish", ""]


def test_parallel_calls_are_paired_by_id_and_without_one_by_order() -> None:
    run = Run()
    for key in ("a", "b"):
        payload: dict[str, Any] = {"toolCallId": key, "input": {"command": f"run {key}"}}
        run.event("tool_started", "", payload, "shell")
    run.event("tool_finished", "", {"toolCallId": "b", "state": "success"}, "shell")
    run.event("tool_finished", "", {"toolCallId": "a", "state": "error"}, "shell")
    assert [one.text for one in told(run)] == ["shell run b", "shell run a"]
    run = Run()
    for key in ("first", "second"):
        run.event("tool_started", "", {"input": {"command": key}}, "shell")
    run.event("tool_finished", "", {}, "shell").event("tool_finished", "", {}, "shell")
    assert [one.text for one in told(run)] == ["shell first", "shell second"]


def test_a_finish_alone_is_told_with_its_own_words() -> None:
    (one,) = told(Run().event("tool_finished", "Read 3 lines", {"toolCallId": "z"}, "read_file"))
    assert (one.text, one.verdict) == ("read_file Read 3 lines", "✓")


def test_the_end_says_why_and_how_much() -> None:
    run = Run().opening("Do it.").tool("ls").event("failed", "Harness run failed")
    end = told(run.ended("failed", "Sandbox ran out of memory (exit 137)"))[-1]
    reason, numbers = end.text.split("\n")
    assert reason == "failed after 9.0 s: Sandbox ran out of memory (exit 137)"
    assert numbers == "1 tool call · 5 events"


def test_a_success_keeps_quiet_about_an_old_error() -> None:
    end = told(Run().status("streaming", "a passing trouble").ended("success"))[-1]
    assert "trouble" not in end.text


def test_a_success_in_another_systems_word_is_not_told_as_a_failure() -> None:
    tale = Tale("b")
    data = {"kind": "build", "id": "b", "status": "ready", "state": "succeeded"}
    tale.take("bridge.build.ended", {"data": data}, 0.0)
    assert (tale.tone, tale.ending()) == ("good", "ready")


def test_a_secret_that_fragments_cut_is_redacted_in_the_joined_text() -> None:
    secret = "mog_" + "a1B2" * 6
    for cut in range(1, len(secret)):
        tale = Tale("r", lambda text: text.replace(secret, "[REDACTED]"))
        run = Run().said("the token is ", secret[:cut], secret[cut:], " and so on")
        assert secret not in " ".join(one.text for one in told(run, tale))


def test_a_long_call_is_told_while_it_runs_once() -> None:
    run = Run().event(
        "tool_started", "x", {"toolCallId": "a", "input": {"command": "make"}}, "shell"
    )
    tale = Tale(run.id)
    told(run, tale)
    assert tale.tick(9.0) == []
    assert [one.verdict for one in tale.tick(10.0)] == ["… running"]
    assert tale.tick(20.0) == []


def test_records_of_other_systems_are_told_too() -> None:
    run = Run().record("io.mootup.space.event.message", {"message": "hello"})
    assert texts(run) == ["message: hello"]


def test_what_somebody_says_in_a_space_begins_with_who_says_it() -> None:
    space = "io.mootup.space.event."
    said = {"speaker_name": "ana", "text": "Ready?"}
    run = Run().record(f"{space}question", said)
    run.record(f"{space}message", {"speaker_id": "agt_1", "text": "Yes.", "parent_event_id": "e1"})
    assert texts(run) == ["ana [question]: Ready?", "↳ agt_1: Yes."]


def test_a_sandbox_reads_as_a_terminal() -> None:
    run = Run()
    kind = "ai.miosa.sandbox.event.exec"
    run.record(f"{kind}.started", {"exec_id": "x", "command": "npm test"})
    run.record(f"{kind}.stdout", {"exec_id": "x", "line": "1 passed"})
    run.record(f"{kind}.stderr", {"exec_id": "x", "line": "a warning"})
    run.record(f"{kind}.completed", {"exec_id": "x", "exit_code": 2, "duration_ms": 5210})
    tale = Tale(run.id)
    found = told(run, tale)
    assert [(one.mark, one.tone) for one in found] == [
        ("tool", "plain"), ("out", "plain"), ("out", "warn"), ("tool", "bad"),
    ]  # fmt: skip
    assert (found[0].text, found[1].output, found[3].verdict) == (
        "$ npm test", ("1 passed",), "✗ exit 2 (5.2 s)",
    )  # fmt: skip
    assert tale.numbers.words() == "1 tool call, 1 failed · 4 events"


def test_numbers_of_upstream_without_end_do_not_end_the_printing() -> None:
    """JSON allows integers of any length; a float, and a number in a text, do not."""
    run = Run().event(
        "tool_finished", "make", {"durationMs": 10**400, "exitCode": 1, "output": "x"}, "shell"
    )
    (one,) = told(run)
    assert one.verdict.startswith("✗ exit 1")
    cut = "abc...[truncated " + "9" * 5000 + " chars]"
    (one,) = told(Run().tool("make", cut, exit_code=2))
    assert one.output == (cut,)
