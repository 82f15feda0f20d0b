"""What the dashboards are built of: panels, rows, annotations, links.

Only what every Grafana from 10 on has without plug-ins. In expressions `%I` stands for the chosen job
and instance, `%A` for those and the chosen account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grafana.variables import DATASOURCE, variables

TAG = "mogplex-bridge"
RUNBOOKS = "https://example.org/mogplex-bridge/docs/runbooks"  # to be set by whoever imports it
WIDTH = 24  # columns of Grafana's grid

_INSTANCE = 'job=~"$job", instance=~"$instance"'
_ACCOUNT = _INSTANCE + ', account=~"$account"'

# One colour for each status, the same on every panel: what failed is never green.
STATUS_COLORS = {
    "pending": "#8e8e8e",
    "streaming": "blue",
    "awaiting_input": "yellow",
    "success": "green",
    "failed": "red",
    "cancelled": "orange",
    "refused": "dark-red",
    "other": "purple",
}

Panel = dict[str, Any]
Step = tuple[str, float | None]  # colour, from this value on; None: from below


def expression(text: str) -> str:
    """Write out the placeholders of an expression."""
    return text.replace("%A", _ACCOUNT).replace("%I", _INSTANCE)


def runbook_links(alerts: Sequence[str]) -> list[dict[str, Any]]:
    """Links to the pages of these alerts, named without their common prefix."""
    return [
        {
            "title": f"Runbook: {alert}",
            "url": f"${{runbooks}}/MogplexBridge{alert}.md",
            "targetBlank": True,
        }
        for alert in alerts
    ]


def _panel(
    kind: str, title: str, text: str, unit: str, runbooks: Sequence[str], **defaults: Any
) -> Panel:
    steps = defaults.pop("steps", (("green", None),))
    return {
        "type": kind,
        "title": title,
        "description": text,
        "datasource": DATASOURCE,
        "links": runbook_links(runbooks),
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "thresholds": {
                    "mode": "absolute",
                    "steps": [{"color": color, "value": value} for color, value in steps],
                },
                "color": {"mode": "thresholds" if kind == "stat" else "palette-classic"},
                "mappings": [],
                **defaults,
            },
            "overrides": [],
        },
    }


def _target(number: int, expr: str, legend: str, **more: Any) -> dict[str, Any]:
    return {
        "refId": "ABCDEFGH"[number],
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": expression(expr),
        "legendFormat": legend,
        **more,
    }


def stat(
    title: str,
    expr: str,
    text: str,
    *,
    unit: str = "short",
    steps: Sequence[Step] = (("green", None),),
    none: str = "–",
    words: Mapping[str, tuple[str, str]] | None = None,
    decimals: int | None = None,
    legend: str = "__auto",
    runbooks: Sequence[str] = (),
) -> Panel:
    """One number. `words`: value -> (text, colour) for numbers that stand for a state."""
    defaults: dict[str, Any] = {"steps": steps, "noValue": none}
    if decimals is not None:
        defaults["decimals"] = decimals
    panel = _panel("stat", title, text, unit, runbooks, **defaults)
    if words:
        options = {
            value: {"text": word, "color": color, "index": n}
            for n, (value, (word, color)) in enumerate(words.items())
        }
        panel["fieldConfig"]["defaults"]["mappings"] = [{"type": "value", "options": options}]
    panel["options"] = {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "value" if legend == "__auto" else "value_and_name",
    }
    panel["targets"] = [_target(0, expr, legend, range=False, instant=True)]
    return panel


def graph(
    title: str,
    exprs: Mapping[str, str],
    text: str,
    *,
    unit: str = "short",
    stacked: bool = False,
    bars: bool = False,
    limit: float | None = None,
    exemplars: bool = False,
    top: float | None = None,
    decimals: int | None = None,
    runbooks: Sequence[str] = (),
) -> Panel:
    """Lines over time. `exprs`: legend -> expression; `limit` draws a dashed line there."""
    custom: dict[str, Any] = {
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 60 if stacked or bars else 10,
        "lineWidth": 1,
        "pointSize": 4,
        "showPoints": "auto",
        "spanNulls": False,
        "lineInterpolation": "linear",
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
    }
    defaults: dict[str, Any] = {"min": 0, "custom": custom}
    if limit is not None:
        custom["thresholdsStyle"] = {"mode": "dashed"}
        defaults["steps"] = (("transparent", None), ("red", limit))
    if top is not None:
        defaults["max"] = top
    if decimals is not None:
        defaults["decimals"] = decimals
    panel = _panel("timeseries", title, text, unit, runbooks, **defaults)
    panel["options"] = {
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    if any("{{status}}" in legend for legend in exprs):
        panel["fieldConfig"]["overrides"] = [
            {
                "matcher": {"id": "byName", "options": status},
                "properties": [
                    {"id": "color", "value": {"mode": "fixed", "fixedColor": color}},
                ],
            }
            for status, color in STATUS_COLORS.items()
        ]
    more = {"exemplar": True} if exemplars else {}
    panel["targets"] = [
        _target(n, expr, legend, range=True, **more)
        for n, (legend, expr) in enumerate(exprs.items())
    ]
    return panel


def heatmap(
    title: str, expr: str, text: str, *, unit: str = "s", runbooks: Sequence[str] = ()
) -> Panel:
    """Buckets of a histogram over time; `unit` is that of the buckets."""
    hidden = {"legend": False, "tooltip": False, "viz": False}
    custom = {"hideFrom": hidden, "scaleDistribution": {"type": "linear"}}
    panel = _panel("heatmap", title, text, "short", runbooks, custom=custom)
    panel["options"] = {
        "calculate": False,
        "cellGap": 1,
        "color": {
            "exponent": 0.5,
            "fill": "dark-orange",
            "mode": "scheme",
            "reverse": False,
            "scale": "exponential",
            "scheme": "Oranges",
            "steps": 64,
        },
        "exemplars": {"color": "rgba(31,96,196,0.9)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"show": True, "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
    }
    panel["targets"] = [_target(0, expr, "{{le}}", range=True, format="heatmap", exemplar=True)]
    return panel


def table(
    title: str,
    expr: str,
    text: str,
    *,
    hide: Sequence[str],
    none: str,
    link: tuple[str, str, str] | None = None,
    unit: str = "short",
) -> Panel:
    """Labels as columns, now. `link`: column, title and address of a link in its cells."""
    panel = _panel("table", title, text, unit, (), noValue=none)
    panel["options"] = {"cellHeight": "sm", "showHeader": True}
    if link is not None:
        column, name, url = link
        links = [{"title": name, "url": url, "targetBlank": True}]
        panel["fieldConfig"]["overrides"] = [
            {
                "matcher": {"id": "byName", "options": column},
                "properties": [{"id": "links", "value": links}],
            }
        ]
    excluded = dict.fromkeys(("Time", "__name__", "job", *hide), True)
    panel["transformations"] = [{"id": "organize", "options": {"excludeByName": excluded}}]
    panel["targets"] = [_target(0, expr, "__auto", range=False, instant=True, format="table")]
    return panel


def row(title: str, *panels: tuple[int, Panel], height: int = 8, folded: bool = False) -> Panel:
    """A heading with the panels below it, each with its width in columns."""
    return {
        "type": "row",
        "title": title,
        "collapsed": folded,
        "panels": [(width, height, panel) for width, panel in panels],
    }


def laid_out(rows: Sequence[Panel]) -> list[Panel]:
    """Give every panel its number and place, line by line; panels of a folded row go into it."""
    found: list[Panel] = []
    y = 0
    for one in rows:
        head = {**one, "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": y}, "panels": []}
        placed, y = list(_placed(one["panels"], y + 1)), y + 1
        if placed:
            y = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in placed)
        found.append(head)
        if one["collapsed"]:
            head["panels"] = placed
        else:
            found += placed
    number = 0
    for panel in found:
        for each in (panel, *panel.get("panels", ())):
            number += 1
            each["id"] = number
    return found


def _placed(panels: Sequence[tuple[int, int, Panel]], y: int) -> Iterator[Panel]:
    x, tallest = 0, 0
    for width, height, panel in panels:
        if x + width > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        yield {**panel, "gridPos": {"h": height, "w": width, "x": x, "y": y}}
        x, tallest = x + width, max(tallest, height)


def annotation(name: str, expr: str, color: str, title: str, text: str) -> dict[str, Any]:
    """Marks on every graph where the expression has a value."""
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": color,
        "expr": expression(expr),
        "titleFormat": title,
        "textFormat": text,
        "step": "60s",
    }


def dashboard(
    uid: str,
    title: str,
    text: str,
    rows: Sequence[Panel],
    annotations: Sequence[Mapping[str, Any]],
    runbooks: str = RUNBOOKS,
) -> dict[str, Any]:
    """A whole dashboard; `uid` is its own, so that links to it stay."""
    to_others = {
        "title": "mogplex-bridge", "type": "dashboards", "tags": [TAG], "asDropdown": False,
        "includeVars": True, "keepTime": True, "targetBlank": False, "icon": "external link",
        "tooltip": "", "url": "",
    }  # fmt: skip
    to_runbooks = {
        "title": "Runbooks", "type": "link", "tags": [], "asDropdown": False,
        "includeVars": False, "keepTime": False, "targetBlank": True, "icon": "doc",
        "tooltip": "What to do when an alert fires", "url": "${runbooks}/README.md",
    }  # fmt: skip
    to_page = {
        "title": "Live page", "type": "link", "tags": [], "asDropdown": False,
        "includeVars": False, "keepTime": False, "targetBlank": True, "icon": "bolt",
        "tooltip": "The story of each run, on the bridge's own page", "url": "${bridge}/",
    }  # fmt: skip
    return {
        "uid": f"mogplex-bridge-{uid}",
        "id": None,
        "title": f"mogplex-bridge / {title}",
        "description": text,
        "tags": [TAG],
        "timezone": "browser",
        "editable": False,
        "graphTooltip": 1,
        "schemaVersion": 38,
        "version": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {},
        "fiscalYearStartMonth": 0,
        "weekStart": "",
        "links": [to_others, to_page, to_runbooks],
        "annotations": {"list": list(annotations)},
        "templating": {"list": variables(runbooks)},
        "panels": laid_out(rows),
    }
