"""Plain pages keep out the idioms that readers stumbled over (docs/style.md, Language)."""

from __future__ import annotations

import re

import pytest

from tests.architecture.tree import ROOT

# Pages that are free of these phrases; add a page when it is rewritten. The others still have some.
PLACES = ("contracts", "decisions", "runbooks")
CLEAN = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "deploy" / "tailers" / "README.md",
    *(
        ROOT / "docs" / f"{name}.md"
        for name in (
            "architecture",
            "capacity",
            "clients",
            "configuration",
            "durability",
            "errors",
            "following",
            "gateway",
            "glossary",
            "metrics",
            "operations",
            "page",
            "redaction",
            "replicas",
            "scheduler",
            "security",
            "serving",
            "simulator",
            "simulator-miosa",
            "simulator-moot",
            "simulator-reference",
            "style",
            "tailing",
            "terminal",
        )
    ),
    *(page for place in PLACES for page in sorted((ROOT / "docs" / place).glob("*.md"))),
]
BETTER = {
    r"nothing twice": "exactly once",
    r"(?:is|are) told\b": "is reported",
    r"place (?:\w+ ){0,5}(?:is|that is) gone": "the position has expired",
    r"in silence": "without an error, unreported",
    r"make room": "free some space",
    r"nothing (?:else )?is to be done": "do nothing",
    r"goes on by itself": "recovers automatically",
    r"nothing more is asked": "the bridge sends no more requests",
    r"nothing is asked": "this sends no requests",
    r"given up": "the bridge stopped following",
    r"looked at (?:less|rarely)": "polled less often",
    r"some run has had no turn": "at least one run has not been polled",
    r"(?:are|is) no news": "does not fire",
    r"\bmended": "fixed",
    r"says something": "sends a heartbeat",
    r"makes case count": "makes the search case-sensitive",
    r"stands? open": "is expanded",
    r"from nothing to": "name what the reader gets",
    r"that saves? you a search": "rules",
    r"gives up for good": "stops for good",
    r"stands? still": "hangs, is blocked",
    r"(?:has|have) had no turn": "was not polled",
    r"does not get on": "writes nothing",
    r"has to be let in": "allow it",
    r"is looked at every": "the bridge checks it every",
    r"wants to know who": "clients need a token",
    r"which is how the bridge": "so the bridge",
    r"worth nothing": "no longer valid",
    r"needs a look": "has problems",
    r"is (?:spoken|believed)": "is supported, is assumed",
    r"leads nowhere": "has expired, does not exist",
    r"\bmade up\b": "generated",
    r"\bheld against\b": "checked against",
    r"means? what (?:it|they) says?": "say what it means",
    r"cancelled and back": "cancelled but streaming again",
    r"waiting is the back-pressure": "back-pressure without a queue",
    r"\btime-outs?\b": "timeout",
    r"\bback-offs?\b": "backoff",
    r"\bgoes? on (?:as|with|under)\b": "continues, resumes",
}


def prose(text: str) -> str:
    """A page without programs, titles of alerts (the rules define them) and examples to avoid."""
    text = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^\| \[Mogplex.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\| Before \|.*\Z", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\s+", " ", text)


def faults(text: str) -> list[str]:
    read = prose(text)
    return [
        f"{match[0]!r}: write {better!r}"
        for idiom, better in BETTER.items()
        for match in re.finditer(idiom, read, re.IGNORECASE)
    ]


def test_clean_pages_use_plain_words() -> None:
    found = {str(page.relative_to(ROOT)): faults(page.read_text()) for page in CLEAN}
    assert {page: list_ for page, list_ in found.items() if list_} == {}


@pytest.mark.parametrize(
    "text", ["Nothing twice, nothing\nlost", "it is told in the stream", "Make room; it waits"]
)
def test_an_idiom_is_seen_across_lines_and_cases(text: str) -> None:
    assert faults(text)
