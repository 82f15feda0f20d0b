"""What every test gets: a seed to repeat it with, and a search for what it left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import inspect
import logging
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings

from tests.virtual_clock import run_virtually

OPEN_NET = "nothing_left_open"
GRACE_S = 2.0  # closing is asynchronous; a leak is what stays

# The machine is shared: time limits per example would only measure the neighbours. In CI the same
# examples every time: what is new there must be the change.
settings.register_profile("default", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

ROOT = Path(__file__).parents[1]
FD_DIRECTORY = Path("/proc/self/fd")


@pytest.fixture
def virtually() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine on virtual time: `virtually(main())`."""
    return run_virtually


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    seed = config.getoption("randomly_seed", default=None)
    if exitstatus and isinstance(seed, int):
        terminalreporter.write_line(f"repeat this order and chance with: --randomly-seed={seed}")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Collected tests stay to the end: the garbage collector never looks at them again.

    It needs a quarter of the time of a collection, and 0.3 s for each pass over 7,000 tests;
    `nothing_left_open` makes such a pass for whatever is closed late.
    """
    gc.disable()
    try:
        _compile_a_share(session.config)
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def _compile_a_share(config: pytest.Config) -> None:
    """Compile some test files that the other workers would compile too, all at the same time.

    Every worker collects everything. Where no byte-code is stored yet, that takes 10 s of each,
    most of it for the assertions that pytest rewrites; who comes later finds what is stored.
    """
    worker = getattr(config, "workerinput", None)
    if worker is None or (number := int(worker["workerid"].removeprefix("gw"))) == 0:
        return
    files = [f for place in config.args for f in sorted((ROOT / place).rglob("test_*.py"))]
    for file in files[len(files) * number // worker["workercount"] :]:
        if any((file.parent / "__pycache__").glob(f"{file.stem}.*-pytest-*.pyc")):
            return  # the next worker began here, or all is stored
        if not (file.parent / "__init__.py").exists():  # in a package pytest names it otherwise
            # Collecting it will say what is wrong.
            with contextlib.suppress(Exception, pytest.skip.Exception):
                importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))


def pytest_sessionfinish() -> None:
    """A server of tests that ran here ends here: pytest-xdist may kill a worker before `atexit`."""
    if (nats := sys.modules.get("tests.nats_server")) is not None:
        nats.end_shared()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Each worker would read the whole package; what comes first goes to the first of them alone.
    items.sort(key=lambda item: not item.nodeid.startswith("tests/architecture/"))
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            # After the other net, so that the loop is closed, with its threads, when that looks.
            item.fixturenames.insert(item.fixturenames.index(OPEN_NET) + 1, "no_task_left")


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """Fails when a task is still running after the test and all its other fixtures."""
    before = asyncio.all_tasks()
    yield
    deadline = time.monotonic() + GRACE_S
    while left := asyncio.all_tasks() - before - {asyncio.current_task()}:
        if time.monotonic() > deadline:
            pytest.fail(f"tasks left running: {sorted(task.get_name() for task in left)}")
        await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Take back what a command in this process made of the logs.

    Its handler knows a descriptor of the capture that ended with the test. The next file that gets
    the same number would get the lines of all later tests.
    """
    shape = structlog.get_config()
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    raises, level = logging.raiseExceptions, logging.getLogger().level
    yield
    root = logging.getLogger()
    for handler in [h for h in root.handlers if type(h) is logging.StreamHandler]:
        root.removeHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(False)
    logging.raiseExceptions = raises
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    structlog.configure(**shape)


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    """Fails when a thread that would keep the process alive, a socket or a file is left."""
    threads = set(threading.enumerate())
    descriptors = _descriptors()
    yield
    deadline = time.monotonic() + GRACE_S
    while left := _left(threads, descriptors):
        if time.monotonic() > deadline:
            pytest.fail(f"left open: {left}")
        gc.collect()  # what only waits for its finaliser has its own warning, which is an error
        time.sleep(0.01)


def _left(threads: set[threading.Thread], descriptors: dict[str, tuple[int, int]]) -> list[str]:
    alive = [t.name for t in threading.enumerate() if t not in threads and not t.daemon]
    opened = [
        target
        for number, file in _descriptors().items()
        if descriptors.get(number) != file
        and ((target := _target(number)).startswith("socket:") or "/pytest-of-" in target)
    ]
    return sorted(alive) + sorted(opened)


def _descriptors() -> dict[str, tuple[int, int]]:
    """Device and inode of what each descriptor leads to; its name takes ten times as long."""
    found: dict[str, tuple[int, int]] = {}
    for entry in os.listdir(FD_DIRECTORY) if FD_DIRECTORY.is_dir() else ():
        try:
            status = os.fstat(int(entry))
        except OSError:  # the descriptor of the listing itself
            continue
        found[entry] = status.st_dev, status.st_ino
    return found


def _target(number: str) -> str:
    try:
        return os.readlink(FD_DIRECTORY / number)
    except OSError:  # closed meanwhile
        return ""
