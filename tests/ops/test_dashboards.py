"""The dashboards can be imported anywhere and name only what a bridge has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from bridge.metrics import Metrics
from grafana.__main__ import BOARDS, HERE, main, text
from tests.cases import each_case
from tests.ops.promql import complaints, counters_outside_rate, exposed, selectors

ROOT = Path(__file__).parents[2]
DASHBOARDS = sorted((ROOT / "grafana").glob("*.json"))
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
CORE_PANELS = {"row", "stat", "timeseries", "heatmap", "table"}  # in every Grafana from 10 on
RULES = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())
ALL_RULES = [rule for group in RULES["groups"] for rule in group["rules"]]
RECORDED = frozenset(rule["record"] for rule in ALL_RULES if "record" in rule)
ALERTS = [rule["alert"] for rule in ALL_RULES if "alert" in rule]
# What a model of Grafana 10.1's own schema does not know, and Grafana reads all the same: the texts
# of an annotation are the Prometheus data source's, `definition` is what its editor shows.
NOT_IN_THE_SCHEMA = {
    "annotations.list.titleFormat", "annotations.list.textFormat", "annotations.list.step",
    "templating.list.definition", "id",
}  # fmt: skip


@pytest.fixture(params=DASHBOARDS, ids=lambda path: path.stem)
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(request.param.read_text())
    return loaded


def all_panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def graphs(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in all_panels(dashboard) if panel["type"] != "row"]


def expressions(dashboard: dict[str, Any]) -> list[tuple[str, str]]:
    """(where, expression) of everything that asks Prometheus."""
    found = [(p["title"], t["expr"]) for p in graphs(dashboard) for t in p["targets"]]
    found += [(a["name"], a["expr"]) for a in dashboard["annotations"]["list"]]
    return found


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value:
        if isinstance(child, dict | list):
            yield from nodes(child)


def test_there_are_four_and_each_is_what_its_table_says() -> None:
    assert {path.stem for path in DASHBOARDS} == set(BOARDS)
    for name in BOARDS:
        assert (HERE / f"{name}.json").read_text() == text(name), "python -m grafana"


def lost(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """Paths of what is in the first and not, or not the same, in the second."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            path = f"{where}.{key}".lstrip(".")
            if key in after:
                yield from lost(value, after[key], path)
            else:
                yield path
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for one, other in zip(before, after, strict=True):
            yield from lost(one, other, where)
    elif before != after:
        yield where


def through_grafanas_model(dashboard: dict[str, Any]) -> dict[str, Any]:
    """Read and written again by Grafana Labs' own model of Grafana 10.1."""
    register_default_plugins()
    written: dict[str, Any] = json.loads(
        json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder)
    )
    return written


def test_grafana_10_knows_every_field(dashboard: dict[str, Any]) -> None:
    unknown = set(lost(dashboard, through_grafanas_model(dashboard)))
    assert unknown <= NOT_IN_THE_SCHEMA


def test_a_field_that_grafana_does_not_know_is_seen() -> None:
    dashboard = json.loads(text("overview"))
    dashboard["panels"][1]["fieldConfig"]["defaults"]["units"] = "s"
    dashboard["panels"][1]["options"]["colourMode"] = "value"
    unknown = set(lost(dashboard, through_grafanas_model(dashboard))) - NOT_IN_THE_SCHEMA
    assert unknown == {"panels.fieldConfig.defaults.units", "panels.options.colourMode"}


def test_expressions_name_series_labels_and_values_that_exist(dashboard: dict[str, Any]) -> None:
    wrong = {
        where: found
        for where, expr in expressions(dashboard)
        if (found := complaints(expr, recorded=RECORDED))
    }
    assert wrong == {}


def test_counters_are_only_read_as_rates(dashboard: dict[str, Any]) -> None:
    wrong = [(w, found) for w, e in expressions(dashboard) if (found := counters_outside_rate(e))]
    assert wrong == []


def test_windows_follow_the_scrape_interval_or_the_shown_range(dashboard: dict[str, Any]) -> None:
    windows = {s.window for _, expr in expressions(dashboard) for s in selectors(expr) if s.window}
    assert windows == {"$__rate_interval", "$__range"}


def test_every_series_is_of_the_chosen_job_and_instance(dashboard: dict[str, Any]) -> None:
    for where, expr in expressions(dashboard):
        for selector in selectors(expr):
            chosen = {(label, value) for label, operator, value in selector.matchers}
            assert ("job", "$job") in chosen, where
            if selector.name != "ALERTS" and selector.name not in RECORDED:
                assert ("instance", "$instance") in chosen, where
            labels = exposed().get(selector.name, ("", {}))[1]
            if "account" in labels or selector.name in RECORDED:
                assert ("account", "$account") in chosen, where


def test_every_metric_of_the_catalogue_is_shown_somewhere() -> None:
    names = {
        selector.name
        for path in DASHBOARDS
        for _, expr in expressions(json.loads(path.read_text()))
        for selector in selectors(expr)
    }
    shown = names | {name.removesuffix("_bucket") for name in names}
    assert {name for name, *_ in Metrics().catalogue} - shown == set()


def test_no_data_source_but_the_chosen_one(dashboard: dict[str, Any]) -> None:
    sources = [node["datasource"] for node in nodes(dashboard) if "datasource" in node]
    assert len(sources) >= 2 * len(graphs(dashboard))
    assert all(source == DATASOURCE for source in sources)
    assert "__inputs" not in dashboard  # of an export for sharing: asks questions at the import
    assert all("datasource" in panel for panel in graphs(dashboard))
    assert all("datasource" in target for panel in graphs(dashboard) for target in panel["targets"])


def test_the_variables_are_data_source_job_instance_account_runbooks_and_page(
    dashboard: dict[str, Any],
) -> None:
    source, *others, runbooks, page = dashboard["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == (
        "datasource", "datasource", "prometheus",
    )  # fmt: skip
    assert [(p["name"], p["type"]) for p in (runbooks, page)] == [
        ("runbooks", "textbox"), ("bridge", "textbox"),
    ]  # fmt: skip
    assert [variable["name"] for variable in others] == ["job", "instance", "account"]
    for variable in others:
        assert variable["multi"]
        assert variable["includeAll"]
        assert variable["allValue"] == ".+"
        metric = re.match(r"label_values\((\w+)", variable["query"]["query"])
        assert metric is not None
        assert complaints(metric.group(1)) == []


def linked(dashboard: dict[str, Any]) -> set[str]:
    return {
        link["url"].removeprefix("${runbooks}/").removesuffix(".md")
        for panel in graphs(dashboard)
        for link in panel["links"]
    }


def test_panels_link_to_runbooks_that_exist_and_each_alert_has_such_a_panel() -> None:
    assert set().union(*(linked(json.loads(p.read_text())) for p in DASHBOARDS)) == set(ALERTS)
    assert all((ROOT / "docs/runbooks" / f"{name}.md").exists() for name in ALERTS)


def test_dashboards_link_to_each_other_and_to_all_runbooks(dashboard: dict[str, Any]) -> None:
    others, page, runbooks = dashboard["links"]
    assert page["url"] == "${bridge}/"
    assert others["tags"] == dashboard["tags"]
    assert others["includeVars"]
    assert others["keepTime"]
    assert runbooks["url"] == "${runbooks}/README.md"


@cache
def boards() -> dict[str, dict[str, Any]]:
    """Every dashboard as it is written, by its id."""
    return {board["uid"]: board for board in (json.loads(text(name)) for name in BOARDS)}


@each_case("rule", [r for r in ALL_RULES if "alert" in r], ids=lambda r: r["alert"])
def test_an_alert_names_the_dashboard_that_links_to_its_runbook(rule: dict[str, Any]) -> None:
    uid = rule["annotations"]["dashboard_url"].removeprefix("d/")
    assert rule["alert"] in linked(boards()[uid])


def test_the_address_of_the_runbooks_can_be_written_in() -> None:
    assert "https://git.example.org/x/${" not in text("runs", "https://git.example.org/x")
    assert "https://git.example.org/x" in text("runs", "https://git.example.org/x")


def test_they_can_be_written_where_there_is_no_directory_yet(tmp_path: Path) -> None:
    main(["--runbooks", "https://git.example.org/x", "--into", str(tmp_path / "grafana/boards")])
    assert {path.stem for path in (tmp_path / "grafana/boards").iterdir()} == set(BOARDS)


def test_every_panel_says_what_it_shows_in_which_unit(dashboard: dict[str, Any]) -> None:
    titles = [panel["title"] for panel in graphs(dashboard)]
    for panel in graphs(dashboard):
        assert panel["type"] in CORE_PANELS, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["targets"], panel["title"]
    assert len(set(titles)) == len(titles)


def test_ids_are_unique_and_panels_do_not_overlap(dashboard: dict[str, Any]) -> None:
    panels = list(all_panels(dashboard))
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_no_run_is_named_and_the_dashboard_is_nobodys_own(dashboard: dict[str, Any]) -> None:
    text = json.dumps(dashboard)
    assert re.search(r"run_?id", text, re.IGNORECASE) is None
    assert dashboard["id"] is None
    assert dashboard["editable"] is False


@pytest.mark.parametrize(
    ("expr", "found"),
    [
        ("mogplex_bridge_rnus", ["mogplex_bridge_rnus: no such series"]),
        ('mogplex_bridge_runs{state="x"}', ["mogplex_bridge_runs: no label 'state'"]),
        (
            'mogplex_bridge_runs{status=~"failed|dead"}',
            ["mogplex_bridge_runs: status is never 'dead'"],
        ),
        ("sum by (run) (mogplex_bridge_runs)", ["grouped by 'run', which no series here has"]),
        (
            'rate(mogplex_bridge_event_lag_seconds_bucket{le="10"}[5m])',
            ["mogplex_bridge_event_lag_seconds_bucket: le is never '10'"],
        ),
        ('sum by (job) (mogplex_bridge_runs{status="failed"}) > bool 0.5 and up', []),
    ],
)
def test_a_wrong_expression_is_seen(expr: str, found: list[str]) -> None:
    assert complaints(expr) == found


def test_a_raw_counter_is_seen() -> None:
    name = "mogplex_bridge_events_total"
    assert counters_outside_rate(f"sum({name})") == [name]
    assert counters_outside_rate(f"sum(max_over_time({name}[5m]))") == [name]
    assert counters_outside_rate(f'sum(rate({name}{{account="default"}}[5m])) + 1') == []
