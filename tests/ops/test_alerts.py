"""The alerts: valid, tested, about series that exist, each with a page that says what to do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cases import each_case
from tests.ops.promql import complaints, counters_outside_rate

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "deploy" / "prometheus"
RULES = (PLACE / "rules.yml").read_text()
TESTS = (PLACE / "rules_test.yml").read_text()
RUNBOOKS = ROOT / "docs" / "runbooks"
ALL_RULES = [rule for group in yaml.safe_load(RULES)["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in ALL_RULES if "alert" in rule}
RECORDED = frozenset(rule["record"] for rule in ALL_RULES if "record" in rule)
JOB = "mogplex-bridge"

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None and os.environ.get("CI") != "true",
    reason="no promtool here (Debian: apt-get install prometheus)",
)


def promtool(*args: str, place: Path = PLACE) -> subprocess.CompletedProcess[str]:
    assert PROMTOOL is not None, "no promtool here (Debian: apt-get install prometheus)"
    return subprocess.run(
        [PROMTOOL, *args], cwd=place, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.slow
@needs_promtool
@pytest.mark.parametrize(
    "command",
    [
        ["check", "rules", "rules.yml"],
        ["check", "config", "scrape.yml"],
        ["test", "rules", "rules_test.yml"],
        ["test", "rules", "rules_edges_test.yml"],
        ["test", "rules", "rules_hours_test.yml"],
    ],
    ids=" ".join,
)
def test_promtool_is_content(command: list[str]) -> None:
    result = promtool(*command)
    assert result.returncode == 0, result.stdout + result.stderr


@each_case("rule", ALL_RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_name_series_labels_and_values_that_exist(rule: dict[str, Any]) -> None:
    assert complaints(rule["expr"], recorded=RECORDED) == []


def test_counters_are_only_read_as_rates() -> None:
    assert [n for n, rule in ALERTS.items() if counters_outside_rate(rule["expr"])] == []


def test_the_rules_and_the_scrape_configuration_mean_the_same_job() -> None:
    scrape = yaml.safe_load((PLACE / "scrape.yml").read_text())
    assert [job["job_name"] for job in scrape["scrape_configs"]] == [JOB]
    assert set(re.findall(r'job="([^"]*)"', RULES)) == {JOB}


@each_case("name", ALERTS)
def test_an_alert_says_how_bad_it_is_what_it_means_and_where_to_read_on(name: str) -> None:
    alert = ALERTS[name]
    assert name.startswith("MogplexBridge")
    assert alert["labels"]["severity"] in ("critical", "warning")
    texts = alert["annotations"]
    assert set(texts) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert not texts["summary"].endswith(".")
    assert texts["description"].endswith(".")
    assert texts["runbook_url"] == f"docs/runbooks/{name}.md"


@each_case("name", ALERTS)
def test_a_runbook_has_its_parts_and_three_commands(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text()
    heads = re.findall(
        r"^(#+ .*)$", re.sub(r"```sh\n.*?```", "", text, flags=re.DOTALL), re.MULTILINE
    )
    parts = ["Meaning", "Impact", "Find out", "Do", "Over when"]
    assert heads == [f"# {name}", *(f"## {part}" for part in parts)]
    block = re.search(r"## Find out\n.*?```sh\n(.*?)```", text, re.DOTALL)
    assert block is not None
    lines = block.group(1).splitlines()
    assert len([line for line in lines if not line.startswith((" ", "#"))]) == 3


@each_case("name", ALERTS)
def test_a_runbook_says_what_the_rule_says(name: str) -> None:
    rule = ALERTS[name]
    minutes = rule.get("for", "0m").removesuffix("m")
    when = f"after {minutes} min" if minutes != "0" else "at once"
    board = rule["annotations"]["dashboard_url"].removeprefix("d/mogplex-bridge-")
    first = f"`{rule['labels']['severity']}`, {when}. Dashboard `{board}`."
    assert (RUNBOOKS / f"{name}.md").read_text().splitlines()[2].startswith(first)


def test_the_list_of_runbooks_is_that_of_the_alerts() -> None:
    page = (RUNBOOKS / "README.md").read_text()
    listed = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\) \| (\w+) \| ([\w ]+) \|", page, re.MULTILINE)
    assert listed == [
        (name, name, rule["labels"]["severity"], rule.get("for", "at once"))
        for name, rule in ALERTS.items()
    ]
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {*ALERTS, "README"}


def test_every_alert_has_tests_of_its_edges() -> None:
    groups = yaml.safe_load((PLACE / "rules_edges_test.yml").read_text())["tests"]
    named = {group["name"] for group in groups}
    assert named == {*ALERTS, "recording rules"}


def test_every_alert_is_seen_firing_in_a_test() -> None:
    fired = {
        case["alertname"]
        for group in yaml.safe_load(TESTS)["tests"]
        for case in group["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert fired == set(ALERTS)
