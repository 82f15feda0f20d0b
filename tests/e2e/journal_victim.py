"""The process that test_journal_kill.py kills: appends without end, tells what was acknowledged.

    python journal_victim.py JOURNAL

A line on stdout per acknowledged append: `<run> <first number>:<sequence or ->,...`. Event numbers
of a run go up without a hole; each append repeats some of the one before, as a source does that
polls overlapping windows. The state of the run is stored with them: its cursor is the last number.
"""

from __future__ import annotations

import asyncio
import os
import sys

from bridge.core.state import FeedState
from bridge.journal.sqlite.journal import SqliteJournal
from tests.journal_records import drafts, feed

RUNS = 4
NEW = 12  # events per append
AGAIN = 7  # of which so many of the last append are given once more


async def produce(journal: SqliteJournal, run: str, following: int) -> None:
    while True:
        first = max(0, following - AGAIN)
        following += NEW
        given = drafts(run, first, following - first, pad=300)
        state = FeedState(feed(run), events=following, cursor=str(following - 1))
        sequences = await journal.append(
            given, states=[state], checkpoints=[(run, str(following - 1).encode())]
        )
        told = ",".join("-" if seq is None else str(seq) for seq in sequences)
        # One write below PIPE_BUF: the parent sees a line whole or not at all.
        os.write(1, f"{run} {first}:{told}\n".encode())


async def main(path: str) -> None:
    journal = await SqliteJournal.open(path)
    cursors = {s.feed.id: int(s.cursor) for s in await journal.states()}
    os.write(1, b"ready\n")
    async with asyncio.TaskGroup() as group:
        for number in range(RUNS):
            run = f"r{number}"
            group.create_task(produce(journal, run, cursors.get(run, -1) + 1))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
