"""The shape of the tree: sizes, names, and what must not be written into it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from bridge import __version__
from tests.architecture.tree import ROOT, modules

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
# More needs a reason.
LONG_FILES = {
    "journal/sqlite/writer.py": "all that happens in one commit, in its order",
    "sources/mogplex/follow.py": "one run's follow; the stream drives the same object",
}
LONG_FUNCTIONS = {"metrics/metric_table.py:__init__": "a table: one statement per metric"}

DRAWERS = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "tools"}

# Paths of the machine somebody wrote on; what a reader's machine has (/etc, /var, /run) is fine.
MACHINE_PATHS = re.compile(r"/(?:work|root|home/(?!a\b|somebody\b)[a-z]+|Users)/[\w.-]+")
# Sessions, registries and the like are nobody's business here; built so as not to find itself.
REGISTRY_HOSTS = re.compile(
    "|".join(("pypi" + r"\.org", "files.python" + "hosted", "registry.npm" + "js"))
)
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".json",
    ".yaml",
    ".yml",
    ".sql",
    ".html",
    ".css",
    ".js",
    ".txt",
    ".conf",
}


def tracked() -> list[Path]:
    """Files that git knows or would add; the whole tree where there is no git."""
    found = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if found.returncode:
        return [f for f in ROOT.rglob("*") if f.is_file() and ".venv" not in f.parts]
    names = [name for name in found.stdout.decode().split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    return [
        (str(file.relative_to(ROOT)), file.read_text(errors="replace"))
        for file in tracked()
        if file.suffix in TEXT or file.name in ("Makefile", "run", "Dockerfile", "LICENSE")
    ]


def test_files_are_rooms_and_not_halls() -> None:
    long = {m.name for m in modules() if m.text.count("\n") > FILE_LINES_MAX}
    assert long <= set(LONG_FILES), "split it, or give a reason in LONG_FILES"


def test_functions_fit_on_a_screen() -> None:
    long = {
        f"{module.name}:{name}"
        for module in modules()
        for name, lines in module.outline.functions
        if lines > FUNCTION_LINES_MAX
    }
    assert long <= set(LONG_FUNCTIONS), "split it, or give a reason in LONG_FUNCTIONS"


def test_no_file_is_a_drawer() -> None:
    assert [m.name for m in modules() if DRAWERS & set(m.parts)] == []


def test_every_module_says_what_it_is_for() -> None:
    for module in modules():
        assert module.text.lstrip().startswith(('"""', 'r"""')), module.name


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, REGISTRY_HOSTS], ids=["path", "registry"])
def test_nothing_of_the_machine_it_was_written_on_is_in_the_tree(pattern: re.Pattern[str]) -> None:
    found = [
        f"{name}: {match[0]}"
        for name, text in texts()
        if (match := pattern.search(text)) is not None
    ]
    assert found == []


def test_nothing_is_left_to_do_in_the_code() -> None:
    words = re.compile(r"#\s*(?:TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
    assert [m.name for m in modules() if words.search(m.text)] == []


def test_the_change_log_knows_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert f"## {__version__}" in text


def test_links_between_documents_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
    for file in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in link.findall(file.read_text()):
            assert (file.parent / target).exists(), f"{file.relative_to(ROOT)} -> {target}"


def test_make_targets_named_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for file in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"(?:`|^    |\$ )make ([a-z-]+)", file.read_text(), re.MULTILINE):
            assert target in targets, f"{file.relative_to(ROOT)}: make {target}"


def test_every_decision_is_in_the_index() -> None:
    place = ROOT / "docs" / "decisions"
    index = (place / "README.md").read_text()
    listed = set(re.findall(r"\]\((\d{4}-[^)]+\.md)\)", index))
    assert listed == {file.name for file in place.glob("[0-9]*.md")}
