"""The tables of knobs as the pages about the simulator have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.simulator.kit.knobs import KnobSet
from bridge.simulator.mogplex.knobs import Knobs as MogplexKnobs


def knob_tables(knobs: type[KnobSet]) -> list[str]:
    """One table of the knobs that a single feed can override, one of the others.

    Knobs that docs/simulator.md describes in the same words are not repeated on other pages.
    """
    word = knobs.FEED_WORD
    shared = shared_knobs(knobs)
    lines = {
        True: [f"| Knob of a {word}: values | Meaning |", "|---|---|"],
        False: ["| Knob of the server: values | Meaning |", "|---|---|"],
    }
    for row in knobs.describe():
        if row["name"] not in shared:
            lines[row[f"per_{word}"]].append(_line(row))
    return ["\n".join(table) + "\n" for table in lines.values()]


def shared_knobs(knobs: type[KnobSet]) -> list[str]:
    """Names of the knobs that are the same in the Mogplex profile."""
    if knobs is MogplexKnobs:
        return []
    first = {row["name"]: (_line(row), row["per_run"]) for row in MogplexKnobs.describe()}
    word = f"per_{knobs.FEED_WORD}"
    return [
        row["name"] for row in knobs.describe() if first.get(row["name"]) == (_line(row), row[word])
    ]


def faults_of_the_page(text: str, knobs: type[KnobSet]) -> list[str]:
    """What is missing on a page: tables, and names of shared knobs."""
    missing = [table for table in knob_tables(knobs) if table not in text]
    return missing + [name for name in shared_knobs(knobs) if f"`{name}`" not in text]


def _line(row: Mapping[str, Any]) -> str:
    return f"| `{row['name']}`: {_values(row['default'], row['allowed'])} | {row['about']} |"


def _values(default: object, allowed: list[float] | list[str]) -> str:
    """What a knob takes, with the default first."""
    if isinstance(default, bool):
        return f"`{default}`, `{not default}`".lower()
    if isinstance(default, str):
        return ", ".join(f"`{value}`" for value in allowed)
    if isinstance(default, tuple):
        return "`[]`, or of " + ", ".join(f"`{value}`" for value in allowed)
    return f"{default:,g} ({allowed[0]:,.0f}–{allowed[1]:,.0f})"
