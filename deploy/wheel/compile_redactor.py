"""A build hook: `bridge/redact` as C in the wheel, compiled by mypyc. See docs/decisions/0024.

Hatchling runs it when `HATCH_BUILD_HOOK_ENABLE_CUSTOM=1` asks for it, and `pyproject.toml` names
the modules. It compiles a copy: no compiled module is left beside its source, where it would be
imported after the source has changed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Run in the copy, since mypyc derives names of modules from relative paths.
_BUILD = """
import os
import sys
from mypyc.build import mypycify
from mypyc.primitives.registry import method_call_ops
from setuptools import setup

# That of mypyc does not know the sigma at the end of a Greek word: the one of Python is called.
del method_call_ops["lower"]

setup(
    name="compiled",
    packages=[],
    ext_modules=mypycify(
        # What else is installed where it is built must not matter.
        ["--no-site-packages", "--ignore-missing-imports", *sys.argv[1:]],
        opt_level=os.environ.get("MYPYC_OPT_LEVEL", "2"),
        debug_level="0",
        multi_file=True,
    ),
    script_args=["-q", "build_ext", "--inplace"],
)
"""


class CompileRedactor(BuildHookInterface[Any]):
    """Adds one extension module beside each compiled module, and the one that they share."""

    _directory: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless the wheel is an editable one.

        Raises:
            SystemExit: There is no compiler, no header of Python, or a pattern names no module.
        """
        if version == "editable":
            return
        root = Path(self.root)
        modules = [str(path.relative_to(root)) for path in self._modules(root)]
        self._directory = Path(tempfile.mkdtemp(prefix="compile-redactor-"))
        shutil.copytree(
            root / "bridge",
            self._directory / "bridge",
            ignore=shutil.ignore_patterns("*.so", "__pycache__"),
        )
        done = subprocess.run(  # noqa: S603 - this Python, and names of our modules
            [sys.executable, "-c", _BUILD, *modules],
            cwd=self._directory,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            self.finalize()  # hatchling calls it after a build that succeeded
            raise SystemExit(
                f"could not compile bridge/redact (a C compiler and Python's headers are needed):\n"
                f"{done.stdout[-2_000:]}{done.stderr[-2_000:]}"
            )
        for module in self._directory.rglob("*.so"):
            if "build" not in module.relative_to(self._directory).parts:
                target = module.relative_to(self._directory)
                build_data["force_include"][str(module)] = str(target)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, *_: object) -> None:
        """Remove the copy."""
        if self._directory is not None:
            shutil.rmtree(self._directory)

    def _modules(self, root: Path) -> list[Path]:
        modules = []
        for pattern in self.config["modules"]:
            found = sorted(root.glob(pattern))
            if not found:
                raise SystemExit(f"pyproject.toml: no module to compile: {pattern}")
            modules += [path for path in found if path.name != "__init__.py"]
        return modules
