"""The nets of tests/conftest.py catch something: each leak fails the test that made it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]

LEAKS = """
import asyncio, socket, threading, time

kept = []


async def test_task():
    asyncio.get_running_loop().create_task(asyncio.sleep(600), name="forgotten task")


def test_thread():
    threading.Thread(target=time.sleep, args=(1,), name="forgotten thread").start()


def test_socket():
    kept.append(socket.socket())


def test_file(tmp_path):
    kept.append(open(tmp_path / "forgotten file", "w"))


async def test_tidy(tmp_path):
    with socket.socket(), open(tmp_path / "file", "w"):
        await asyncio.to_thread(time.sleep, 0)
"""


@pytest.mark.slow
def test_each_leak_fails_the_test_that_made_it_and_no_other(pytester: pytest.Pytester) -> None:
    source = (ROOT / "tests/conftest.py").read_text()
    assert "GRACE_S = 2.0" in source
    pytester.makeconftest(source.replace("GRACE_S = 2.0", "GRACE_S = 0.1"))
    pytester.makeini(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
        f"pythonpath = {ROOT}\n"
    )
    pytester.makepyfile(LEAKS)
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:xdist")
    result.assert_outcomes(passed=5, errors=4)
    result.stdout.fnmatch_lines_random(
        [
            "*tasks left running: *forgotten task*",
            "*left open: *forgotten thread*",
            "*left open: *socket:*",
            "*left open: *forgotten file*",
        ]
    )
