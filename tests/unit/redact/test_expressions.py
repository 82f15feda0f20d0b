"""Expressions that are compiled late: by the first text that needs them, or before any event."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

from bridge.redact import Redactor
from bridge.redact.expressions import compile_all, lazy


def counted(calls: list[str], source: str) -> Callable[[], str]:
    def build() -> str:
        calls.append(source)
        return source

    return build


def test_a_lazy_expression_is_compiled_once_by_its_first_use() -> None:
    built: list[str] = []
    expression = lazy(counted(built, "(?P<key>[a-z])=[0-9]"), re.IGNORECASE)
    assert built == []
    found = expression().match("K=1")
    assert found is not None
    assert found.group("key") == "K"
    assert expression() is found.re
    assert len(built) == 1


def test_no_event_of_a_redactor_waits_for_an_expression() -> None:
    built: list[str] = []
    lazy(counted(built, "never used"))
    Redactor()
    assert built == ["never used"]


def test_a_redactor_of_a_short_process_compiles_nothing_that_it_does_not_use() -> None:
    built: list[str] = []
    lazy(counted(built, "never used"))
    redactor = Redactor(compile_later=True)
    assert redactor.text("mysql -u root -pTide4412Marsh") != "mysql -u root -pTide4412Marsh"
    assert built == []


def test_no_expression_is_broken() -> None:
    """A broken one would fail the first text that needs it."""
    compile_all()


def test_little_is_compiled_at_the_import() -> None:
    """Compiling takes some 3 us a character, in every start of every command."""
    compiled = {
        value
        for name, module in sys.modules.items()
        if name.startswith("bridge.redact.")
        for value in vars(module).values()
        if isinstance(value, re.Pattern)
    }
    assert sum(len(one.pattern) for one in compiled) < 9_000, "make those of rare texts lazy"
