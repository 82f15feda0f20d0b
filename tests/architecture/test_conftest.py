"""The nets of tests/conftest.py catch something: each leak fails the test that made it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]

LEAKS = {
    "task": """
        import asyncio
        async def test_leak():
            loop = asyncio.get_running_loop()
            loop.create_task(asyncio.sleep(600), name="forgotten")
    """,
    "thread": """
        import threading, time
        def test_leak():
            threading.Thread(target=time.sleep, args=(1,), name="forgotten").start()
    """,
    "socket": """
        import socket
        kept = []
        def test_leak():
            kept.append(socket.socket())
    """,
    "file": """
        kept = []
        def test_leak(tmp_path):
            kept.append(open(tmp_path / "forgotten", "w"))
    """,
}


@pytest.mark.parametrize("kind", LEAKS)
def test_a_leak_fails_the_test_that_made_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    source = (ROOT / "tests/conftest.py").read_text().replace("GRACE_S = 2.0", "GRACE_S = 0.1")
    pytester.makeconftest(source)
    pytester.makeini(
        f"[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
        f"pythonpath = {ROOT}\n"
    )
    pytester.makepyfile(LEAKS[kind])
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.stdout.fnmatch_lines(["*left *"])
    result.assert_outcomes(passed=1, errors=1)
