"""The reference page of the metrics: `python -m bridge.metrics > docs/metrics.md`."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.samples import Sample

from bridge.metrics import PREFIX, Metrics
from bridge.metrics.words import (
    DISCONNECT_REASONS,
    GAP_REASONS,
    GATEWAY_READS,
    GATEWAY_STARTS,
    HTTP_GROUPS,
    OK,
    OTHER,
    RETRIES,
    SINK_ERROR_REASONS,
    SINK_MISS_REASONS,
    STATES,
    TRANSPORTS,
    WAIT_REASONS,
)
from bridge.systems import BUILT_IN

LABELS: Mapping[str, Sequence[str] | str] = {
    "account": "names of the `[[accounts]]` entries",
    "code": "depends on the system, see below",
    "group": HTTP_GROUPS,
    "outcome": GATEWAY_STARTS,
    "source": GATEWAY_READS,
    "endpoint": "depends on the system, see below",
    "event_type": "depends on the system, see below",
    "kind": "depends on the system, see below",
    "reason": "depends on the metric, see below",
    "retry": RETRIES,
    "rule": "names of the redaction rules, and `other`",
    "sink": "names of the `[[outputs]]` entries",
    "state": STATES,
    "status": "depends on the system, see below",
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


def _everything(sinks: Sequence[str] = ()) -> Metrics:
    """With an account of each system, named like it."""
    return Metrics({system.name: system.words for system in BUILT_IN}, sinks)


def _of_systems() -> Iterator[tuple[str, Sequence[str]]]:
    """The words of each system, by label."""
    for system in BUILT_IN:
        words, of = system.words, f"`, {system.title}"
        yield f"code{of}", (OK, *words.failures, OTHER)
        yield f"endpoint{of}", (*words.endpoints, OTHER)
        yield f"event_type{of}", (*words.event_types, OTHER)
        yield f"kind{of}", words.kinds
        if words.statuses:
            yield f"status{of}", (*words.statuses, OTHER)
        yield f"reason` of `gaps_total{of}", (*words.gap_reasons, *GAP_REASONS)
        for metric in words.metrics:
            for label, values in metric.labels.items():
                yield f"{label}` of `{metric.name}{of}", values


def reference_page() -> str:
    """Return docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "Printed by `python -m bridge.metrics > docs/metrics.md` from the catalogue in",
        "`bridge/metrics/`; a test compares both. The unit is in the name. Every series exists at",
        "0 from the start; a word of upstream's that is not in a set below counts as `other`; a",
        "feed's id is an exemplar, no label (ask with `Accept: application/openmetrics-text`).",
        "Of `code` and `retry` only the pairs exist that can be.",
        "",
        "| Metric | Type | Labels | Meaning |",
        "|---|---|---|---|",
    ]
    for name, kind, labels, meaning in _everything().catalogue:
        shown = ", ".join(f"`{label}`" for label in labels) or "-"
        lines.append(f"| `{name}` | {kind} | {shown} | {meaning} |")
    lines += ["", "`process_*` (memory, CPU, open files) come from the client library.", ""]
    lines += ["## Label values", "", "| Label | Values |", "|---|---|"]
    rows: list[tuple[str, Sequence[str] | str]] = list(LABELS.items())
    rows += [(f"reason` of `{name}", values) for name, values in REASONS.items()]
    rows += [(label.removesuffix("`"), values) for label, values in _of_systems()]
    for label, values in rows:
        text = values if isinstance(values, str) else ", ".join(f"`{v}`" for v in values)
        mark = "" if "`, " in label else "`"
        lines.append(f"| `{label}{mark} | {text} |")
    lines += _series()
    return "\n".join(lines) + "\n"


def _series() -> list[str]:
    """How many there are, by metric and by label, for each account, for each output, and once."""
    everything = _everything(["s"])
    once = _tally(everything, None)
    accounts = {
        system.title: _tally(Metrics({"a": system.words}), "account") for system in BUILT_IN
    }
    sink = _tally(everything, "sink")
    per_account = ", ".join(
        f"{tally.total()} for each {title} account" for title, tally in accounts.items()
    )
    lines = [
        "",
        "## Series",
        "",
        "So many samples has a scrape, from the first on, with one run or with 10,000: no label",
        "grows with feeds. A test counts 10,000 runs with hostile words; with one account, two",
        "outputs and the built-in redaction rules there must be at most 600 series then.",
        "",
        f"{per_account}, {sink.total()} for each output, {once.total()} once,",
        "and one for each redaction rule. A histogram has one for each bucket, and two more.",
        "",
        f"| Metric | {' | '.join(accounts)} account | Each output | Once |",
        f"|---|{'---|' * len(accounts)}---|---|",
    ]
    for name, *_ in _everything().catalogue:
        row = [str(t[name]) if t[name] else "" for t in (*accounts.values(), sink, once)]
        if name == PREFIX + "redactions_total":
            row[-1] += " + rules"
        lines.append(f"| `{name}` | {' | '.join(row)} |")
    lines += [
        f"| `process_*` |{' |' * len(accounts)} | {once['process']} |",
        "",
        "| Label | Values | Series that have it, of one Mogplex account and one output |",
        "|---|---|---|",
    ]
    values: dict[str, set[str]] = {}
    having: Counter[str] = Counter()
    for sample in _samples(Metrics({"a": BUILT_IN[0].words}, ["s"])):
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


def _tally(metrics: Metrics, label: str | None) -> Counter[str]:
    """Samples by metric of the catalogue, those of the process together; only those with a label,
    or those with none of an account or an output.
    """
    names = {name for name, *_ in metrics.catalogue}
    found: Counter[str] = Counter()
    for sample in _samples(metrics):
        of = next((of for of in ("account", "sink") if of in sample.labels), None)
        if of == label:
            plain = re.sub(r"_(bucket|sum|count)$", "", sample.name)
            found[next((name for name in (sample.name, plain) if name in names), "process")] += 1
    return found


if __name__ == "__main__":
    sys.stdout.write(reference_page())
