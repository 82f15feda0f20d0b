"""Records of made-up runs, as printers see them; times are fixed, so what is printed is too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.outputs.story.printer import Seen

BEGIN = datetime(2026, 8, 3, 15, 0, 0, tzinfo=UTC)
RUNS = (
    "6046c342-0000-4000-8000-000000000001",
    "cdc2d4b3-0000-4000-8000-000000000002",
    "3f0c1c52-0000-4000-8000-000000000003",
)


class Run:
    """Makes the records of one run, a second apart."""

    def __init__(
        self, run_id: str = RUNS[0], begin: datetime = BEGIN, account: str = "default"
    ) -> None:
        self.id = run_id
        self.account = account
        self.at = begin
        self.begin = begin
        self.count = 0
        self.seen: list[tuple[datetime, Seen]] = []

    @property
    def source(self) -> str:
        return f"/mogplex/{self.account}/runs/{self.id}"

    def record(self, type_: str, data: dict[str, Any], after_s: float = 1.0) -> Run:
        self.at += timedelta(seconds=after_s)
        self.count += 1
        body = {
            "specversion": "1.0", "id": f"{self.id}.{self.count}", "type": type_,
            "subject": self.id, "source": self.source, "time": _iso(self.at),
            "sequence": f"{self.count:020}", "account": self.account, "data": data,
        }  # fmt: skip
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        self.seen.append(
            (self.at, Seen(self.id, self.source, type_, text.encode("utf-8", "replace")))
        )
        return self

    def event(self, type_: str, message: str, payload: dict[str, Any] | None = None,
              tool: str | None = None, after_s: float = 1.0) -> Run:  # fmt: skip
        at = self.at + timedelta(seconds=after_s)
        data = {"id": f"e{self.count}", "type": type_, "toolName": tool, "message": message,
                "payload": payload or {}, "createdAt": _iso(at)}  # fmt: skip
        return self.record(f"com.mogplex.run.event.{type_}", data, after_s)

    def said(self, *fragments: str) -> Run:
        for fragment in fragments:
            self.event("log", fragment, {"kind": "assistant_delta"}, after_s=0.25)
        return self

    def tool(self, command: str, output: str = "", *, exit_code: int = 0, name: str = "shell",
             lasts_s: float = 6.0, message: str | None = None) -> Run:  # fmt: skip
        call = f"call_{self.count}"
        base = {"kind": "tool", "toolCallId": call}
        self.event("tool_started", command, {**base, "input": {"command": command}}, name)
        state = "error" if exit_code else "success"
        said = f"{command}: exit code {exit_code}" if message is None else message
        payload = {**base, "state": state, "durationMs": lasts_s * 1000, "output": output}
        return self.event("tool_finished", said, payload, name, after_s=lasts_s)

    def begun(self, command: str) -> Run:
        payload = {
            "kind": "tool",
            "toolCallId": f"open_{self.count}",
            "input": {"command": command},
        }
        return self.event("tool_started", command, payload, "shell")

    def opening(self, prompt: str, harness: str = "codex") -> Run:
        self.event("started", "External Mogplex run accepted", {"harness": harness}, after_s=0)
        return self.event("started", f"Harness run started: {harness}", {"prompt": prompt})

    def status(self, status: str, error: str | None = None) -> Run:
        row = {
            "runId": self.id, "status": status, "harness": "codex", "error": error,
            "branch": {"base": "main", "working": "mogplex/run/fix"}, "repoId": "r1",
            "createdAt": _iso(self.begin), "updatedAt": _iso(self.at),
        }  # fmt: skip
        data = {"runId": self.id, "status": status, "run": row}
        return self.record("com.mogplex.run.status", data, after_s=0.1)

    def ended(self, status: str, error: str | None = None) -> Run:
        self.status(status, error)
        data = {"runId": self.id, "status": status, "events": self.count, "gaps": 0}
        return self.record("bridge.run.ended", data, after_s=0.1)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def merged(*runs: Run) -> Iterator[tuple[datetime, Seen]]:
    """Records of several runs in the order in which a bridge would have them."""
    yield from sorted((pair for run in runs for pair in run.seen), key=lambda pair: pair[0])


def failing(run: Run) -> Run:
    """One that fails with a reason, with text in two scripts, colours and a gap."""
    lines = "\n".join(f"tests/test_{n}.py::test_retry \x1b[31mFAILED\x1b[0m" for n in range(30))
    run.opening("Upgrade the HTTP client to the next major version.\nKeep the old API.")
    run.event("log", "Repository synced", {"stage": "git_sync"})
    run.said("The new version splits ", "the timeout", " into connect and read.", "Ours was one.\n")
    run.said("日本語のコメントも直します。", " Cafe\u0301 stays.")
    run.tool("pytest -q tests/clients", lines, exit_code=1)
    run.tool("app/clients/base.py", name="edit_file", lasts_s=0.04,
             message="Edited app/clients/base.py (+17 -5)")  # fmt: skip
    run.record("bridge.gap", {"runId": run.id, "reason": "window_jumped", "missing": 12})
    run.event(
        "tool_started", "pytest", {"toolCallId": "x", "input": {"command": "pytest"}}, "shell"
    )
    run.event("failed", "Harness run failed", {"exit_code": 137})
    return run.ended("failed", "Sandbox ran out of memory (exit 137)")


def passing(run: Run) -> Run:
    run.opening("Invoices show a wrong total when a coupon is applied twice.", "claude-code")
    run.said("A coupon is subtracted twice.")
    run.tool("pnpm test", "ok", lasts_s=61)
    run.status("awaiting_input").status("streaming")
    run.event("log", "A coupon is subtracted twice. It is pure now.", {"kind": "assistant_final"})
    run.event("finished", "Harness run finished")
    return run.ended("success")


def cancelled(run: Run) -> Run:
    run.opening("Make the nightly report go out once.")
    run.event("cancel_requested", "Cancellation requested")
    run.event("cancelled", "Run cancelled")
    return run.ended("cancelled")
