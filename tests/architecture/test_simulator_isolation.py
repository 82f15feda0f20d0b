"""The simulator must not share code with what it is used to test (0016-design.md D7)."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import bridge.simulator
from tests.architecture.tree import statements

ROOT = Path(bridge.simulator.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
ALLOWED = {"aiohttp", "orjson", *sys.stdlib_module_names}


@cache
def imported(source: str) -> set[str]:
    """Every module a file names in an import, wherever it stands."""
    found: set[str] = set()
    for node in statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
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
    assert imported("def f():\n    from bridge.core import event\n") == {
        "bridge.core",
        "bridge.core.event",
    }
    assert not is_allowed("bridge.core")
    assert not is_allowed("bridge.simulator_of_something_else")


def room(module: str) -> str:
    """`kit`, a profile, or "" for the package's own files."""
    parts = module.split(".")
    inside = parts[2] if parts[:2] == ["bridge", "simulator"] and len(parts) > 2 else ""
    return inside if (ROOT / inside).is_dir() else ""


def test_a_profile_knows_the_kit_and_no_other_profile() -> None:
    """The kit knows none of them: what is in it is general."""
    wrong = {
        f"{path.relative_to(ROOT)}: {module}"
        for path in FILES
        if path.parent != ROOT
        for module in imported(path.read_text())
        if module == "bridge.simulator" or room(module) not in {"", "kit", path.parent.name}
    }
    assert wrong == set()


def depends_on(path: Path) -> set[Path]:
    """Files of the simulator that one imports, those only for its types too."""
    found = set()
    for module in imported(path.read_text()):
        if module.startswith("bridge.simulator."):
            file = ROOT.joinpath(*module.split(".")[2:]).with_suffix(".py")
            found |= {file} & set(FILES)
    return found


def test_no_file_of_the_simulator_imports_itself_by_a_circle() -> None:
    above: dict[Path, set[Path]] = {path: depends_on(path) for path in FILES}
    while leaves := {path for path, needs in above.items() if not needs}:
        above = {path: needs - leaves for path, needs in above.items() if path not in leaves}
    assert above == {}
