"""The page for pipeline owners: its commands, run as they stand there, in a clean directory."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import environment
from tests.tailers.parts import ROOT
from tests.tailers.programs import find

pytestmark = pytest.mark.e2e

PAGE = ROOT / "docs/tailing.md"


def commands() -> str:
    """All shell blocks of the page, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    return "\n".join(blocks)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def test_the_page_works_as_written(tmp_path: Path) -> None:
    find("rsyslogd", "apt-get install rsyslog")
    find("nc", "apt-get install netcat-openbsd")
    find("jq", "apt-get install jq")
    find("curl", "apt-get install curl")
    script = commands()
    simulator, bridge, receiver = map(str, free_ports(3))
    for old, new in {
        "/tmp/tailing": str(tmp_path / "tailing"),
        "9090": simulator,
        "8080": bridge,
        "6514": receiver,
        # The shipped file has the port too.
        "-e 's#logs.example.net#127.0.0.1#'": (
            f"-e 's#logs.example.net#127.0.0.1#' -e 's#\"6514\"#\"{receiver}\"#'"
        ),
    }.items():
        assert old in script, old
        script = script.replace(old, new)
    path = f"{Path(sys.executable).parent}:/usr/sbin:{os.environ['PATH']}"
    process = subprocess.Popen(
        ["bash", "-c", script],
        cwd=ROOT, env=environment(None, PATH=path), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=100)
    finally:  # what it left running, if it stopped half way; the group is ours alone
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    lines = out.splitlines()
    assert [line for line in lines if line.endswith(": ok")] == lines[:2], out + err
    files, received = (re.search(r"(\d+) files?, (\d+) records", line) for line in lines[:2])
    assert int(files[1]) > 1
    assert int(received[2]) == int(files[2]) > 600
    assert lines[2] == "same", out + err
    assert re.fullmatch(r"[\d-]+T[\d:.]+Z \w+", lines[3]), out + err
