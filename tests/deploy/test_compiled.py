"""The redactor as C, in a wheel as users build it, does what its source says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.deploy.checks import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

# Prints how the scanner was imported, and a digest of all that it makes of the corpus.
DIGEST = """
import hashlib, json
from bridge.redact import Redactor, scanner
from tests.corpus.build import cases

redactor, digest = Redactor(), hashlib.sha256()
for case in cases(1):
    digest.update(json.dumps(redactor.event(case.event)).encode())
print(scanner.__file__.rpartition(".")[2], digest.hexdigest())
"""


def missing() -> str | None:
    """What is missing to compile, with the cure."""
    if shutil.which("cc") is None:
        return "the redactor is compiled by a C compiler: apt-get install gcc libc6-dev"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "the redactor is compiled with Python's headers: apt-get install python3-dev"
    return None


def run(*args: str, cwd: Path, **env: str) -> str:
    """Output of this Python; both streams of it in the error if it fails."""
    done = subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-4_000:]
    return done.stdout


def test_the_compiled_redactor_does_what_its_source_does(tmp_path: Path) -> None:
    if (text := missing()) is not None:
        pytest.fail(text) if os.environ.get("CI") else pytest.skip(text)
    before = set((ROOT / "bridge").rglob("*.so"))
    run(
        *("-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)),
        cwd=ROOT,
        HATCH_BUILD_HOOK_ENABLE_CUSTOM="1",
        MYPYC_OPT_LEVEL="0",  # says the same, compiled in half the time
    )
    assert set((ROOT / "bridge").rglob("*.so")) == before == set()
    (wheel,) = tmp_path.glob("*.whl")
    assert "none-any" not in wheel.name

    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    shutil.copytree(ROOT / "tests", site / "tests", ignore=shutil.ignore_patterns("node_modules"))
    (site / "docs").mkdir()
    for name in ("pyproject.toml", "docs/redaction-rules.md"):
        shutil.copy(ROOT / name, site / name)

    form, digest = run("-c", DIGEST, cwd=site).split()
    assert form == "so"
    assert ["py", digest] == run("-c", DIGEST, cwd=ROOT).split()
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly")
    assert " passed" in run("-m", "pytest", *options, "tests/unit/redact", cwd=site)
