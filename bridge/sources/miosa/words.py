"""MIOSA's words for metrics and for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.core.error_table import Wait
from bridge.core.errors import Retry
from bridge.core.words import OwnMetric, SystemWords
from bridge.sources.miosa.errors import ERRORS
from bridge.sources.miosa.rules import words
from bridge.wire import times

TITLE_CHARS_MAX = 120

# Codes of read requests; all other codes of the table belong to writes and count as `other`.
_READERS = frozenset(
    """
    invalid_token insufficient_scope UNAUTHORIZED rate_limit_exceeded NOT_FOUND
    SANDBOX_NOT_RUNNING SANDBOX_RUNTIME_UNAVAILABLE INSUFFICIENT_CREDITS INTERNAL_ERROR
    AGENT_UNAVAILABLE SERVICE_UNAVAILABLE
    """.split()
)


def _failures() -> Mapping[str, tuple[Retry, ...]]:
    """Return each code with its possible classes: the table's, and those that a body may set."""
    found: dict[str, tuple[Retry, ...]] = {
        "HTTP_ERROR": (Retry.TRANSIENT, Retry.PERMANENT, Retry.CONDITIONAL, Retry.FEATURE_ABSENT),
        "INVALID_RESPONSE": (Retry.TRANSIENT,),
        "TIMEOUT": (Retry.TRANSIENT,),
        "TRANSPORT": (Retry.TRANSIENT,),
        "TLS": (Retry.PERMANENT,),
    }
    for row in ERRORS:
        if row.word in _READERS:
            both = row.wait is Wait.AT_ONCE or row.code == "SERVICE_UNAVAILABLE"
            found[row.word] = (Retry.TRANSIENT, Retry.PERMANENT) if both else (row.retry,)
    return found


WORDS: Final = SystemWords(
    kinds=words.KINDS,
    event_types=(
        *("created", "assistant.message", "command_started", "command_finished", "succeeded"),
        *("failed", "canceled", "message", "log", "started", "exec.started", "exec.stdout"),
        *("exec.stderr", "exec.completed", "preview.ready", "build_event", "snapshot_progress"),
        *("file.created", "window.opened", "process.started", "idle.active", "sandbox.created"),
        *("sandbox.ready", "sandbox.destroyed", "computer.running", "deployment.succeeded"),
    ),
    endpoints=(
        *("runs.get", "runs.events", "runs.stream", "sandboxes.get", "sandboxes.stream"),
        *("computers.get", "computers.stream", "builds.get", "builds.stream", "snapshots.get"),
        *("snapshots.stream", "deployments.get", "deployments.logs", "tenant.stream", "lists"),
        "tickets",
    ),
    failures=_failures(),
    gap_reasons=("resume_unsupported", "cursor_lost", "log_jumped"),
    mended_by_token=frozenset({"invalid_token", "insufficient_scope", "FORBIDDEN", "UNAUTHORIZED"}),
    mended_by_restart=frozenset(
        {
            "invalid_token",
            "UNAUTHORIZED",
            "TLS",
            "HTTP_ERROR",
            "INSUFFICIENT_CREDITS",
            "CREDIT_REQUIRED",
            "insufficient_scope",
        }
    ),
    metrics=(
        OwnMetric(
            "tickets_total",
            "counter",
            "Tickets for streams, by outcome.",
            {"result": ("used", "refused", "expired", "unused")},
        ),
        OwnMetric(
            "stream_reconnects_total",
            "counter",
            "Streams that ended, by kind and reason.",
            {"kind": words.KINDS, "reason": ("cut", "closed", "done", "silent")},
        ),
        OwnMetric("discovered_total", "counter", "Feeds found in lists and followed since."),
    ),
)


def describe(kind: str, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Describe a (redacted) row for people; leaves out what upstream does not send."""
    told: dict[str, Any] = {}
    title = next((t for key in _TITLES if (t := _line(row.get(key)))), None)
    if title is not None:
        told["title"] = title
    runner = row.get("runner")
    if isinstance(runner, str) and runner:
        told["harness"] = runner
    error = row.get("error_message") or row.get("error")
    if isinstance(error, str) and error:
        told["error"] = error
    began = times.parse(row.get("started_at")) or times.parse(row.get("created_at"))
    status = row.get("status") or row.get("state")
    is_over = isinstance(status, str) and words.is_end(kind, status)
    ended = times.parse(row.get("finished_at")) or times.parse(row.get("updated_at"))
    if began is not None:
        told["startedAt"] = began[0]
    if is_over and ended is not None:
        told["endedAt"] = ended[0]
        if began is not None:
            told["durationSeconds"] = max(0.0, ended[1] - began[1])
    return told


_TITLES = ("instruction", "title", "name", "template_name")


def _line(value: object) -> str | None:
    """The first line of a text."""
    if not isinstance(value, str) or not value.strip():
        return None
    return value.strip().splitlines()[0].strip()[:TITLE_CHARS_MAX]
