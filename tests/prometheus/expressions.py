"""Every expression that the dashboards and rules send to Prometheus, ready to be sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ops.promql import selectors
from tests.prometheus.server import RATE_S, quick_rules

GRAFANA = Path(__file__).parents[2] / "grafana"
RANGE_S = 60
VARIABLES = {
    "$__rate_interval": f"{RATE_S}s",
    "$__range": f"{RANGE_S}s",
    "$job": ".+",
    "$instance": ".+",
    "$account": ".+",
}

# Where nothing is to be seen in the scene, and why. Everything else must have a value.
_SLOW = "a slow reader is cut when all hold 256 MiB together, more than the scene makes"
MAY_BE_EMPTY: Mapping[str, str] = {
    "overview: Errors over time: slow readers disconnected {{transport}}": _SLOW,
    "delivery: Records missed or truncated: missed, {{reason}}: {{sink}}": (
        "retention looks once a minute for what to drop, and the scene is shorter"
    ),
    **{
        f"{board}: mark Restarts": "nothing restarts"
        for board in ("overview", "runs", "delivery", "upstream")
    },
}
# Alerts that need not fire in the scene, and why. All others must.
SILENT: Mapping[str, str] = {
    "MogplexBridgeRestarting": "nothing restarts",
    "MogplexBridgeNobodyFollows": "one bridge holds all leases",
    "MogplexBridgeLeasesLost": "one bridge holds all leases",
    "MogplexBridgeWorkersRestart": "there are no workers",
    "MogplexBridgeRunsGivenUp": "a dead token suspends its runs, and upstream knows all of them",
    "MogplexBridgeRunsFail": "it takes half a minute until five runs are known to have ended",
    "MogplexBridgeSinkMissed": "retention looks once a minute for what to drop",
    "MogplexBridgeSubscribersSlow": _SLOW,
    "MogplexBridgeEventLoopSlow": "the bridge keeps up",
    "MogplexBridgeStreamsCut": "streams that do not live are opened less and less often",
    "MogplexBridgeCardinality": "series do not grow: that is the promise",
}


@dataclass(frozen=True)
class Asked:
    """One expression and where it stands."""

    where: str
    expr: str


def written_out(expr: str) -> str:
    """With Grafana's variables replaced as with everything chosen."""
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    assert "$" not in expr, expr
    return expr


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in dashboard["panels"]:
        if panel["type"] != "row":
            yield panel
        yield from panel.get("panels", [])


def of_dashboards() -> Iterator[Asked]:
    for path in sorted(GRAFANA.glob("*.json")):
        dashboard = json.loads(path.read_text())
        for panel in panels(dashboard):
            for target in panel["targets"]:
                where = f"{path.stem}: {panel['title']}: {target['legendFormat']}"
                yield Asked(where.removesuffix(": __auto"), written_out(target["expr"]))
        for mark in dashboard["annotations"]["list"]:
            yield Asked(f"{path.stem}: mark {mark['name']}", written_out(mark["expr"]))


def of_recording_rules() -> Iterator[Asked]:
    for rule in (rule for group in quick_rules()["groups"] for rule in group["rules"]):
        if "record" in rule:
            yield Asked(f"rule {rule['record']}", rule["expr"])
            yield Asked(f"recorded {rule['record']}", rule["record"])


def of_alerts() -> Iterator[Asked]:
    """The expressions themselves: a value there is an alert that is about to fire."""
    for rule in (rule for group in quick_rules()["groups"] for rule in group["rules"]):
        if "alert" in rule:
            yield Asked(rule["alert"], rule["expr"])


def selectors_of_rules() -> Iterator[Asked]:
    """Each thing that a rule reads, by itself: it must be there also when the alert is silent."""
    for asked in (*of_recording_rules(), *of_alerts()):
        for selector in selectors(asked.expr):
            inside = ", ".join(f'{label}{op}"{value}"' for label, op, value in selector.matchers)
            yield Asked(f"{asked.where} reads", f"{selector.name}{{{inside}}}")


def variables() -> Iterator[tuple[str, str, str]]:
    """(dashboard, metric, label) of every variable that lists label values."""
    for path in sorted(GRAFANA.glob("*.json")):
        for variable in json.loads(path.read_text())["templating"]["list"]:
            if variable["type"] == "query":
                found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
                assert found is not None
                yield path.stem, written_out(found[1]), found[2]
