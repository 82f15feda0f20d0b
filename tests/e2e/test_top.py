"""`top` in a real terminal, on a real bridge."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import shutil
import signal
import socket
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, environment, quick_config, run, serve
from tests.e2e.test_access_tls import make_pair

pytestmark = pytest.mark.e2e

HOME = "\x1b[H"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][AB0]")


class Terminal:
    """The master side of a pseudo-terminal."""

    def __init__(self, columns: int, lines: int) -> None:
        self.master, self.slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.before = termios.tcgetattr(self.slave)
        self.raw = ""
        self.resize(columns, lines)

    def resize(self, columns: int, lines: int) -> None:
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, size)

    def press(self, keys: str) -> None:
        self.raw = ""
        os.write(self.master, keys.encode())

    def text(self) -> str:
        """What was written since the last key, without colours and moves."""
        try:
            while True:
                self.raw += os.read(self.master, 65536).decode("utf-8", "replace")
        except BlockingIOError:
            pass
        return CONTROL.sub("", self.raw)

    async def shows(self, *words: str) -> str:
        try:
            async with asyncio.timeout(30):
                while not all(word in self.text() for word in words):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"no {words} in {self.text()[-3000:]}") from None
        return self.text()

    async def draws(self, columns: int, lines: int, *words: str) -> None:
        """Wait for a frame of this size: from one jump to the corner to the next."""
        frames: list[list[str]] = []

        def fits(frame: list[str]) -> bool:
            text = "\n".join(frame)
            is_narrow = len(frame) <= lines and max(map(len, frame)) <= columns
            return is_narrow and all(word in text for word in words)

        try:
            async with asyncio.timeout(30):
                while not any(map(fits, frames)):
                    await asyncio.sleep(0.02)
                    self.text()
                    frames = [CONTROL.sub("", f).splitlines() for f in self.raw.split(HOME)[1:-1]]
        except TimeoutError:
            raise AssertionError(f"no frame of {columns}x{lines}: {frames[-2:]}") from None


@contextmanager
def terminal(columns: int, lines: int) -> Iterator[Terminal]:
    made = Terminal(columns, lines)
    try:
        yield made
    finally:
        os.close(made.master)
        os.close(made.slave)


async def test_keys_sizes_and_the_end_of_the_bridge(tmp_path: Path) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        runs = [sim.create_run(events=count) for count in (2, 3)]
        config = ["--config", str(quick_config(tmp_path, sim.url))]
        for run in runs:
            config += ["--run", run.id]
        # COLUMNS is what a shell may have exported before the window got its size.
        env = environment(None, MOGPLEX_TOKEN=TOKEN, TERM="xterm-256color", COLUMNS="80")
        with terminal(110, 30) as tty:
            async with serve(*config, env=env) as daemon:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "bridge", "top", "--url", daemon.url,
                    "--interval", "0.2", env=env, stdin=tty.slave, stdout=tty.slave,
                    stderr=tty.slave, start_new_session=True,
                    preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                )  # fmt: skip
                await tty.shows("2 runs by lag", runs[0].id[:8], runs[1].id[:8], "token accepted")
                tty.press("s")
                await tty.shows("2 runs by events")
                tty.press("/" + runs[1].id[:8])
                await tty.shows("filter: " + runs[1].id[:8])
                tty.press("\r")
                await tty.shows("1 run by events, with")
                tty.press("\x1b")
                await tty.shows("2 runs by events")
                tty.resize(60, 16)
                tty.raw = ""
                process.send_signal(signal.SIGWINCH)
                await tty.draws(60, 16, "2 runs by events", runs[0].id[:8], runs[1].id[:8])
                assert await daemon.stop() == 0
            tty.press("")
            await tty.shows("no bridge answers")  # and what was seen last stays on the screen
            tty.press("q")
            async with asyncio.timeout(30):
                while process.returncode is None:
                    tty.text()  # or it could not write its last words
                    await asyncio.sleep(0.02)
            assert process.returncode == 0
            assert termios.tcgetattr(tty.slave) == tty.before
            assert "\x1b[?1049l" in tty.raw  # the screen from before is back


async def test_without_a_bridge_the_screen_is_not_touched() -> None:
    env = environment(None, TERM="xterm-256color")
    with terminal(80, 24) as tty:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge", "top", "--url", "http://127.0.0.1:1",
            env=env, stdin=tty.slave, stdout=tty.slave, stderr=tty.slave,
        )  # fmt: skip
        said = await tty.shows("no bridge answers at http://127.0.0.1:1")
        assert await process.wait() == 1
        assert said.count("\n") == 1
        assert "\x1b" not in tty.raw


@pytest.mark.skipif(
    shutil.which("openssl") is None and not os.environ.get("CI"),
    reason="openssl makes the certificate: apt-get install openssl",
)
async def test_over_tls_a_stranger_is_not_trusted_and_the_own_bridge_is(tmp_path: Path) -> None:
    certificate, key = make_pair(tmp_path, "bridge.example.com")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "bridge.toml"
    config.write_text(
        f'listen = "127.0.0.1:{port}"\njournal = "sqlite:{tmp_path / "journal.db"}"\n'
        f'[tls]\ncertificate_file = "{certificate}"\nkey_file = "{key}"\n'
    )
    env = environment("http://127.0.0.1:1")
    bridge = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", "serve", "--config", config,
        env=env, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert bridge.stderr is not None
        async with asyncio.timeout(20):
            while b"listens on" not in await bridge.stderr.readline():
                pass
        url = f"https://localhost:{port}"
        code, out, err = await run("top", "--url", url, "--once", "--json", env=env)
        assert (code, out) == (1, b"")
        assert "its certificate is not trusted" in err
        assert err.count("\n") == 1
        trusting = env | {"SSL_CERT_FILE": str(certificate)}
        code, out, err = await run("top", "--url", url, "--once", "--json", env=trusting)
        assert (code, err) == (0, "")
        code, out, err = await run("top", "--config", str(config), "--once", "--json", env=env)
        assert (code, err) == (0, "")
        assert orjson.loads(out)["journal"]["ok"] is True
    finally:
        bridge.kill()
        await bridge.communicate()
