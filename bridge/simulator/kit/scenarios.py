"""A scenario: which feeds there are, how they live, and when new ones begin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Scenario:
    """`begin` prepares the profile's stage and returns; the clock triggers the rest."""

    name: str
    description: str
    begin: Callable[[Any], None]
    knobs: Mapping[str, object] = field(default_factory=dict)


def by_name(*scenarios: Scenario) -> Mapping[str, Scenario]:
    """Return the scenarios by their names; the first one is a profile's default."""
    return {scenario.name: scenario for scenario in scenarios}


def scenario_named(scenarios: Mapping[str, Scenario], name: str) -> Scenario:
    """Find a scenario.

    Raises:
        ValueError: There is no such scenario; the text names those that exist.
    """
    if name not in scenarios:
        raise ValueError(f"no scenario {name!r}; there are {', '.join(scenarios)}")
    return scenarios[name]
