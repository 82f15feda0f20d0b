"""What a text cites exists: each `page.md`, and each section or decision named with it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.test_tree import tracked
from tests.architecture.tree import ROOT

ROOMS = {"bench", "bridge", "deploy", "grafana", "tests"}
CODE = {".c", ".css", ".js", ".mjs", ".py", ".sql", ".toml", ".yml"}
# `page.md`, then perhaps `1.8`, `1.5, 1.6`, `1.4 to 1.7`, `D5`, `section 3`.
NUMBER = r"(?:D?\d+(?:\.\d+)*)"
CITED = re.compile(
    rf"(?<![\w/.*{{}}-])(?P<page>[\w/-]+\.md)\b"
    rf"(?:,?\s(?:sections?\s)?(?P<sections>{NUMBER}(?:(?:,| and| to)\s{NUMBER})*)(?![\w.]*\d))?"
)
# Files that make up names of pages.
MADE_UP = {"tests/architecture/test_citations.py", "bridge/simulator/mogplex/stories.py"}


@cache
def pages() -> dict[str, Path]:
    """Every document by its name and by its path from the root, from docs/ and below."""
    found: dict[str, Path] = {}
    for file in [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "deploy").rglob("*.md"),
    ]:
        parts = file.relative_to(ROOT).parts
        for start in range(len(parts)):
            found.setdefault("/".join(parts[start:]), file)
    return found


@cache
def sections(page: Path) -> set[str]:
    """The numbers that headings, list items below a heading, and table rows of a page carry."""
    numbers: set[str] = set()
    heading = ""
    for line in page.read_text().splitlines():
        if match := re.match(rf"#+\s+({NUMBER})\.?\s", line):
            heading = match[1]
            numbers.add(heading)
        elif match := re.match(rf"\*\*({NUMBER})\s", line):
            numbers.add(match[1])
        elif match := re.match(r"(\d+)\.\s", line):
            numbers.add(f"{heading}.{match[1]}" if heading else match[1])
        elif match := re.match(r"\|\s*(D\d+)\s*\|", line):
            numbers.add(match[1])
    return numbers


def faults(text: str) -> list[str]:
    """What the text cites and nobody has written."""
    found = []
    joined = re.sub(r"\n\s*(?:#|//|--|\*)?\s*", " ", text)  # a citation may be wrapped
    for match in CITED.finditer(joined):
        page = pages().get(match["page"])
        if page is None:
            found.append(f"{match['page']}: no such page")
            continue
        known = sections(page)
        found += [
            f"{match['page']} {number}: no such section"
            for number in re.findall(NUMBER, match["sections"] or "")
            if known and number not in known
        ]
    return found


def cited_texts() -> list[tuple[str, str]]:
    return [
        (name, file.read_text(errors="replace"))
        for file in tracked()
        if file.suffix in CODE
        and (name := str(file.relative_to(ROOT))).split("/")[0] in ROOMS
        and "node_modules" not in file.parts
        and name not in MADE_UP
    ]


def test_every_citation_leads_to_a_page_and_a_section() -> None:
    assert [f"{name}: {fault}" for name, text in cited_texts() for fault in faults(text)] == []


@pytest.mark.parametrize(
    "text",
    ["see nowhere.md", "(mogplex.md 9.9)", "mogplex.md\n# 1.99", "0016-design.md D99"],
)
def test_a_citation_that_leads_nowhere_is_seen(text: str) -> None:
    assert faults(text)


@pytest.mark.parametrize(
    "text",
    ["(mogplex.md 1.8, completion rule)", "moot.md 2.7", "scheduler.md 4.4", "0016-design.md D5"],
)
def test_a_citation_that_leads_somewhere_is_not(text: str) -> None:
    assert faults(text) == []
