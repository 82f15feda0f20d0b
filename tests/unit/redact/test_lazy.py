"""An expression that is compiled late is what it would be at once, and none is wrong."""

from __future__ import annotations

import gc
import re

import pytest

import bridge.redact  # noqa: F401 - makes them
from bridge.redact.lazy import LazyPattern, as_pattern, lazy


def test_every_expression_of_the_redactor_compiles() -> None:
    """A wrong one would show only in the text that first needs it."""
    gc.unfreeze()  # tests/conftest.py hides what was imported from the collector
    made = [one for one in gc.get_objects() if type(one) is LazyPattern]
    gc.freeze()
    assert len(made) > 200
    for one in made:
        assert one.flags & re.UNICODE, one.pattern


def test_it_does_what_the_compiled_one_does() -> None:
    late, early = lazy(r"(?P<key>\w)=(\d)"), re.compile(r"(?P<key>\w)=(\d)")
    text = "a=1 b=2"
    assert late.match(text, 4).span() == early.match(text, 4).span()  # type: ignore[union-attr]
    assert late.findall(text) == early.findall(text)
    assert [m.group() for m in late.finditer(text)] == ["a=1", "b=2"]
    assert late.sub(r"\2", text) == early.sub(r"\2", text)
    assert (late.groupindex, late.groups, late.pattern) == (early.groupindex, 2, early.pattern)
    assert lazy("A", re.IGNORECASE).fullmatch("a")


def test_a_used_one_has_the_compiled_ones_methods() -> None:
    late = lazy("used once")
    assert late.search("x") is None
    assert late.search.__self__ is late.match.__self__  # type: ignore[attr-defined]
    assert isinstance(late.search.__self__, re.Pattern)  # type: ignore[attr-defined]


def test_a_wrong_one_says_so_when_it_is_used() -> None:
    late = lazy("(")
    with pytest.raises(re.error):
        late.match("x")


def test_only_an_expression_is_taken_for_one() -> None:
    late = lazy("x")
    assert as_pattern(late) is late
    with pytest.raises(AssertionError):
        as_pattern("x")
