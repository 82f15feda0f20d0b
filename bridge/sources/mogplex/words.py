"""Mogplex's statuses, events and codes, and the description of a run's row for people. Pure."""

from __future__ import annotations

from typing import Final

from bridge.core.errors import Retry
from bridge.core.words import SystemWords
from bridge.sources.mogplex.settings import RUN

_PERMANENT = ("BAD_REQUEST", "FORBIDDEN", "NOT_FOUND", "AUTOMATION_REQUIRED", "TLS")
_TRANSIENT = ("RATE_LIMITED", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "INVALID_RESPONSE",
              "TIMEOUT", "TRANSPORT")  # fmt: skip

WORDS: Final = SystemWords(
    kinds=(RUN,),
    # mogplex.md 1.6 and readers.md: the nine words of upstream's enum.
    event_types=(
        *("started", "status_changed", "tool_started", "tool_finished", "cancel_requested"),
        *("cancelled", "finished", "failed", "log"),
    ),
    endpoints=("runs.get", "runs.events", "runs.stream", "repos", "auth.user"),
    # mogplex.md 1.10 (nine codes, one of newer servers) and the bridge's, each with its possible
    # classes (api.py, sources/http.py): all combinations would be a third of an account's series.
    failures={
        **dict.fromkeys(("UNAUTHORIZED", "LOGIN_REDIRECT"), (Retry.AUTH_SUSPECT,)),
        "CONFLICT": (Retry.CONDITIONAL,),
        "IDEMPOTENCY_CONFLICT": (Retry.CONDITIONAL,),
        "HTTP_ERROR": (Retry.TRANSIENT, Retry.PERMANENT, Retry.FEATURE_ABSENT),
        **dict.fromkeys(_PERMANENT, (Retry.PERMANENT,)),
        **dict.fromkeys(_TRANSIENT, (Retry.TRANSIENT,)),
    },
    gap_reasons=(
        *("window_exhausted", "window_jumped", "segment_switched", "joined_late"),
        "history_shrank",
    ),
    statuses=("pending", "streaming", "awaiting_input", "success", "failed", "cancelled"),
    ended_statuses=("success", "failed", "cancelled"),
    mended_by_token=frozenset({"UNAUTHORIZED", "LOGIN_REDIRECT"}),
    mended_by_restart=frozenset({"UNAUTHORIZED", "LOGIN_REDIRECT", "TLS", "HTTP_ERROR"}),
)
