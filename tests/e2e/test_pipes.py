"""Standard streams as others leave them: non-blocking, closed, or with nobody who reads."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import TOKEN, environment

pytestmark = pytest.mark.e2e


def _started(*args: str, env: dict[str, str], **streams: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "bridge", *args], env=env, **streams)


@pytest.mark.parametrize("flag", ["stdout", "stdin"])
def test_a_pipe_that_does_not_block_loses_no_line(flag: str) -> None:
    """ssh, node and some shells set the flag for all who share it: lines were lost, exit 0."""
    lines = b"".join(b'{"n":%d,"m":"%s"}\n' % (n, b"x" * 200) for n in range(3000))
    source, into = os.pipe()
    taken, out = os.pipe()
    os.set_blocking(out if flag == "stdout" else source, False)
    with _started("redact", env=environment(None), stdin=source, stdout=out) as process:
        os.close(source)
        os.close(out)
        writer = os.fork()
        if writer == 0:
            with os.fdopen(into, "wb") as pipe:
                pipe.write(lines)
            os._exit(0)
        os.close(into)
        with os.fdopen(taken, "rb") as pipe:
            found = pipe.read()
        os.waitpid(writer, 0)
        assert process.wait(30) == 0
    assert found.count(b"\n") == 3000
    assert found == lines


async def _livez(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.write(b"GET /livez HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.startswith((b"HTTP/1.0 200", b"HTTP/1.1 200"))


async def _until_alive(port: int) -> None:
    async with asyncio.timeout(60):
        while not await _livez(port):
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("stderr", ["closed", "unread"])
async def test_a_daemon_whose_stderr_is_closed_or_unread_lives_and_hears_its_signals(
    tmp_path: Path, unused_tcp_port: int, stderr: str
) -> None:
    env = environment(None, MOGPLEX_TOKEN=TOKEN, XDG_STATE_HOME=str(tmp_path))
    args = ("-m", "bridge", "serve", "--listen", f"127.0.0.1:{unused_tcp_port}")
    reading, writing = os.pipe()
    if stderr == "closed":
        shell = 'exec "$@" 2>&-'
        process = subprocess.Popen(["sh", "-c", shell, "sh", sys.executable, *args], env=env)
    else:
        process = subprocess.Popen([sys.executable, *args], env=env, stderr=writing)
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(writing, True)
    try:
        await _until_alive(unused_tcp_port)
        for _ in range(20):  # each reload logs
            process.send_signal(signal.SIGHUP)
            assert await _livez(unused_tcp_port)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reading)
        os.close(writing)


def _shell(redirection: str, *args: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    line = f'exec "$@" {redirection}'
    return subprocess.run(
        ["sh", "-c", line, "sh", sys.executable, "-m", "bridge", *args],
        env=environment(None, MOGPLEX_TOKEN=TOKEN), input=given, capture_output=True, timeout=60,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [("--version",), ("check",), ("redact",), ("simulate", "--list")],
)
def test_a_command_with_a_closed_stdout_does_not_report_success(command: tuple[str, ...]) -> None:
    """Its output was lost and its exit code was 0."""
    done = _shell(">&-", *command, given=b'{"a":1}\n')
    assert done.returncode == 1
    assert done.stderr == b"error: cannot write to stdout: bad file descriptor\n"


def test_a_daemon_does_not_acknowledge_records_to_a_closed_stdout() -> None:
    done = _shell(">&-", "serve", "--journal", "memory:", "--ndjson", "-")
    assert done.returncode == 78
    assert done.stderr == b"error: an output is stdout, which is closed\n"


@pytest.mark.parametrize(
    ("command", "code", "text"),
    [
        (("redact",), 1, b"error: cannot read stdin: bad file descriptor\n"),
        (("verify", "-"), 1, b"-: unreadable: bad file descriptor\n"),
        (("follow", "--runs-from", "-"), 78,
         b"error: --runs-from -: cannot read: bad file descriptor\n"),
        (("serve", "--journal", "memory:", "--listen", "127.0.0.1:0", "--runs-from", "-"), 78,
         b"error: --runs-from -: cannot read: bad file descriptor\n"),
    ],
)  # fmt: skip
def test_a_command_with_a_closed_stdin_says_so(
    command: tuple[str, ...], code: int, text: bytes
) -> None:
    """Two ended in a traceback, and two took it for an empty input."""
    done = _shell("<&-", *command)
    assert done.returncode == code
    assert done.stderr.endswith(text)
    assert b"Traceback" not in done.stderr


async def test_an_empty_device_as_the_list_of_runs_does_not_abort_the_daemon(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    """A service manager gives /dev/null as stdin, on which uvloop aborts the process."""
    env = environment(None, MOGPLEX_TOKEN=TOKEN, XDG_STATE_HOME=str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "serve", "--listen", f"127.0.0.1:{unused_tcp_port}",
         "--runs-from", "-"],
        env=env, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await _until_alive(unused_tcp_port)
        assert await _livez(unused_tcp_port)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 30) == 0
    finally:
        process.kill()
        process.wait()
