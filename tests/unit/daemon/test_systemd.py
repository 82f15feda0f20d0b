"""sd_notify: what systemd hears, over the sockets that it really uses."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bridge.clock import SystemClock
from bridge.daemon import systemd
from bridge.daemon.systemd import Notifier
from tests.virtual_clock import run_virtually


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


@pytest.mark.slow
def test_the_watchdog_is_fed_by_a_loop_that_turns_and_by_no_other(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "150000", "WATCHDOG_PID": "77"}
    notifier = Notifier.from_environment(environ, pid=77)
    assert notifier.watchdog_s == 0.15

    async def main(receiver: socket.socket) -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(notifier.run(lambda: "well"))
            await asyncio.sleep(0.44)  # of the loop's time
            alive = heard(receiver)
            time.sleep(0.2)  # the loop stands still; a thread would go on
            stuck = heard(receiver)
            await asyncio.sleep(0.1)
            again = heard(receiver)
            task.cancel()
        assert alive.count("WATCHDOG=1") == 9  # one in 50 ms; systemd waits for one in 150 ms
        assert "STATUS=well" in alive
        assert stuck == []
        assert again.count("WATCHDOG=1") == 2

    with listening(address) as receiver:
        run_virtually(main(receiver))


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


def test_a_supervisor_that_does_not_read_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "SEND_S", 0.01)
    address = str(tmp_path / "notify")
    with (
        listening(address) as receiver,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other,
    ):
        other.setblocking(False)
        with suppress(BlockingIOError):
            while True:  # until its queue is full
                other.sendto(b"x", address)
        notifier = Notifier(address)
        notifier.status("nobody reads this")  # returns, after a moment, and raises nothing
        assert set(heard(receiver)) == {"x"}
        notifier.status("this is read")
        assert heard(receiver) == ["STATUS=this is read"]
