"""The redactor: events per CPU second, slowest events, growth on hostile texts, lag of the loop.

    python -m bench.redact [--events 10000] [--seed 1] [--corpus FILE.ndjson]
    python -m bench.redact --compiled dist/*.whl      # its speed beside that of the source

Events are the project's own corpus (tests/corpus) or lines of a file: an event object, or an object
with one under `event`. CPU time of this process, best of five rounds. Prints four tables; with
`--compiled` one, in which the two forms take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.redact import Redactor, scanner
from bridge.wire import jsontext
from tests.corpus.build import cases
from tests.property.test_redact_properties import HOSTILE

ROUNDS = 5
TURNS = 2  # of each form with `--compiled`
ROOT = Path(__file__).parents[1]
SIZES = (5_000, 10_000, 20_000, 40_000)


def load(path: str | None, seed: int, count: int) -> list[dict[str, Any]]:
    if path is None:
        events = [case.event for case in cases(seed)]
    else:
        # A line ends at "\\n" and nowhere else: U+2028 may stand in a text.
        lines = Path(path).read_bytes().split(b"\n")
        rows = [jsontext.loads(line) for line in lines if line.strip()]
        events = [row.get("event", row) for row in rows]
    return events[:count]


def best_s(run: Callable[[], object]) -> float:
    """CPU seconds of the fastest of `ROUNDS` runs."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.process_time()
        run()
        best = min(best, time.process_time() - begin)
    return best


HEADS = (
    "count",
    "bytes",
    "new/s",
    "texts/s",
    "again/s",
    "p50 us",
    "p99 us",
    "worst us",
    "parse us",
)


def head() -> None:
    print(f"{'events':<10} {'form':<8}" + "".join(f"{text:>10}" for text in HEADS))


def throughput(name: str, events: list[dict[str, Any]]) -> None:
    """A row: events a second, and microseconds of one.

    `new/s`: by a redactor that has seen no event; `texts/s`: by one that knows their names and no
    text of theirs, as single events are timed; `again/s`: by one that has seen them.
    """
    # A new one each time: what one remembers of a text must not be of the round before.
    new = best_s(lambda: list(map(Redactor().event, events)))
    redactor = Redactor()
    seen = redactor._tree.seen

    def unseen(event: dict[str, Any]) -> None:
        seen.clear()
        redactor.event(event)

    parse = [jsontext.dumps(event) for event in events]
    floor = best_s(lambda: [jsontext.loads(line) for line in parse])
    list(map(redactor.event, events))
    again = best_s(lambda: list(map(redactor.event, events)))

    def texts_new() -> None:
        seen.clear()
        list(map(redactor.event, events))

    texts = best_s(texts_new)
    each = sorted(1e6 * best_s(lambda event=event: unseen(event)) for event in events)
    size = sum(map(len, parse)) / len(parse)
    count = len(events)
    form = "source" if str(scanner.__file__).endswith(".py") else "compiled"
    print(
        f"{name:<10} {form:<8}{count:>10,}{size:>10.0f}{count / new:>10,.0f}{count / texts:>10,.0f}"
        f"{count / again:>10,.0f}"
        f"{each[count // 2]:>10.0f}{each[int(count * 0.99)]:>10.0f}{each[-1]:>10.0f}"
        f"{1e6 * floor / count:>10.1f}",
        flush=True,
    )


def beside(wheel: str, arguments: list[str]) -> None:
    """The rows of both forms, in turn, each in a process of its own."""
    head()
    with tempfile.TemporaryDirectory() as site:
        zipfile.ZipFile(wheel).extractall(site)
        for name in ("bench", "tests"):
            Path(site, name).symlink_to(ROOT / name)
        for directory in (ROOT, Path(site)) * TURNS:
            command = [sys.executable, "-m", "bench.redact", "--rows-only", *arguments]
            subprocess.run(command, cwd=directory, check=True)


LARGE_BYTES = 18_000_000
ANCHORS = "password token secret key auth "


def large() -> dict[str, dict[str, Any]]:
    """Events that a hostile or broken upstream might send, of 18 MB each."""
    words = (ANCHORS * (LARGE_BYTES // len(ANCHORS) + 1))[:LARGE_BYTES]
    pieces = [words[at : at + 1000] for at in range(0, LARGE_BYTES, 1000)]
    return {
        "one text": {"message": words},
        "texts of 1 KB": {"payload": pieces},
        "texts of two words": {"payload": ["password token"] * (LARGE_BYTES // 17)},
        "numbers": {"payload": list(range(2_200_000))},
        "objects": {"payload": [{"a": 1}] * 700_000},
        "new names": {"payload": {f"password_{n}": "x" for n in range(700_000)}},
    }


async def lag_of(event: dict[str, Any]) -> tuple[float, float]:
    """CPU seconds of an event that is redacted aside, and how long the loop waited at most."""
    longest = 0.0
    begin, spent = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(asyncio.to_thread(Redactor().aside().event, event))
        while not work.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, begin = max(longest, now - begin), now
    return time.process_time() - spent, longest


def lags() -> None:
    print(f"\n{'events of 18 MB, aside':<26}{'CPU s':>9}{'lag ms':>9}")
    for name, event in large().items():
        spent, longest = asyncio.run(lag_of(event))
        print(f"{name:<26}{spent:>9.2f}{1e3 * longest:>9.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus")
    parser.add_argument("--compiled", metavar="WHEEL")
    parser.add_argument("--rows-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.compiled:
        corpus = ["--corpus", str(Path(options.corpus).resolve())] if options.corpus else []
        numbers = ["--events", str(options.events), "--seed", str(options.seed)]
        beside(options.compiled, [*numbers, *corpus])
        return
    events = load(options.corpus, options.seed, options.events)
    redactor = Redactor()
    clean = [event for event in events if redactor.event(event) is event]
    if not options.rows_only:
        machine = f"python {platform.python_version()}, {platform.machine()}"
        print(f"{machine}; CPU time, best of {ROUNDS}\n")
        head()
    throughput("all", events)
    throughput("clean", clean or events)
    if options.rows_only:
        return
    begin = time.perf_counter()
    Redactor()
    print(f"\na redactor is built in {1e3 * (time.perf_counter() - begin):.1f} ms\n")
    print(
        f"{'hostile text, ms per size':<26}"
        + "".join(f"{size:>9,}" for size in SIZES)
        + f"{'x at x8':>9}"
    )
    rows = []
    for name, piece in HOSTILE.items():
        redactor = Redactor()
        spent = []
        for size in SIZES:
            text = (piece * size)[:size]
            begin = time.process_time()
            redactor.text(text)
            spent.append(1e3 * (time.process_time() - begin))
        rows.append((spent[-1], name, spent))
    for _, name, spent in sorted(rows, reverse=True)[:12]:
        growth = spent[-1] / max(spent[0], 0.05)
        print(f"{name:<26}" + "".join(f"{ms:>9.2f}" for ms in spent) + f"{growth:>9.1f}")
    lags()


if __name__ == "__main__":
    main()
