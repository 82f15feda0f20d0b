"""Imports go down; technologies stay in their rooms (docs/architecture.md)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

import pytest

from tests.architecture.tree import PACKAGE, ROOT, Module, modules, parse

# Room -> what it may import of the package. A dot narrows to one file: adapters know ports only.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "clock": set(),
    "core": set(),
    "log": {"standard_error"},
    "loop": {"tasks"},
    "metrics": {"core"},
    "redact": {"core"},
    "standard_error": set(),
    "tasks": {"core"},
    "wire": set(),
    "simulator": set(),
    "schema": {"core", "redact"},
    "config": {"core", "redact", "clock", "schema", "systems", "output_kinds", "outputs.sinks"},
    "journal": {"core", "clock", "metrics"},
    "sources": {"log", "core", "wire", "clock", "metrics", "schema", "tasks"},
    "systems": {"core", "wire", "sources.port", "sources.*.system"},
    "output_kinds": {"outputs.sinks"},
    "outputs": {
        *("core", "schema", "redact", "wire", "clock", "metrics", "log", "systems", "tasks"),
        *("journal.port", "sources.port"),
    },
    "intake": {
        *("log", "core", "redact", "wire", "clock", "metrics"),
        *("journal.port", "sources.port"),
    },
    # The one room that knows concrete classes: everything but the command line and the simulator.
    "daemon": {"*"},
    "cli": {"*", "simulator"},
    "__main__": {"cli"},
    # The program that prints the page about all words.
    "metrics.__main__": {"metrics", "systems", "output_kinds"},
}
WINGS = {file.name for file in (PACKAGE / "sources").iterdir() if file.is_dir()}
NOT_FOR_WIRING = {"cli", "simulator", "__main__"}

# Technology -> the only places that may know it.
ONLY_IN = {
    "orjson": {"wire/jsontext.py", "simulator/"},
    "ahocorasick_rs": {"redact/automaton.py"},
    "aiohttp": {"sources/http.py", "outputs/", "simulator/"},
    "sqlite3": {"journal/sqlite/"},
    "nats": {"journal/jetstream/client.py", "journal/jetstream/engine.py"},
    "nkeys": {"journal/jetstream/credentials.py"},
    "zstandard": {"outputs/"},
    "prometheus_client": {"metrics/", "outputs/"},
    "pydantic": {"schema/", "config/", "sources/", "outputs/sinks/"},
    "click": {"cli/"},
    "structlog": {"log.py"},
    "rich": {"cli/top/view.py", "cli/top/screen.py"},
    "uvloop": {"loop.py"},
    "time": {"clock.py", "simulator/"},
    "tomllib": {"config/", "outputs/"},
}
PURE = {"core", "redact", "wire"}
# fmt: off
WORLD = {
    "aiohttp", "asyncio", "click", "http", "io", "logging", "multiprocessing", "nats", "os",
    "pathlib", "random", "secrets", "select", "selectors", "shutil", "signal", "socket", "sqlite3",
    "structlog", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid", "uvloop",
}
# fmt: on
ALSO_PURE = "/rules/"  # a wing's rules
STANDARD_LIBRARY_ONLY = {"redact": {"ahocorasick_rs"}, "wire": {"orjson"}}  # and these


def is_pure(module: Module) -> bool:
    return module.room in PURE or ALSO_PURE in module.name


def room_faults(module: Module) -> list[str]:
    """What a module imports of the package although it may not."""
    allowed = MAY_IMPORT.get(".".join(module.parts), MAY_IMPORT[module.room])
    faults = wing_faults(module)
    for name in module.imports:
        if not name.startswith("bridge.") or name == "bridge.__version__":
            continue
        _, room, *rest = name.split(".")
        if room == module.room or room in allowed or f"{room}.{''.join(rest[:1])}" in allowed:
            continue
        if "*" in allowed and room not in NOT_FOR_WIRING:
            continue
        if room == "sources" and rest[1:2] == ["system"] and "sources.*.system" in allowed:
            continue
        faults.append(f"{module.name} imports {name}")
    return faults


def wing_faults(module: Module) -> list[str]:
    """A wing, `sources/<system>/`, is known to the list of systems only, and to no other wing."""
    of = module.parts[1] if module.room == "sources" and len(module.parts) > 2 else None
    return [
        f"{module.name} imports {name}, of a wing"
        for name in module.imports
        if (parts := name.split("."))[:2] == ["bridge", "sources"]
        and parts[2:3] != [of]
        and parts[2] in WINGS
        and module.name != "systems.py"
    ]


def technology_faults(module: Module) -> list[str]:
    """Technologies outside of their rooms, and the world in a pure one."""
    faults = []
    for name in module.imports:
        top = name.split(".")[0]
        if top in ONLY_IN and not any(
            module.name == place or (place.endswith("/") and module.name.startswith(place))
            for place in ONLY_IN[top]
        ):
            faults.append(f"{module.name} imports {top}, which belongs to {sorted(ONLY_IN[top])}")
        if is_pure(module):
            known = sys.stdlib_module_names | STANDARD_LIBRARY_ONLY.get(module.room, set())
            known |= {"bridge"}
            if top in WORLD or top not in known:
                faults.append(f"{module.name} is pure and imports {top}")
    return faults


def test_every_room_is_in_the_table() -> None:
    rooms = {name for name in MAY_IMPORT if "." not in name}
    assert {module.room for module in modules()} == rooms


def rooms_in_the_document() -> dict[str, str]:
    """Room -> what docs/architecture.md says that it may import."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)(?:/|\.py)` \| [^|]*\| ([^|]*) \|$", text, re.MULTILINE)
    return dict(rows)


def test_the_document_has_the_table_of_rooms() -> None:
    said = rooms_in_the_document()
    rules = {
        room: may for room, may in MAY_IMPORT.items() if not room.startswith(("_", "metrics."))
    }
    assert said.keys() == rules.keys()
    for room, may in rules.items():
        named = set(re.findall(r"`([^`]+)`", said[room]))
        assert named == ({"cli", "simulator"} if may == {"*"} else set() if "*" in may else may), (
            room
        )


def test_imports_go_down() -> None:
    assert [fault for module in modules() for fault in room_faults(module)] == []


def circles(of: Iterable[Module]) -> set[str]:
    """Modules that import themselves by others; imports for types or in functions count too."""
    needs = {"bridge." + ".".join(module.parts).removesuffix(".__init__"): module for module in of}
    above = {
        name: {
            target
            for text in module.imports
            if (target := text if text in needs else text.rpartition(".")[0]) in needs
        }
        for name, module in needs.items()
    }
    while leaves := {name for name, targets in above.items() if not targets}:
        above = {name: targets - leaves for name, targets in above.items() if name not in leaves}
    return set(above)


def test_no_module_imports_itself_by_a_circle() -> None:
    assert circles(modules()) == set()


def test_a_circle_is_seen() -> None:
    first = parse("core/a.py", "def f():\n    from bridge.core.b import B")
    second = parse("core/b.py", "if TYPE_CHECKING:\n    from bridge.core import a")
    assert circles([first, second, parse("core/c.py", "import bridge.core.d")]) == {
        "bridge.core.a",
        "bridge.core.b",
    }


def test_nobody_outside_of_the_journal_knows_an_engine_of_it() -> None:
    """Which engine is behind a URL is known to `journal.opening`; `follow` needs no URL."""
    doors = ("bridge.journal.port", "bridge.journal.opening")
    for module in modules():
        if module.room != "journal" and module.name != "daemon/once.py":
            inner = [name for name in module.imports if name.startswith("bridge.journal.")]
            assert not [name for name in inner if not name.startswith(doors)], module.name


def test_technologies_stay_in_their_rooms() -> None:
    assert [fault for module in modules() for fault in technology_faults(module)] == []


def test_every_group_of_tasks_is_one_that_loses_no_cancellation() -> None:
    plain = [m.name for m in modules() if "asyncio.TaskGroup" in m.text and m.room != "simulator"]
    assert plain == ["tasks.py"]


def test_pure_rooms_ask_no_clock_through_datetime() -> None:
    for module in modules():
        if is_pure(module):
            for call in (".now(", ".utcnow(", ".today("):
                assert call not in module.text, module.name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("core/x.py", "from bridge.wire.sse import Frame"),
        ("wire/x.py", "import bridge.core.event"),
        ("journal/x.py", "from bridge.outputs import port"),
        ("sources/x.py", "from bridge.journal.port import Journal"),
        ("outputs/x.py", "from bridge.journal.sqlite.journal import SqliteJournal"),
        ("outputs/x.py", "from bridge.sources.http import HttpSession"),
        ("daemon/x.py", "from bridge.sources.mogplex.api import MogplexApi"),
        ("cli/x.py", "from bridge.sources.mogplex.system import MOGPLEX"),
        ("sources/other/x.py", "from bridge.sources.mogplex.api import MogplexApi"),
        ("systems.py", "from bridge.sources.mogplex.api import MogplexApi"),
        ("intake/x.py", "from bridge.config import Settings"),
        ("config/x.py", "def f():\n    from bridge.journal.port import Journal"),
        ("simulator/x.py", "from bridge.wire.jsontext import dumps"),
        ("simulator/x.py", "from bridge.core.event import Record"),
        ("daemon/app.py", "from bridge.simulator import Simulator"),
        ("daemon/app.py", "from bridge.cli.exits import Exit"),
    ],
)
def test_the_rule_of_rooms_sees_an_import_that_goes_up(name: str, text: str) -> None:
    assert room_faults(parse(name, text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("core/x.py", "import time"),
        ("redact/x.py", "import ahocorasick_rs_other"),
        ("wire/x.py", "from pathlib import Path"),
        ("wire/cloudevents.py", "import orjson"),
        ("intake/x.py", "import sqlite3"),
        ("outputs/x.py", "import time"),
        ("daemon/app.py", "from time import monotonic"),
        ("journal/x.py", "import pydantic"),
        ("sources/mogplex/api.py", "import aiohttp"),
        ("sources/mogplex/rules/x.py", "import asyncio"),
        ("core/event.py", "import ahocorasick_rs"),
    ],
)
def test_the_rule_of_technologies_sees_one_outside_of_its_room(name: str, text: str) -> None:
    assert technology_faults(parse(name, text))
