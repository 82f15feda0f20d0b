"""`tests/unit` mirrors the package: bridge/a/b.py is tested in tests/unit/a/test_b.py.

A package with code of its own, bridge/a/__init__.py, is tested in tests/unit/a/test_a.py. What is
tested elsewhere is named here with the place, and why that is the better one.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tests.architecture.tree import ROOT
from tests.cases import each_case

PACKAGE, UNITS = ROOT / "bridge", ROOT / "tests" / "unit"

CONTRACT = "tests/contract"
# Rooms whose modules are parts of one thing: a suite holds the whole to its promises. Modules in
# them may have a test of their own beside it. Place -> (where it is tested, why there).
ROOMS = {
    "cli": ("tests/e2e", "a command is what a process prints and how it ends"),
    "config": (
        "tests/unit/config/test_load.py",
        "every rule shows as one line of the loader's, with file, line and cure",
    ),
    "daemon/workers": ("tests/e2e/test_workers.py", "processes that share a port, killed and told"),
    "journal/jetstream": (f"{CONTRACT}/test_journal_contract.py", "J1-J7, on a real server"),
    "journal/sqlite": (f"{CONTRACT}/test_journal_contract.py", "J1-J7, and tests/torture"),
    "outputs/gateway": (
        f"{CONTRACT}/gateway/test_gateway.py",
        "beside the simulator, answer by answer",
    ),
    "outputs/http": (f"{CONTRACT}/test_http_routes.py", "a route is what a request gets"),
    "outputs/streams": ("tests/unit/outputs/streams/test_hub.py", "H1-H3 hold of the whole"),
    "redact": (
        "tests/unit/redact/test_corpus.py",
        "what a text becomes; the parts have no meaning of their own to hold them to",
    ),
    "redact/detectors": (
        "tests/unit/redact/detectors/test_detectors.py",
        "each detector brings the texts that it finds and leaves",
    ),
    "redact/names": ("tests/unit/redact/names/test_classifier.py", "tables of one classifier"),
    "simulator/kit": (f"{CONTRACT}/test_simulator_control.py", "by what the services answer"),
    "simulator/miosa": (f"{CONTRACT}/test_simulator_miosa.py", "by what the service answers"),
    "simulator/mogplex": (f"{CONTRACT}/test_simulator_runs.py", "by what the service answers"),
    "simulator/moot": (f"{CONTRACT}/test_simulator_moot.py", "by what the service answers"),
    "sources/miosa": ("tests/scenarios/test_miosa.py", "whole follows against the simulator"),
    "sources/mogplex": ("tests/scenarios/test_reference.py", "whole follows, with an oracle"),
    "sources/moot": ("tests/scenarios/test_moot.py", "whole follows against the simulator"),
}
# Modules on their own.
MODULES = {
    "__main__": ("tests/unit/cli/test_cli.py", "module and command are the same"),
    "clock": ("tests/unit/config/test_slow_patterns.py", "two calls of the standard library"),
    "loop": ("tests/e2e/test_serve.py", "which loop there is shows in a process"),
    "systems": (f"{CONTRACT}/test_stranger.py", "a system from nowhere is registered"),
    "core/pace/snapshot": ("tests/unit/core/pace/test_schedule.py", "a value"),
    "core/state": ("tests/unit/intake/test_intake.py", "values; what may change them is intake"),
    "core/words": ("tests/unit/metrics/test_metrics.py", "a table, read by the metrics"),
    "daemon/accounts": ("tests/unit/daemon/test_reload.py", "they come, change and go by reloads"),
    "daemon/app": ("tests/e2e/test_serve.py", "a process that starts, serves and stops"),
    "daemon/gateway": (f"{CONTRACT}/gateway/test_gateway.py", "joins two ports, both tested there"),
    "daemon/printing": ("tests/e2e/test_follow.py", "what `follow` prints"),
    "daemon/running": ("tests/e2e/test_serve.py", "the parts of a process, made and ended"),
    "daemon/serving": ("tests/e2e/test_access.py", "settings become a server"),
    "daemon/sinks": ("tests/e2e/test_reload.py", "outputs come, change and go by reloads"),
    "daemon/upkeep": (
        "tests/unit/journal/sqlite/test_retention.py",
        "calls retention by the clock",
    ),
    "journal/leases": (f"{CONTRACT}/test_lease_contract.py", "L1 and L2, beside JetStream's"),
    "journal/port": (f"{CONTRACT}/test_journal_contract.py", "the promises themselves"),
    "metrics/__main__": ("tests/unit/metrics/test_metrics.py", "its page is compared there"),
    "metrics/declaring": ("tests/unit/metrics/test_metrics.py", "by what is exposed"),
    "metrics/metric_table": ("tests/architecture/test_metric_names.py", "a table"),
    "metrics/words": ("tests/unit/metrics/test_metrics.py", "a table"),
    "simulator/__main__": (
        f"{CONTRACT}/test_simulator_control.py",
        "its page is compared there",
    ),
    "outputs/sinks/health": (f"{CONTRACT}/test_targets.py", "T1-T4, on every target"),
    "outputs/sinks/oserrors": (f"{CONTRACT}/test_targets.py", "names of errors, told in metrics"),
    "outputs/sinks/port": (f"{CONTRACT}/test_targets.py", "the promises themselves"),
    "outputs/sinks/replay": ("tests/unit/cli/test_replay.py", "what `replay` writes"),
    "outputs/story/layout": ("tests/unit/outputs/story/test_printer.py", "by whole pictures"),
    "outputs/sinks/settings": (f"{CONTRACT}/test_output_stranger.py", "a base class"),
    "output_kinds": (f"{CONTRACT}/test_output_stranger.py", "a kind from nowhere is registered"),
    "schema/section": ("tests/unit/config/test_load.py", "a base class"),
    "schema/upstream": ("tests/unit/config/test_load.py", "by the accounts of a file"),
    "simulator/profiles": (f"{CONTRACT}/test_simulator_control.py", "a table, and what runs one"),
    "sources/gate": (f"{CONTRACT}/test_source_requests.py", "S3, with the real client in between"),
    "sources/port": (f"{CONTRACT}/test_source_contract.py", "the promises themselves"),
    "sources/telling": ("tests/unit/daemon/test_standings.py", "values"),
}
# Units of no single module: what a whole room does with one sort of input.
THEMES = {
    "redact/test_commands": "commands that print or store a secret, in all their shapes",
    "redact/test_corpus": "thresholds on a corpus of our own making",
    "redact/test_limits": "texts of any size",
    "redact/test_neighbours": "the second secret of a line",
    "redact/test_own_secrets": "the program's own tokens",
    "redact/test_unseen_kinds": "what sets of events by strangers brought",
}


@cache
def modules() -> dict[str, Path]:
    """Every module that could have a test, by its path without ending; `a/a` is the package a."""
    found = {}
    for file in PACKAGE.rglob("*.py"):
        place = file.relative_to(PACKAGE)
        name = place.parent.name if place.name == "__init__.py" else place.stem
        found[(place.parent / name).as_posix()] = file
    return found


def mirrored(module: str) -> Path:
    place = Path(module)
    return UNITS / place.parent / f"test_{place.name}.py"


def has_code(file: Path) -> bool:
    """Whether there is more in it than imports, names and docstrings."""
    return re.search(r"^(?:async def|def|class) ", file.read_text(), re.MULTILINE) is not None


def room_of(module: str) -> str | None:
    """The nearest room in the list that it is in."""
    return next((str(p) for p in Path(module).parents if str(p) in ROOMS), None)


def test_every_module_with_code_is_tested_at_its_place_or_where_the_list_says() -> None:
    missing = [
        module
        for module, file in modules().items()
        if has_code(file)
        and not mirrored(module).exists()
        and module not in MODULES
        and room_of(module) is None
    ]
    assert not missing, "a test file at the mirrored place, or a line here that says where"


def test_pure_rules_have_tests_of_their_own() -> None:
    """`rules/` holds decisions without I/O: a table of cases says more than a whole follow."""
    missing = {
        module
        for module, file in modules().items()
        if "/rules/" in module and has_code(file) and not mirrored(module).exists()
    }
    values = {"sources/moot/rules/steps"}  # what the hands are told; no decisions
    whole = {"sources/moot/rules/catch_up"}  # test_moot_follower
    assert missing == values | whole
    assert (ROOT / "tests/property/test_moot_follower.py").exists()


def test_every_unit_test_has_its_module() -> None:
    known = {mirrored(module) for module in modules()}
    found = set(UNITS.rglob("test_*.py")) - known
    assert {f.relative_to(UNITS).with_suffix("").as_posix() for f in found} == set(THEMES)


@each_case("place", [*ROOMS, *MODULES])
def test_an_exception_is_needed_and_names_a_place_that_is_there(place: str) -> None:
    where, why = {**ROOMS, **MODULES}[place]
    assert why
    assert (ROOT / where).exists()
    if place in MODULES:
        assert place in modules()
        assert not mirrored(place).exists(), "it has its test: take it off the list"
        assert room_of(place) is None, "its room says so already"
    else:
        assert (PACKAGE / place).is_dir()


def test_test_files_have_one_purpose() -> None:
    lines_max = 500
    # More needs a reason.
    long = {
        "tests/contract/test_journal_contract.py": "one suite, on one set of journals",
    }
    too_long = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "tests").rglob("test_*.py")
        if "node_modules" not in file.parts and len(file.read_text().splitlines()) > lines_max
    }
    assert too_long == set(long)
