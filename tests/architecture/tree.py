"""The package as the architecture tests see it: modules, what they import, what they define."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "bridge"


@dataclass(frozen=True)
class Module:
    """One file of the package; `parts` is its path below it, without `.py`."""

    parts: tuple[str, ...]
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def imports(self) -> tuple[str, ...]:
        """Dotted names, also those inside functions; `from a import b` gives `a.b`."""
        names: list[str] = []
        for node in statements(self.tree):
            if isinstance(node, ast.Import):
                names += (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                names += (f"{node.module}.{alias.name}" for alias in node.names)
        return tuple(names)

    @property
    def name(self) -> str:
        return "/".join(self.parts) + ".py"

    @property
    def room(self) -> str:
        return self.parts[0]


def parse(name: str, text: str) -> Module:
    return Module(tuple(name.removesuffix(".py").split("/")), text)


@cache
def modules() -> tuple[Module, ...]:
    return tuple(
        parse(str(file.relative_to(PACKAGE)), file.read_text())
        for file in sorted(PACKAGE.rglob("*.py"))
    )


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Every statement at any depth, without the expressions: most of a tree."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            todo += getattr(node, field, ())


def functions(module: Module) -> Iterator[tuple[str, int]]:
    """Name and lines of every function, without decorators: options of commands are a table."""
    for node in statements(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1
