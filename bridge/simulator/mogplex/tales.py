"""Four runs worth watching, at the pace of a person: the scenario `tales`.

One fixes a bug, one fails with a reason, one asks and waits, one is canceled. Each is written beat
by beat, so that the agent's thoughts match its actions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.simulator.mogplex.script import Step
from bridge.simulator.mogplex.store import Draft

_RED, _GREEN, _DIM, _OFF = "\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"
_DELTA_WORDS = 4  # of a sentence in one fragment
_DELTA_S = 0.35  # between two fragments


@dataclass(frozen=True, slots=True)
class Say:
    """What the agent says, in fragments of some words."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call: what it is given, how long it takes, what comes of it."""

    tool: str
    given: str
    lasts_s: float = 3.0
    output: str = ""
    exit_code: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """The run asks and waits for an answer."""

    for_s: float


@dataclass(frozen=True, slots=True)
class Tale:
    """A run from its prompt to its end."""

    prompt: str
    branch: str
    harness: str
    beats: Sequence[Say | Call | Wait]
    outcome: str = "success"  # success, failed, cancelled
    error: str | None = None
    summary: str = ""


def _read(path: str, lines: int) -> Call:
    return Call("read_file", path, 0.5, message=f"Read {lines} lines of {path}")


def _edit(path: str, added: int, removed: int, diff: str = "") -> Call:
    return Call("edit_file", path, 0.9, diff, message=f"Edited {path} (+{added} -{removed})")


_DIFF = """\
--- a/src/billing/coupons.ts
+++ b/src/billing/coupons.ts
@@ -14,7 +14,12 @@
-export function applyCoupon(cart: Cart, coupon: Coupon): Cart {
-  cart.totalCents -= coupon.discountCents;
-  return cart;
+export function applyCoupon(cart: Cart, coupon: Coupon): Cart {
+  if (cart.codes.includes(coupon.code)) return cart;
+  return {
+    ...cart,
+    codes: [...cart.codes, coupon.code],
+    totalCents: cart.totalCents - coupon.discountCents,
+  };
 }
"""

TALES: tuple[Tale, ...] = (
    Tale(
        prompt="Invoices show a wrong total when a coupon is applied twice. Find out why, fix it.",
        branch="mogplex/run/coupon-total",
        harness="codex",
        beats=(
            Say(
                "The total is off by exactly the discount, so the coupon is subtracted twice."
                " Let me find who applies it."
            ),
            Call(
                "search",
                "applyCoupon(",
                1.2,
                "src/routes/checkout.ts:41: cart = applyCoupon(cart,"
                " coupon)\nsrc/billing/invoice.ts:18: applyCoupon(cart, coupon)",
                message="Found applyCoupon( in 2 files",
            ),
            _read("src/billing/coupons.ts", 58),
            Say(
                "`applyCoupon` **changes the cart it is given**, and checkout calls it on every"
                " render. I will write the failing test first."
            ),
            _edit("src/billing/__tests__/coupons.test.ts", 19, 0),
            Call(
                "shell",
                "pnpm test src/billing",
                7.0,
                f"{_RED}FAIL{_OFF} src/billing/__tests__/coupons.test.ts\n"
                f"  {_RED}✕ a coupon counts once{_OFF} {_DIM}(14 ms){_OFF}\n"
                f"    Expected: {_GREEN}4500{_OFF}\n    Received: {_RED}4050{_OFF}\n"
                "Tests: 1 failed, 22 passed, 23 total",
                1,
            ),
            Say(
                "The test reproduces it: two calls with the same code give 4050 instead of 4500."
                " The function becomes pure, and a code that is already on the cart is ignored."
            ),
            _edit("src/billing/coupons.ts", 8, 3, _DIFF),
            Call(
                "shell",
                "pnpm test src/billing",
                6.2,
                f"{_GREEN}PASS{_OFF} src/billing/__tests__/coupons.test.ts\n"
                "Tests: 23 passed, 23 total\nTime: 3.812 s",
            ),
            Call("shell", "pnpm tsc --noEmit", 4.5),
        ),
        summary="### What was wrong\n\nA coupon was applied on every render, because `applyCoupon`"
        " changed its argument.\n\n### What I did\n\n- `applyCoupon` returns a new cart\n- codes"
        " that are already on the cart are ignored\n- a test for both\n\nAll 23 tests pass.",
    ),
    Tale(
        prompt="Upgrade the HTTP client to the next major version and repair what breaks.",
        branch="mogplex/run/http-client",
        harness="claude-code",
        beats=(
            Say(
                "The new version splits the timeout into connect and read; ours was one number."
                " Let me read the migration notes before touching the call sites."
            ),
            _read("app/clients/base.py", 212),
            _edit("app/clients/base.py", 17, 5),
            Call(
                "shell",
                "pytest -q tests/clients",
                6.0,
                "F.......F.\n"
                f"{_RED}FAILED{_OFF} tests/clients/test_retry.py::test_gives_up_after_three\n"
                f"{_RED}FAILED{_OFF} tests/clients/test_retry.py::test_waits_between\n"
                f"{_RED}2 failed{_OFF}, {_GREEN}8 passed{_OFF} in 1.94s",
                1,
            ),
            Say("Two tests fail, both in the retry policy: the exception class has a new parent."),
            _edit("app/clients/retry.py", 4, 4),
            Say("Now everything once more, with the integration tests."),
            Call(
                "shell",
                "pytest -q --integration",
                22.0,
                "........................................................................ [ 41%]\n"
                "................................................\nKilled",
                137,
            ),
        ),
        outcome="failed",
        error="Sandbox ran out of memory (exit 137)",
    ),
    Tale(
        prompt="Add GET /projects/:id/activity with paging, newest first, at most 100 a page.",
        branch="mogplex/run/project-activity",
        harness="codex",
        beats=(
            Say("There is a paging pattern in the members route already; I will follow it."),
            Call(
                "search",
                "pageToken",
                0.9,
                "server/routes/members.go:31: pageToken",
                message="Found pageToken in 3 files",
            ),
            _edit("server/routes/projects.go", 61, 0),
            Say(
                "One question before I write the migration: entries of deleted users.\n\n"
                "1. keep them, with the name *deleted user*\n2. leave them out\n\nWhich one?"
            ),
            Wait(40.0),
            Say(
                "Keeping them. The planner sorts the whole table without an index, so a migration"
                " belongs to this."
            ),
            _edit("migrations/0042_activity_index.sql", 3, 0),
            Call(
                "shell",
                "go test ./...",
                8.0,
                "ok  \tserver/routes\t0.311s\nok  \tserver/store\t0.542s",
            ),
        ),
        summary="The route is there, with a cursor of time and id, an index, and tests for the page"
        " border.",
    ),
    Tale(
        prompt="The nightly job sometimes sends the report twice. Make it send it once.",
        branch="mogplex/run/report-once",
        harness="codex",
        beats=(
            Say(
                "The job marks the report as sent after the mail has left; a restart between the"
                " two sends it again."
            ),
            _read("jobs/nightly_report.rb", 97),
            Say("A lock would only narrow the window. The outbox table can close it."),
            Call(
                "shell",
                "bundle exec rspec spec/jobs",
                9.0,
                f"....{_RED}F{_OFF}\n\n1) NightlyReport sends one mail when the worker restarts\n"
                "     expected: 1\n          got: 2\n\n5 examples, 1 failure",
                1,
            ),
            Call("shell", "bin/rails db:migrate:status --all-databases", 30.0),
        ),
        outcome="cancelled",
    ),
)


def steps_of(tale: Tale, *, accepted: bool = False) -> list[Step]:
    """A tale as the steps of a script; `accepted`: its first event exists already."""
    steps: list[Step] = []
    at_s = 0.0
    for gap_s, step in _beats(tale):
        at_s += gap_s
        steps.append(Step(at_s, **step))
    if accepted:
        del steps[0]
    return steps


Beat = tuple[float, dict[str, Any]]  # seconds after the one before, and what a `Step` does then


def _beats(tale: Tale) -> Iterator[Beat]:
    yield 0.0, {"drafts": (Draft("started", "External Mogplex run accepted",
                                 {"harness": tale.harness}),)}  # fmt: skip
    begun = Draft("started", f"Harness run started: {tale.harness}", {"prompt": tale.prompt})
    yield 0.5, {"drafts": (begun,)}
    moved = Draft("status_changed", "Run is streaming", {"from": "pending", "to": "streaming"})
    yield 0.3, {"drafts": (moved,), "status": "streaming"}
    yield 1.0, {"drafts": (Draft("log", "Repository synced", {"stage": "git_sync"}),)}
    yield 2.0, {"drafts": (Draft("log", "Dependencies installed", {"stage": "install"}),)}
    for number, beat in enumerate(tale.beats):
        match beat:
            case Say(text):
                yield from _said(text)
            case Call():
                yield from _called(beat, f"call_{number}")
            case Wait(for_s):
                yield 0.5, {"pause": True}
                yield for_s, {"resume": True}
    yield from _ending(tale)


def _said(text: str) -> Iterator[Beat]:
    words = text.split(" ")
    for index in range(0, len(words), _DELTA_WORDS):
        fragment = " ".join(words[index : index + _DELTA_WORDS])
        blank = " " if index + _DELTA_WORDS < len(words) else ""
        delta = Draft("log", fragment + blank, {"kind": "assistant_delta"})
        yield (_DELTA_S if index else 1.6), {"drafts": (delta,)}


def _called(call: Call, key: str) -> Iterator[Beat]:
    base = {"kind": "tool", "toolCallId": key}
    name = {"shell": "command", "search": "query"}.get(call.tool, "path")
    given = {**base, "state": "running", "input": {name: call.given}}
    yield 0.8, {"drafts": (Draft("tool_started", call.given, given, call.tool),)}
    message = call.message or f"{call.given}: exit code {call.exit_code}"
    result = {
        **base,
        "state": "error" if call.exit_code else "success",
        "durationMs": round(call.lasts_s * 1000),
        "output": call.output,
    }
    if call.tool == "shell":
        result["exitCode"] = call.exit_code
    yield call.lasts_s, {"drafts": (Draft("tool_finished", message, result, call.tool),)}


def _ending(tale: Tale) -> Iterator[Beat]:
    if tale.outcome == "cancelled":
        yield 1.5, {"cancel": True}
        return
    if tale.summary:
        yield 1.5, {"drafts": (Draft("log", tale.summary, {"kind": "assistant_final"}),)}
    if tale.outcome == "success":
        delivered = {"stage": "git_delivery", "changed": True}
        yield 1.5, {"drafts": (Draft("log", "Opened pull request #621", delivered),)}
    yield 1.0, {"finish": tale.outcome, "error": tale.error}
