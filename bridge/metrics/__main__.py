"""The reference page of the metrics: `python -m bridge.metrics > docs/metrics.md`."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.samples import Sample

from bridge.metrics.metric_table import PREFIX, Metrics
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
        "Of `code` and `retry` only the pairs exist that can be.",
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
    lines += _series()
    return "\n".join(lines) + "\n"


def _series() -> list[str]:
    """How many there are, by metric and by label, for each account, for each output, and once."""
    once = _tally(Metrics())
    account = _tally(Metrics(["a"])) - once
    sink = _tally(Metrics(sinks=["s"])) - once
    lines = [
        "",
        "## Series",
        "",
        "So many samples has a scrape, from the first on, with one run or with 10,000: no label",
        "grows with runs. A test counts 10,000 runs with hostile words; with one account, two",
        "outputs and the built-in redaction rules there must be at most 600 series then.",
        "",
        f"{account.total()} for each account, {sink.total()} for each output, {once.total()} once,",
        "and one for each redaction rule. A histogram has one for each bucket, and two more.",
        "",
        "| Metric | Each account | Each output | Once |",
        "|---|---|---|---|",
    ]
    for name, *_ in Metrics().catalogue:
        row = [str(t[name]) if t[name] else "" for t in (account, sink, once)]
        if name == PREFIX + "redactions_total":
            row[2] += " + rules"
        lines.append(f"| `{name}` | {' | '.join(row)} |")
    lines += [
        f"| `process_*` | | | {once['process']} |",
        "",
        "| Label | Values | Series that have it, of one account and one output |",
        "|---|---|---|",
    ]
    values: dict[str, set[str]] = {}
    having: Counter[str] = Counter()
    for sample in _samples(Metrics(["a"], ["s"])):
        having.update(sample.labels.keys())
        for label, value in sample.labels.items():
            values.setdefault(label, set()).add(value)
    for label in sorted(values):
        per_rule = " + rules" if label == "rule" else ""
        lines.append(f"| `{label}` | {len(values[label])}{per_rule} | {having[label]}{per_rule} |")
    return lines


def _samples(metrics: Metrics) -> Iterator[Sample]:
    for family in metrics.registry.collect():
        yield from family.samples


def _tally(metrics: Metrics) -> Counter[str]:
    """Samples by metric of the catalogue, those of the process together."""
    names = {name for name, *_ in metrics.catalogue}
    found: Counter[str] = Counter()
    for sample in _samples(metrics):
        plain = re.sub(r"_(bucket|sum|count)$", "", sample.name)
        found[next((name for name in (sample.name, plain) if name in names), "process")] += 1
    return found


if __name__ == "__main__":
    sys.stdout.write(reference_page())
