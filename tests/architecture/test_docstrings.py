"""Every public name of the ports and of the core says what it is for.

Elsewhere a name may say it all (ruff's D101 to D103 are off); a port is read by who implements it,
and the core by everybody.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.tree import Module, modules, parse

PORTS = {
    "sources/port.py",
    "journal/port.py",
    "outputs/port.py",
    "outputs/sinks/port.py",
}


def undocumented(module: Module) -> Iterator[str]:
    """Yield public classes, functions and methods without a docstring."""
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from (f"{node.name}.{name}" for name in _bare(node.body))
    yield from _bare(module.tree.body)


def _bare(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            not node.name.startswith("_") and ast.get_docstring(node) is None
        ):
            yield node.name


def test_every_public_name_of_ports_and_core_has_a_docstring() -> None:
    read = [m for m in modules() if m.name in PORTS or m.room == "core"]
    assert {m.name for m in read} >= PORTS
    bare = [f"{m.name}: {name}" for m in read for name in undocumented(m)]
    assert not bare, "\n".join(bare)


@pytest.mark.parametrize(
    "text",
    ["class A:\n    x = 1", 'class A:\n    """A."""\n    def f(self): ...', "async def f(): ..."],
)
def test_a_name_without_a_docstring_is_found(text: str) -> None:
    assert list(undocumented(parse("core/a.py", text)))
