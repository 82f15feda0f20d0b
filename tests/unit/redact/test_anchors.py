"""Hits are found once: what is skipped for speed is never what would have been found."""

from __future__ import annotations

import json
from functools import cache

import pytest

from bridge.redact import Policy, Redactor, anchors
from bridge.redact.detectors import DETECTORS
from bridge.redact.dress import undressed
from bridge.redact.literals import literals
from bridge.redact.names.remembered import Names
from bridge.redact.spans import Scan
from tests.corpus.build import Case, cases

LITERALS = sorted({literal for detector in DETECTORS for literal in detector.literals})
PREFILTER = anchors.build()
FIND = PREFILTER.iter


@cache
def corpus() -> list[Case]:
    return cases(3)


def test_a_literal_in_escapes_is_seen_without_taking_them_off() -> None:
    missed = []
    for word in LITERALS:
        said = f"one\ntwo {word} three"
        text = json.dumps({"x": said}, ensure_ascii=False)
        (inner,) = literals(text)
        if inner.is_as_plain() and not list(FIND(text[inner.start : inner.end].lower())):
            missed.append(word)
    assert missed == []


@pytest.mark.parametrize("escaped", [r"a\nhttps:\/\/x", r"a\n\u0070assword", r"a\n\x70assword"])
def test_an_escape_that_may_hide_a_literal_is_taken_off(escaped: str) -> None:
    (inner,) = literals(f'x = "{escaped}......"')
    assert not inner.is_as_plain()


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["12:", "  7\t", "api-1  | ", "2026-11-30T10:00:00Z ", "> "])
def test_hits_behind_prefixes_are_where_they_would_be_found(prefix: str) -> None:
    seen = 0
    for case in corpus()[::40]:
        text = "\n".join(prefix + line for line in json.dumps(case.event, indent=1).split("\n"))
        for view in undressed(text)[:1]:
            moved = anchors.moved(list(FIND(text.lower())), view)
            assert moved is None or moved == list(FIND(view.text.lower()))
            seen += moved is not None
    assert seen > 20


def test_a_name_that_became_an_own_secret_goes_although_it_was_seen_before() -> None:
    redactor = Redactor()
    event = {"id": "1", "a-name-of-24-characters-1": 1}
    assert redactor.event(event) == event
    redactor.protect(["name-of-24-characters"])
    assert "name-of-24-characters" not in json.dumps(redactor.event(event))


def test_names_are_judged_anew_by_a_policy_that_is_adopted() -> None:
    redactor = Redactor()
    event = {"x_internal": "q7Lw2Zp9", "note": "fine"}
    assert redactor.value(event) == event
    redactor.adopt(Redactor(Policy(keys=("x-internal",))))
    assert redactor.value(event) == {"x_internal": "[REDACTED:secret]", "note": "fine"}


def test_names_of_an_object_count_for_the_limit_each_time() -> None:
    redactor = Redactor(chars_max=60)
    many = [{"a_name_of_20_letters": 1} for _ in range(8)]
    first, second = redactor.value(many), redactor.value(many)
    assert first == second
    assert "[REDACTED:unscanned]" in json.dumps(second)


@pytest.mark.parametrize("glue", ["x", "9", "m", r"\n", "%3D", r"\u0022", "\n", ""])
def test_what_is_skipped_inside_a_word_would_have_found_nothing(glue: str) -> None:
    names = Names(Policy())
    skipped = 0
    for case in corpus()[::60]:
        for secret in case.secrets or case.keep:
            text = f"- a{glue}{secret} {glue}npm --token {secret}"
            low = text.lower()
            hits = list(FIND(low))
            kept = PREFILTER.hits(low)
            for last, found in hits:
                if (last, found) in kept:
                    continue
                skipped += 1
                for size, look, data in found.all:
                    scan = Scan(text, low)
                    scan.names = names
                    assert look(scan, last + 1 - size, last + 1, data) == 0
                    assert scan.spans == []
    assert skipped
