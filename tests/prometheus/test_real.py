"""A real Prometheus scrapes three bridges through a bad minute; all that is ever asked is asked."""

from __future__ import annotations

import asyncio
import math
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from bridge.metrics import PREFIX, Metrics
from bridge.systems import BUILT_IN
from tests.prometheus import expressions
from tests.prometheus.expressions import MAY_BE_EMPTY, SILENT, Asked
from tests.prometheus.scene import ACCOUNTS, SECRET, Scene, scene
from tests.prometheus.server import Prometheus, program

SCENE_S = 26.0  # the last alert fires after 25 s
PATIENCE_S = 60.0  # on a busy machine; then retention begins, which nothing here expects
STEP_S = 0.5
PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        program() is None and os.environ.get("CI") != "true",
        reason="no prometheus here (Debian: apt-get install prometheus)",
    ),
]


def has_value(series: list[dict[str, Any]]) -> bool:
    """Whether there is a number anywhere."""
    return any(not math.isnan(float(value)) for one in series for _, value in one["values"])


async def faults_of(
    asked: list[Asked], client: Prometheus, start: float, end: float
) -> tuple[list[str], set[str]]:
    """(what Prometheus refuses, where nothing was ever to be seen)."""
    refused, empty = [], set()
    for one in asked:
        try:
            if not has_value(await client.over(one.expr, start, end, STEP_S)):
                empty.add(one.where)
        except ValueError as error:
            refused.append(f"{one.where}: {error}")
    return refused, empty


async def exemplar_runs(client: Prometheus, metric: str, start: float, end: float) -> set[str]:
    found = await client.exemplars(PREFIX + metric, start, end)
    return {each["labels"]["run_id"] for one in found for each in one["exemplars"]}


def expected_series() -> int:
    """Of the first bridge, from the figures of the page; the redaction rules come on top."""
    found = re.search(
        r"^(\d+) for each Mogplex account.* (\d+) for each output, (\d+) once",
        PAGE.read_text(),
        re.MULTILINE,
    )
    assert found is not None
    account, sink, once = map(int, found.groups())
    return len(ACCOUNTS) * account + 2 * sink + once


async def fired_since(shown: Scene, end: float) -> set[str]:
    found = await shown.prometheus.over('ALERTS{alertstate="firing"}', shown.started, end, STEP_S)
    return {one["metric"]["alertname"] for one in found}


async def look(shown: Scene) -> list[str]:
    """Everything that is wrong, in words."""
    client, start, end = shown.prometheus, shown.started, time.time()
    wrong: list[str] = []

    asked = [*expressions.of_dashboards(), *expressions.of_recording_rules()]
    refused, empty = await faults_of(asked, client, start, end)
    wrong += refused
    wrong += [f"empty: {where}" for where in sorted(empty - MAY_BE_EMPTY.keys())]
    wrong += [f"not empty any more: {where}" for where in sorted(MAY_BE_EMPTY.keys() - empty)]

    refused, _ = await faults_of([*expressions.of_alerts()], client, start, end)
    wrong += refused
    _, absent = await faults_of([*expressions.selectors_of_rules()], client, start, end)
    wrong += [f"no such series: {where}" for where in sorted(absent)]

    alerts = {one.where for one in expressions.of_alerts()}
    fired = await fired_since(shown, end)
    wrong += [f"did not fire: {name}" for name in sorted(alerts - fired - SILENT.keys())]
    wrong += [f"no such alert: {name}" for name in sorted(SILENT.keys() - alerts)]

    for dashboard, metric, label in expressions.variables():
        if not await client.label_values(metric, label):
            wrong.append(f"{dashboard}: nothing to choose for {label}")

    words = {system.name: system.words for system in BUILT_IN}  # the metrics of each system, too
    catalogue = {name for name, *_ in Metrics(words).catalogue}
    names = {n for n in await client.metric_names() if n.startswith(PREFIX)}
    plain = {n if n in catalogue else re.sub(r"_(bucket|sum|count)$", "", n) for n in names}
    if plain != catalogue:
        wrong.append(f"exposed and declared differ: {sorted(plain ^ catalogue)}")

    for metric in ("event_lag_seconds_bucket", "upstream_errors_total", "gaps_total"):
        runs = await exemplar_runs(client, metric, start, end)
        if not runs or not runs <= shown.run_ids:
            wrong.append(f"{metric}: exemplars of {sorted(runs)}")

    # Over some time: on a busy machine a single scrape may come too late and count for nothing.
    here = f'instance="{shown.instances[0]}"'
    series = f"max_over_time(scrape_samples_scraped{{{here}}}[20s])"
    rules = f'count(last_over_time({PREFIX}redactions_total{{{here}, rule!="other"}}[20s]))'
    found = [await client.now(query) for query in (series, rules)]
    got, of_rules = [float(one[0]["value"][1]) if one else math.nan for one in found]
    if got - of_rules != expected_series():
        wrong.append(f"{got:.0f} series, {expected_series()} + {of_rules:.0f} expected")
    return wrong


async def look_until_all_is_seen(shown: Scene) -> list[str]:
    """Look again while something is wrong, until it is clear that it stays so."""
    while (wrong := await look(shown)) and time.time() < shown.started + PATIENCE_S:
        await asyncio.sleep(STEP_S)
    return wrong


async def test_nothing_that_is_asked_fails_or_is_empty(tmp_path: Path) -> None:
    async with scene(tmp_path) as shown:
        await asyncio.sleep(SCENE_S)
        wrong = await look_until_all_is_seen(shown)
        log = "".join(shown.first.stderr + shown.second.stderr)
    assert wrong == []
    assert SECRET not in log
