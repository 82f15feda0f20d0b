"""What every detector says of itself holds: it finds its texts by itself, and leaves the others."""

from __future__ import annotations

from pathlib import Path

from bridge.redact import RULES, Redactor
from bridge.redact.anchors import Prefilter
from bridge.redact.detectors import DETECTORS
from bridge.redact.detectors.detector import Detector
from bridge.redact.fold import fold
from bridge.redact.names.remembered import Names
from bridge.redact.policy import DEFAULT_POLICY
from bridge.redact.reference import page
from bridge.redact.spans import Scan, merged
from tests.cases import each_case
from tests.corpus.blocks import filled
from tests.corpus.build import Maker, survives

PAGE = Path(__file__).parents[4] / "docs" / "redaction-rules.md"
FINDS = [(one, text) for one in DETECTORS for text in one.finds]
LEAVES = [(one, text) for one in DETECTORS for text in one.leaves]


def looked_at(detector: Detector, text: str) -> str:
    """What is left of the text when only this detector reads it."""
    folded = fold(text)  # as the engine shows it to detectors
    scan = Scan(folded, folded.lower())
    scan.names = Names(DEFAULT_POLICY)
    for last, anchors in Prefilter([detector], is_quick=False).iter(scan.low):
        for size, look, data in anchors.all:
            look(scan, last + 1 - size, last + 1, data)
    for span in reversed(merged(scan.spans)):
        text = f"{text[: span.start]}[REDACTED:{span.kind}]{text[span.end :]}"
    return text


@each_case(("detector", "text"), FINDS, ids=[f"{one.name}-{i}" for i, (one, _) in enumerate(FINDS)])
def test_a_detector_finds_its_texts_by_itself(detector: Detector, text: str) -> None:
    for seed in range(3):
        whole, secrets, around = filled(Maker(seed), text.replace("~KEY", " KEY"))
        assert secrets
        for result in (looked_at(detector, whole), Redactor().text(whole)):
            assert not any(survives(secret, result) for secret in secrets), result
            assert all(piece in result for piece in around), result


@each_case(
    ("detector", "text"), LEAVES, ids=[f"{one.name}-{i}" for i, (one, _) in enumerate(LEAVES)]
)
def test_nobody_touches_what_a_detector_leaves(detector: Detector, text: str) -> None:
    for seed in range(3):
        whole, secrets, _ = filled(Maker(seed), text.replace("~KEY", " KEY"))
        assert not secrets
        assert looked_at(detector, whole) == whole
        assert Redactor().text(whole) == whole


@each_case("detector", DETECTORS, ids=lambda one: one.name)
def test_a_detector_is_whole(detector: Detector) -> None:
    assert detector.finds
    assert detector.leaves
    assert detector.literals
    assert all(word == word.lower() and word for word in detector.literals)
    assert RULES[detector.rule.id] is detector.rule


def test_names_of_detectors_are_their_own() -> None:
    assert len({one.name for one in DETECTORS}) == len(DETECTORS)


def test_the_page_in_the_tree_is_what_the_list_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make docs"
