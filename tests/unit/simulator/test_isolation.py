"""The simulator must not share code with what it is used to test (design.md D7)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import bridge.simulator

ROOT = Path(bridge.simulator.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
ALLOWED = {"aiohttp", "orjson", *sys.stdlib_module_names}


def imported(source: str) -> set[str]:
    """Every module a file names in an import, wherever it stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def is_allowed(module: str) -> bool:
    if module == "bridge.simulator" or module.startswith("bridge.simulator."):
        return True
    return module.split(".", maxsplit=1)[0] in ALLOWED


def test_the_simulator_imports_nothing_from_the_rest_of_the_package() -> None:
    assert len(FILES) > 10
    wrong = {
        f"{path.name}: {module}"
        for path in FILES
        for module in imported(path.read_text())
        if not is_allowed(module)
    }
    assert wrong == set()


def test_the_check_sees_an_import_inside_a_function() -> None:
    assert imported("def f():\n    from bridge.core import event\n") == {"bridge.core"}
    assert not is_allowed("bridge.core")
    assert not is_allowed("bridge.simulator_of_something_else")
