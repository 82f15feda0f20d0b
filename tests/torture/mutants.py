"""Programs that break one promise each, made by a small change to a copy; every one must be caught.

    python -m tests.torture.mutants                 all of them, some minutes
    python -m tests.torture.mutants NAME...         only these
    python -m tests.torture.mutants --list

Exit code 1 if one survives. The program as it is goes through the same misfortunes first: what
catches everything proves nothing.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.torture.__main__ import tell
from tests.torture.campaign import PACKAGE

SECONDS = 90.0  # until a mutant counts as survived; most are caught within 20
SEED = 11


class Mutant(NamedTuple):
    name: str
    file: str  # below bridge/
    old: str  # a regular expression, matched once
    new: str
    only: tuple[str, ...]  # misfortunes that can show it


_APPEND = (
    r"sequences = await self\._journal\.append\(\s+drafts, states=\(state,\),"
    r" fence=self\._fence_of\(state\.feed\)\s+\)"
)
MUTANTS = [
    Mutant(
        "journal: no sync at a commit",
        "journal/sqlite/file.py",
        r'connection\.execute\(f"PRAGMA synchronous=\{synchronous\}"\)',
        'connection.execute("PRAGMA synchronous=OFF")',
        ("power",),
    ),
    Mutant(
        "file: no sync before the checkpoint",
        "outputs/sinks/files/open_file.py",
        r"os\.fdatasync\(self\._fd\)",
        "pass",
        ("power", "point"),
    ),
    Mutant(
        "intake: the cursor is committed before its events",
        "intake/intake.py",
        _APPEND,
        "await self._journal.append((), states=(state,))\n"
        "                sequences = await self._journal.append(drafts)",
        ("point", "kill"),
    ),
    Mutant(
        "intake: the cursor is committed after its events",
        "intake/intake.py",
        _APPEND,
        "sequences = await self._journal.append(drafts)\n"
        "                await self._journal.append((), states=(state,))",
        ("point", "kill"),
    ),
    Mutant(
        "file: a torn tail is kept",
        "outputs/sinks/files/open_file.py",
        r"self\.size = self\.tail\.end\n        self\._torn = self\.tail\.torn\n {8}self\.synced",
        'self.size = info.st_size\n        self._torn = b""\n        self.synced',
        ("torn",),
    ),
    Mutant(
        "file: the checkpoint is ahead of the write",
        "outputs/sinks/delivery.py",
        r"        await self\.target\.write\(batch\.lines, taken\)\n",
        "        self._position = batch.next_after\n        await self._save()\n"
        "        self._position = before\n"
        "        await self.target.write(batch.lines, taken)\n",
        ("point", "kill"),
    ),
    Mutant(
        "archive: the directory is not synced between rename and unlink",
        "outputs/sinks/files/archive.py",
        r"        sync_directory\(target\.parent\)\n",
        "",
        ("power",),
    ),
    Mutant(
        "archive: the archive is not synced before it replaces the file",
        "outputs/sinks/files/archive.py",
        r"            os\.fsync\(raw\.fileno\(\)\)\n",
        "",
        ("power",),
    ),
    Mutant(
        "file: the directory is not synced when a file is made",
        "outputs/sinks/files/open_file.py",
        r"            if created:\n                sync_directory\(path\.parent\)\n",
        "",
        ("power",),
    ),
    Mutant(
        "file: writing goes on after a failed sync as if nothing were lost",
        "outputs/sinks/files/open_file.py",
        r"            self\.size = self\.synced_size\n            self\._torn = b\"\"\n"
        r"            with contextlib\.suppress\(OSError\):\n                self\._cut\(\)\n"
        r"            raise SyncFailedError\(error\.errno, error\.strerror\) from error\n",
        "            del error\n",
        ("power",),
    ),
    Mutant(
        "file: a failed sync gives up only the lines of its own process",
        "outputs/sinks/files/open_file.py",
        r"        self\.synced_size = min\(self\.synced_size, size\)\n",
        "        del size\n",
        ("power",),
    ),
    Mutant(
        "file: a short write counts as a whole one",
        "outputs/sinks/files/open_file.py",
        r" {12}while done < len\(data\):\n {16}done \+= os\.write\(self\._fd, view\[done:\]\)",
        "            os.write(self._fd, view[done:])",
        ("short",),
    ),
    Mutant(
        "file: what a full disk tore is not cut",
        "outputs/sinks/files/open_file.py",
        r"            self\.size \+= whole\n            self\._torn = data\[whole:done\]\n",
        '            self.size += done\n            self._torn = b""\n',
        ("quota",),
    ),
    Mutant(
        "stream: a subscriber that resumes gets its last record again",
        "outputs/http/start.py",
        r"    return Start\(position\.seq\)\n",
        "    return Start(max(oldest, position.seq - 1))\n",
        ("kill",),
    ),
    Mutant(
        "journal: an upgrade in steps of their own",
        "journal/sqlite/file.py",
        r'f"BEGIN IMMEDIATE;\\n\{script\}\\nPRAGMA user_version=\{max\(steps\)\};\\nCOMMIT;"',
        'f"{script}\\nPRAGMA user_version={max(steps)};"',
        ("kill", "upgrade"),
    ),
    Mutant(
        "place: nobody looks whether the journal is where it belongs",
        "journal/sqlite/journal.py",
        r"        if \(what := self\._place\.trouble\(\)\) is not None and not self\._is_closing:\n"
        r"            return .*\n",
        "",
        ("gone",),
    ),
    Mutant(
        "place: the journal itself is not locked",
        "journal/sqlite/place.py",
        r"            fcntl\.flock\(self\._descriptor, fcntl\.LOCK_EX \| fcntl\.LOCK_NB\)\n",
        "            pass\n",
        ("lock",),
    ),
    Mutant(
        "ages: the wall clock is believed",
        "journal/sqlite/ages.py",
        r"        return wall_s if self\._was_behind else .*\n",
        "        return wall_s\n",
        ("jump",),
    ),
    Mutant(
        "intake: a record is not cut to what the journal takes",
        "intake/writing.py",
        r"self\._room = record_bytes_max - _SEQUENCE_DIGITS",
        "self._room = 2**62",
        ("huge",),
    ),
]


def mutate(mutant: Mutant, package: Path, into: Path) -> Path:
    """Copy the package and change it. Raises ValueError when the text is not there once."""
    copy = into / "bridge"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    file = copy / mutant.file
    text, count = re.subn(mutant.old, lambda _: mutant.new, file.read_text())
    if count != 1:
        raise ValueError(f"{mutant.name}: matches {count} times in {mutant.file}; write it anew")
    file.write_text(text)
    return copy


def torture(package: Path, only: tuple[str, ...], seconds: float) -> str:
    """The last line of a campaign on this package."""
    command = [
        sys.executable, "-m", "tests.torture", "--quiet", "--seconds", str(seconds),
        "--seed", str(SEED), "--package", str(package),
    ]  # fmt: skip
    for name in only:
        command += ["--only", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PACKAGE.parent)
    lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
    broken = [line for line in lines if line.startswith("BROKEN")]
    return broken[0] if broken else lines[-1]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture.mutants", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="NAME", help="beginnings of names")
    parser.add_argument("--list", action="store_true", help="print the names")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--package", type=Path, default=PACKAGE)
    asked = parser.parse_args()
    chosen = [m for m in MUTANTS if not asked.names or m.name.startswith(tuple(asked.names))]
    if asked.list:
        tell("\n".join(mutant.name for mutant in chosen))
        return 0
    verdict = torture(asked.package, (), asked.seconds / 2)
    tell(f"as it is: {verdict}")
    if not verdict.endswith(": ok"):
        return 1
    survived = 0
    for mutant in chosen:
        with tempfile.TemporaryDirectory(prefix="mutant-") as made:
            package = mutate(mutant, asked.package, Path(made))
            verdict = torture(package, mutant.only, asked.seconds)
        is_caught = verdict.startswith("BROKEN")
        survived += not is_caught
        tell(f"{'caught  ' if is_caught else 'SURVIVED'} {mutant.name}")
        tell(f"         {verdict[:200]}")
    tell(f"{len(chosen) - survived} of {len(chosen)} caught")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
