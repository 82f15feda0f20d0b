"""What the tests with a real Prometheus make of expressions before they send them."""

from __future__ import annotations

import pytest

from tests.prometheus.expressions import of_alerts, of_dashboards, selectors_of_rules
from tests.prometheus.server import quick, quick_rules


@pytest.mark.parametrize(
    ("slow", "fast"),
    [
        ("increase(x[10m]) > 0", "increase(x[10000ms]) > 0"),
        ("max_over_time(x[6h:1m])", "max_over_time(x[360000ms:1000ms])"),
        ("time() - x > 360", "time() - x > 6"),
        ("(y) - 120\n  > on (job) x", "(y) - 2\n  > on (job) x"),
        ('rate(x{le="10.0"}[5m]) > 14.4 * 0.01', 'rate(x{le="10.0"}[5000ms]) > 14.4 * 0.01'),
    ],
)
def test_windows_and_ages_are_a_sixtieth_and_nothing_else_changes(slow: str, fast: str) -> None:
    assert quick(slow) == fast


def test_every_age_in_the_rules_is_known() -> None:
    """An age that did not shrink would keep its alert silent in the scene."""
    for group in quick_rules()["groups"]:
        for rule in group["rules"]:
            if "time()" in rule["expr"]:
                assert any(f"> {n}" in rule["expr"] for n in (2, 6))


def test_all_is_asked() -> None:
    assert len(list(of_dashboards())) > 90
    assert len(list(of_alerts())) == 24
    assert len(list(selectors_of_rules())) >= 40
