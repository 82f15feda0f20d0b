"""A disk that is full for a while: appends are refused, readers go on, and it resumes by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tests
from bridge.core.errors import JournalFullError
from bridge.journal.sqlite.journal import SqliteJournal
from tests.e2e.disks import fill
from tests.journal_records import drafts, read_all

pytestmark = pytest.mark.e2e

ROOT = Path(tests.__path__[0]).parent

# In a process of its own, because the limit holds for all of its files.
UNDER_A_LIMIT = """
import asyncio, json, resource, sys
from bridge.core.errors import JournalFullError
from bridge.journal.sqlite.journal import SqliteJournal
from tests.journal_records import drafts, read_all

def limit(soft):
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))

async def main():
    journal = await SqliteJournal.open(sys.argv[1])
    limit(1_000_000)
    stored, text, in_a_row, at_refusal = 0, "", 0, 0
    while in_a_row < 2:  # after one refusal a WAL that was folded may give room once more
        try:
            await journal.append(drafts("r", stored, 20, pad=600))
            stored, in_a_row = stored + 20, 0
        except JournalFullError as error:
            at_refusal = at_refusal or stored
            text, in_a_row = str(error), in_a_row + 1
    again = 0
    for _ in range(3):
        try:
            await journal.append(drafts("r", stored, 20, pad=600))
        except JournalFullError:
            again += 1
    read = len(await read_all(journal))
    trouble = journal.trouble
    limit(resource.RLIM_INFINITY)
    (first, *_) = await journal.append(drafts("r", stored, 20, pad=600))
    result = dict(stored=stored, at_refusal=at_refusal, text=text,
                  again=again, read=read, first=first,
                  trouble=trouble, after=journal.trouble, head=journal.head)
    await journal.close()
    journal = await SqliteJournal.open(sys.argv[1])
    result["reopened"] = len(await read_all(journal))
    await journal.close()
    print(json.dumps(result))

asyncio.run(main())
"""


def test_a_file_size_limit_refuses_and_then_resumes(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNDER_A_LIMIT, str(tmp_path / "journal.db")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    # The WAL met the limit first; folded into the file, which had room, it began anew.
    assert said["stored"] > said["at_refusal"] > 100
    assert "cannot be written now" in said["text"]
    assert "\n" not in said["text"]
    assert (said["again"], said["read"]) == (3, said["stored"])
    assert said["trouble"] is not None
    assert said["after"] is None
    assert said["first"] == said["stored"] + 1, "nothing of the refused appends took a sequence"
    assert said["head"] == said["reopened"] == said["stored"] + 20


async def test_a_full_file_system_refuses_and_then_resumes(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2_500_000))
    journal = await SqliteJournal.open(small_disk / "journal.db")
    stored, refusal, in_a_row = 0, "", 0
    while in_a_row < 2:  # after one refusal a WAL that was folded may give room once more
        try:
            await journal.append(drafts("r", stored, 20, pad=600))
            stored, in_a_row = stored + 20, 0
        except JournalFullError as error:
            refusal, in_a_row = str(error), in_a_row + 1
    assert "cannot be written now" in refusal
    for _ in range(3):
        with pytest.raises(JournalFullError):
            await journal.append(drafts("r", stored, 20, pad=600))
    assert len(await read_all(journal)) == stored
    ballast.unlink()
    assert (await journal.append(drafts("r", stored, 20, pad=600)))[0] == stored + 1
    assert journal.trouble is None
    # Full once more, and closed so: all that was acknowledged is there when there is room again.
    fill(small_disk)
    await journal.close()
    ballast.unlink()
    journal = await SqliteJournal.open(small_disk / "journal.db")
    assert [r.id for r in await read_all(journal)] == [f"e{n}" for n in range(stored + 20)]
    await journal.close()
