"""sd_notify: what systemd hears, over the sockets that it really uses."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.clock import SystemClock
from bridge.daemon.systemd import Notifier


@contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    name = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(name)
        receiver.setblocking(False)
        yield receiver


def heard(receiver: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(receiver.recv(4096).decode())
        except BlockingIOError:
            return messages


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "path":
        return str(tmp_path / "notify")
    return f"@mogplex-bridge-test-{os.getpid()}-{id(request)}"


def test_the_states_of_a_service(address: str) -> None:
    clock = SystemClock()
    with listening(address) as receiver:
        notifier = Notifier.from_environment({"NOTIFY_SOCKET": address})
        notifier.ready("3 runs\nfollowed")
        before_us = time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6
        notifier.reloading(clock)
        notifier.stopping()
        ready, reloading, stopping = heard(receiver)
    assert ready.split("\n") == ["READY=1", "STATUS=3 runs followed", f"MAINPID={os.getpid()}"]
    word, when = reloading.split("\n")
    assert word == "RELOADING=1"
    assert 0 <= int(when.removeprefix("MONOTONIC_USEC=")) - before_us < 5e6
    assert stopping.startswith("STOPPING=1\n")


def test_a_status_is_said_when_it_changes(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with listening(address) as receiver:
        notifier = Notifier(address)
        for text in ("one", "one", "two", "x" * 500):
            notifier.status(text)
        said = heard(receiver)
    assert said == ["STATUS=one", "STATUS=two", "STATUS=" + "x" * 200]


async def test_the_watchdog_is_fed_by_a_loop_that_turns_and_by_no_other(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with listening(address) as receiver:
        environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "150000", "WATCHDOG_PID": "77"}
        notifier = Notifier.from_environment(environ, pid=77)
        assert notifier.watchdog_s == 0.15
        async with asyncio.TaskGroup() as group:
            task = group.create_task(notifier.run(lambda: "well"))
            await asyncio.sleep(0.4)
            alive = heard(receiver)
            time.sleep(0.4)  # the loop stands still
            stuck = heard(receiver)
            await asyncio.sleep(0.1)
            again = heard(receiver)
            task.cancel()
    assert alive.count("WATCHDOG=1") >= 4  # systemd waits for one in 150 ms
    assert "STATUS=well" in alive
    assert stuck == []
    assert "WATCHDOG=1" in again


@pytest.mark.parametrize(
    "environ",
    [
        {"WATCHDOG_USEC": "150000", "WATCHDOG_PID": "78"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {},
    ],
)
def test_a_watchdog_that_is_not_ours_is_not_fed(environ: dict[str, str]) -> None:
    assert Notifier.from_environment(environ | {"NOTIFY_SOCKET": "/x"}, pid=77).watchdog_s is None


@pytest.mark.parametrize("address", ["", "@", "vsock:2:1", "/nobody/listens/here"])
async def test_without_a_listener_nothing_happens(address: str) -> None:
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": address})
    notifier.ready("")
    notifier.stopping()
    if not notifier.is_heard:
        await notifier.run(lambda: "never asked for")


def test_a_supervisor_that_does_not_read_holds_nothing_up(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with listening(address):
        notifier = Notifier(address)
        started = time.monotonic()
        for _ in range(1000):  # more than the queue of any Unix socket here holds
            notifier._send("WATCHDOG=1")
            if time.monotonic() - started > 0.2:
                break
        assert time.monotonic() - started < 1.0
