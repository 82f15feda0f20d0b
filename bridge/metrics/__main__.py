"""The reference page of the metrics: `python -m bridge.metrics > docs/metrics.md`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from bridge.metrics.catalogue import Metrics
from bridge.metrics.words import (
    DISCONNECT_REASONS,
    ENDPOINTS,
    ERROR_CODES,
    EVENT_TYPES,
    GAP_REASONS,
    OK,
    RETRIES,
    RUN_STATUSES,
    SINK_ERROR_REASONS,
    SINK_MISS_REASONS,
    TRANSPORTS,
    WAIT_REASONS,
)

LABELS: Mapping[str, Sequence[str] | str] = {
    "account": "names of the `[[accounts]]` entries",
    "code": (OK, *ERROR_CODES),
    "endpoint": ENDPOINTS,
    "event_type": EVENT_TYPES,
    "reason": "depends on the metric, see below",
    "retry": RETRIES,
    "rule": "names of the redaction rules, and `other`",
    "sink": "names of the `[[outputs]]` entries",
    "status": RUN_STATUSES,
    "transport": TRANSPORTS,
    "version": "of this program",
}
REASONS: Mapping[str, Sequence[str]] = {
    "gaps_total": GAP_REASONS,
    "rate_limit_wait_seconds_total": WAIT_REASONS,
    "sink_errors_total": SINK_ERROR_REASONS,
    "sink_missed_records_total": SINK_MISS_REASONS,
    "subscriber_disconnects_total": DISCONNECT_REASONS,
}


def reference_page() -> str:
    """Return docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "Printed by `python -m bridge.metrics > docs/metrics.md` from the catalogue in",
        "`bridge/metrics/`; a test compares both. The unit is in the name. Every series exists at",
        "0 from the start; a word of upstream's that is not in a set below counts as `other`; a",
        "run id is an exemplar, never a label (ask with `Accept: application/openmetrics-text`).",
        "",
        "| Metric | Type | Labels | Meaning |",
        "|---|---|---|---|",
    ]
    for name, kind, labels, meaning in Metrics().catalogue:
        shown = ", ".join(f"`{label}`" for label in labels) or "-"
        lines.append(f"| `{name}` | {kind} | {shown} | {meaning} |")
    lines += ["", "`process_*` (memory, CPU, open files) come from the client library.", ""]
    lines += ["## Label values", "", "| Label | Values |", "|---|---|"]
    rows: list[tuple[str, Sequence[str] | str]] = list(LABELS.items())
    rows += [(f"reason` of `{name}", values) for name, values in REASONS.items()]
    for label, values in rows:
        text = values if isinstance(values, str) else ", ".join(f"`{v}`" for v in values)
        lines.append(f"| `{label}` | {text} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(reference_page())
