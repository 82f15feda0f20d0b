"""The package as the architecture tests see it: modules, what they import, what they define."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "bridge"


@dataclass
class Outline:
    """What stands in a module, at any depth.

    It is kept instead of the syntax tree: the trees of all modules are 400,000 objects, and the
    garbage collector would look at them again and again until the last test.
    """

    imports: list[str] = field(default_factory=list)  # dotted; `from a import b` is `a.b`
    functions: list[tuple[str, int]] = field(default_factory=list)  # name, lines; no decorators
    docstrings: list[str] = field(default_factory=list)
    # Of each class the names that it defines; classes of one name are put together.
    members: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Module:
    """One file of the package; `parts` is its path below it, without `.py`."""

    parts: tuple[str, ...]
    text: str

    @cached_property
    def outline(self) -> Outline:
        return outline(ast.parse(self.text))

    @property
    def imports(self) -> list[str]:
        return self.outline.imports

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
        for inner in ("body", "orelse", "finalbody", "handlers", "cases"):
            todo += getattr(node, inner, ())


def outline(tree: ast.Module) -> Outline:
    found = Outline()
    for node in statements(tree):
        if isinstance(node, ast.Import):
            found.imports += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.imports += (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.functions.append((node.name, (node.end_lineno or node.lineno) - node.lineno + 1))
        elif isinstance(node, ast.ClassDef):
            found.members.setdefault(node.name, set()).update(_defined(node.body))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.docstrings.append(ast.get_docstring(node, clean=False) or "")
    return found


def _defined(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
