"""The command: for so long, or for so many kills, one misfortune after another.

    python -m tests.torture                        60 seconds
    python -m tests.torture --hours 8 --seed 7
    python -m tests.torture --kills 500

Ends with the first broken promise (exit code 1; the seed repeats the order of misfortunes, not the
instants), else prints what was counted. `--keep DIR` leaves the files there.

A real `serve` follows the simulator with four outputs (numbered and gzip; a fixed name with
fsync = "always"; filtered; upstream's format) and a subscriber that resumes by Last-Event-ID.
faults.c, loaded by LD_PRELOAD, sits between the process and the kernel. The faults for --only:

    kill             kill -9 at a random instant, also before it serves
    point, birth     kill before or after the n-th write, sync, rename, creation, removal or commit
                     of one kind of file: 30 points, and six more while a journal is made
    torn, short      half of a write reaches the file, then the process dies; or again and again
    full, quota      no space for a while, reported by statvfs or not
    eio              some writes and syncs fail
    power            the machine goes down: each unsynced write and name stays, vanishes or is torn
                     by itself; half of the time after a failed sync or an orderly stop
    restarts         ten kills two seconds apart
    stop, term       SIGSTOP and SIGCONT; SIGTERM under load (exit code 0)
    clock, jump      the wall clock jumps by seconds, hours, a day; by forty days while thirty are
                     kept: nothing is dropped
    gone             the journal or its log is renamed, or a copy is put in its place: 503, nothing
                     is acknowledged, and the bridge recovers when the file is back
    lock             the lock file is removed, the journal gets a second name: a second daemon is
                     refused
    huge             a run fails with an error of 4 MiB
    upgrade          the next version of the program, with one migration more, dies in the middle of
                     it; in the end today's program refuses the file
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.torture.campaign import PACKAGE, Campaign
from tests.torture.faults import BIRTH, missing_tool
from tests.torture.oracle import Violation
from tests.torture.score import Score

# How often each misfortune comes, in parts.
MIX = {
    "kill": 34, "restarts": 1, "point": 30, "torn": 8, "power": 12, "stop": 4, "term": 4, "full": 4,
    "quota": 4, "eio": 6, "clock": 6, "short": 4, "gone": 4, "lock": 2, "jump": 2, "huge": 2,
}  # fmt: skip


# Lives on one journal; then all is counted to the end, and the next one begins: what is looked at
# after each life stays small.
LIVES_MAX = 60


def plan(
    chance: random.Random, done: Callable[[], float], only: Sequence[str]
) -> Callable[[], str | None]:
    """The lives of one campaign: births, the mix, the upgrade when half of it is done. Or `only`
    some. `done` grows to 1.
    """
    first = ["birth"] * len(BIRTH) * (not only)
    upgrades = ["upgrade"] * 4 * (not only)
    before = done()
    lives = 0

    def next_one() -> str | None:
        nonlocal lives
        lives += 1
        share = done()
        if first:
            return first.pop()
        if share >= 1.0 or lives > LIVES_MAX:
            return None
        if upgrades and (lives > LIVES_MAX / 2 or share > (1.0 + before) / 2):
            return upgrades.pop()
        return chance.choice(only) if only else chance.choices(list(MIX), list(MIX.values()))[0]

    return next_one


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def no_word(_text: str) -> None:
    return


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, default=60.0, help="how long [60]")
    parser.add_argument("--hours", type=float, help="how long, instead of --seconds")
    parser.add_argument("--kills", type=int, help="until so many processes were killed")
    parser.add_argument("--seed", type=int, default=None, help="[drawn and printed]")
    parser.add_argument(
        "--only", action="append", default=[], choices=[*MIX, "upgrade"], help="repeatable"
    )
    parser.add_argument("--package", type=Path, default=PACKAGE, help="another copy of bridge/")
    parser.add_argument("--keep", type=Path, help="an empty directory for all files")
    parser.add_argument("--quiet", action="store_true", help="no line for each life")
    asked = parser.parse_args()
    if (missing := missing_tool()) is not None:
        sys.stderr.write(f"error: {missing}\n")
        return 2
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1 << 32)
    seconds = asked.hours * 3600 if asked.hours else asked.seconds
    tell(f"seed {seed}")
    logging.disable()  # the simulated upstream tells of every client that was killed
    begun_s, score, chance = time.monotonic(), Score(), random.Random(seed)

    def done() -> float:
        if asked.kills is not None:
            return score.kills / asked.kills
        return (time.monotonic() - begun_s) / seconds

    while done() < 1.0:
        with tempfile.TemporaryDirectory(prefix="torture-") as made:
            directory = Path(made) if asked.keep is None else asked.keep / str(score.campaigns)
            directory.mkdir(parents=True, exist_ok=True)
            campaign = Campaign(
                directory, chance.randrange(1 << 32), package=asked.package, score=score,
                say=no_word if asked.quiet else tell,
            )  # fmt: skip
            broken = outcome(campaign, plan(chance, done, asked.only))
        if broken:
            tell(f"BROKEN: {'; '.join(broken)}")
            return 1
    for line in score.report():
        tell(line)
    tell(f"{time.monotonic() - begun_s:.0f} s, seed {seed}: ok")
    return 0


def outcome(campaign: Campaign, lives: Callable[[], str | None]) -> list[str]:
    """Which promises were broken; none, as a rule."""
    broken: list[str] = []
    try:
        asyncio.run(campaign.run(lives))
    except* Violation as group:
        broken += map(str, group.exceptions)
    return broken


if __name__ == "__main__":
    sys.exit(main())
