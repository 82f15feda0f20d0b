"""What the tests must know of PromQL: which series an expression names, and how.

No parser: promtool is that. This reads our own, plainly written expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from prometheus_client.parser import text_string_to_metric_families

from bridge.metrics import Metrics
from bridge.outputs.sinks.oserrors import OS_REASONS
from bridge.redact import RULES
from bridge.systems import systems

# Labels that Prometheus adds to every series it scrapes.
TARGET_LABELS = frozenset({"job", "instance"})
# Series that Prometheus makes itself, with their labels.
OF_PROMETHEUS = {
    "up": frozenset(),
    "scrape_samples_post_metric_relabeling": frozenset(),
    "scrape_duration_seconds": frozenset(),
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
}
# Text and bare brackets (of subqueries), to be passed over; then a name with what follows it.
_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"|\[[^\]]*\]'
    r"|(?<![\w.])([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})?(?:\[([^\]]*)\])?(\s*\()?"
)
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_GROUPING = re.compile(r"\b(?:by|on|group_left|without|ignoring)\s*\(([^)]*)\)")
_WORDS = frozenset({"and", "or", "unless", "bool", "offset"})


@dataclass(frozen=True, slots=True)
class Selector:
    """One place in an expression that reads series."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]  # label, operator, value
    window: str | None  # the text in brackets
    function: str | None  # the function around it

    @property
    def plain_matchers(self) -> list[tuple[str, str, str]]:
        return [m for m in self.matchers if "$" not in m[2]]


def selectors(expr: str) -> Iterator[Selector]:
    bare = _GROUPING.sub(" ", expr)
    for match in _TOKEN.finditer(bare):
        name, inside, window, call = match.groups()
        if name is None or call or name in _WORDS:
            continue
        around = re.search(r"(\w+)\s*\(\s*$", bare[: match.start()])
        yield Selector(
            name,
            tuple(_MATCHER.findall(inside or "")),
            window,
            around.group(1) if around else None,
        )


def grouping_labels(expr: str) -> set[str]:
    """Labels in by (...), on (...) and the like."""
    lists = _GROUPING.findall(expr)
    return {label.strip() for one in lists for label in one.split(",") if label.strip()}


@cache
def exposed() -> dict[str, tuple[str, dict[str, frozenset[str]]]]:
    """Of each series name that a bridge prints: its type, and its labels with their values."""
    accounts = {f"of {name}": system.words for name, system in systems().items()}
    metrics = Metrics(accounts, {"out.ndjson": OS_REASONS}, rules=RULES)
    found: dict[str, tuple[str, dict[str, set[str]]]] = {}
    for family in text_string_to_metric_families(metrics.render()[0].decode()):
        for sample in family.samples:
            _, labels = found.setdefault(sample.name, (family.type, {}))
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return {
        name: (kind, {label: frozenset(values) for label, values in labels.items()})
        for name, (kind, labels) in found.items()
    }


def complaints(expr: str, *, recorded: frozenset[str] = frozenset()) -> list[str]:
    """What is wrong with the names, labels and values in an expression.

    `recorded`: names of recording rules, whose labels promtool tests.
    """
    wrong: list[str] = []
    known_labels: set[str] = set(TARGET_LABELS)
    for selector in selectors(expr):
        if selector.name in recorded:
            known_labels |= {label for label, *_ in selector.matchers} | {"account"}
            continue
        kind, labels = exposed().get(selector.name, ("", {}))
        if selector.name in OF_PROMETHEUS:
            own = OF_PROMETHEUS[selector.name]
        elif not kind:
            wrong.append(f"{selector.name}: no such series")
            continue
        else:
            own = frozenset(labels)
        known_labels |= own
        wrong += [
            f"{selector.name}: no label {label!r}"
            for label, *_ in selector.matchers
            if label not in own | TARGET_LABELS
        ]
        for label, operator, value in selector.plain_matchers:
            if label not in labels or not operator.startswith("="):
                continue
            parts = value.split("|") if operator == "=~" else [value]
            wrong += [
                f"{selector.name}: {label} is never {part!r}"
                for part in parts
                if not any(re.fullmatch(part, one) for one in labels[label])
            ]
    strange = grouping_labels(expr) - known_labels
    return wrong + [f"grouped by {label!r}, which no series here has" for label in sorted(strange)]


def counters_outside_rate(expr: str) -> list[str]:
    """Counters (and parts of histograms) that are read without `rate` or `increase`."""
    return [
        selector.name
        for selector in selectors(expr)
        if exposed().get(selector.name, ("gauge",))[0] in ("counter", "histogram")
        and not (selector.function in ("rate", "increase") and selector.window)
    ]
