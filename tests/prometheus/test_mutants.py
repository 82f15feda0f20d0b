"""The tests of the rules notice a changed rule: one change of each kind in each rule.

All of them, in a minute: `python -m tests.prometheus.mutants`.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.prometheus.mutants import SAME, Mutant, all_rules, every_mutant, name_of, survivors

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None and os.environ.get("CI") != "true",
    reason="no promtool here (Debian: apt-get install prometheus)",
)


def one_of_each() -> list[Mutant]:
    return list({(mutant.rule, mutant.kind): mutant for mutant in every_mutant()}.values())


@needs_promtool
@pytest.mark.timeout(240)
def test_no_rule_survives_a_change_of_any_kind(tmp_path: Path) -> None:
    mutants = one_of_each()
    assert {mutant.rule for mutant in mutants} == {name_of(rule) for rule in all_rules()}
    assert survivors(mutants, tmp_path) == []


@needs_promtool
def test_a_change_that_means_the_same_survives(tmp_path: Path) -> None:
    """So that "noticed" is not said of everything."""
    (rule,) = [rule for rule in all_rules() if name_of(rule) == "MogplexBridgeGaps"]
    same = {**rule, "expr": rule["expr"].replace("increase", "rate")}
    assert same["expr"] != rule["expr"]
    mutant = Mutant("MogplexBridgeGaps", "operator", "increase -> rate", same)
    assert survivors([mutant], tmp_path) == [mutant]


def test_there_are_mutants_of_every_kind_and_each_exception_is_one_that_would_be_made() -> None:
    kinds = {mutant.kind for mutant in every_mutant()}
    assert kinds == {
        "for", "function", "grouping", "operator", "selector", "severity", "threshold", "window",
    }  # fmt: skip
    assert len(every_mutant()) > 400
    assert {name for name, _ in SAME} <= {name_of(rule) for rule in all_rules()}
