"""Reads of followed runs: the gateway beside the simulator behind a plain reverse proxy (nginx).

    python -m bench.gateway [--seconds S] [--clients N] [--runs N] [--events-per-second N] [--first]

Clients poll the newest 100 events of live runs, as fast as they can, then at half of what that gave
(for the latency). Bridge (`serve`, its real journal), simulator, nginx and clients are processes of
their own; CPU is that of whoever answers, following included. The simulator asks no limiter: with
the vendor's 60 requests a minute its rows would say 1. `static` is nginx with the same bytes from a
file: what machine and clients give at most. On a machine that others use, `--first` (as root) has
these processes served before theirs while they are measured.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bridge.loop import run as run_loop
from bridge.simulator import Simulator

API = "/api/v1/mogplex"
EVENTS = 150  # of each run before the measurement
TICK = os.sysconf("SC_CLK_TCK")
TOKEN = "mog_" + "b" * 24
CONFIG = """
listen = "127.0.0.1:0"
journal = "sqlite:{root}/journal.db"
[gateway]
enabled = true
[[accounts]]
name = "default"
system = "mogplex"
base_url = "{url}"
token_env = "MOGPLEX_TOKEN"
requests_per_minute = 6000
runs = [{runs}]
"""
NGINX = """
daemon off; worker_processes 1; pid {root}/pid; error_log stderr crit; user root;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; default_type application/json;
  client_body_temp_path {root}/b; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f;
  uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
  upstream simulator {{ server {upstream}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://simulator; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host;
    }}
    location = /page {{ alias {root}/page; }}
  }}
}}
"""


class Place(NamedTuple):
    """Where is asked, for what, and who answers."""

    name: str
    port: int
    paths: tuple[str, ...]
    pids: tuple[int, ...]
    coding: str = "identity"


class Poller(asyncio.Protocol):
    """One client: asks, takes the whole answer, asks again."""

    def __init__(self, place: Place, number: int, times: list[float], every_s: float) -> None:
        self._place, self._turn, self._times, self._every_s = place, number, times, every_s
        self._loop = asyncio.get_running_loop()
        self._head, self._missing, self._begun_s = b"", 0, 0.0
        self._due_s = self._loop.time() + every_s * (number % 50) / 50
        self.is_stopped = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._wait()

    def _wait(self) -> None:
        if self.is_stopped:
            self._transport.close()
        elif self._every_s:
            self._due_s = max(self._due_s + self._every_s, self._loop.time() - self._every_s)
            self._loop.call_at(self._due_s, self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        path = self._place.paths[self._turn % len(self._place.paths)]
        self._turn += 1
        self._head, self._missing = b"", 0
        self._begun_s = time.perf_counter()
        self._transport.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._place.port}\r\nAuthorization: Bearer "
            f"{TOKEN}\r\nAccept-Encoding: {self._place.coding}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._head[:end].lower()
            assert b" 200 " in head[:20], head
            size = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            self._missing = size + end + 4 - len(self._head)
        else:
            self._missing -= len(data)
        if not self._missing:
            self._times.append(time.perf_counter() - self._begun_s)
            self._wait()


def cpu_s(pids: tuple[int, ...]) -> float:
    fields = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(field[11]) + int(field[12]) for field in fields) / TICK


async def load(place: Place, clients: int, seconds: float, rate: float) -> tuple[float, str]:
    """Poll; return reads a second and a line of the table."""
    loop, times, pollers = asyncio.get_running_loop(), [], []
    for number in range(clients):
        _, poller = await loop.create_connection(
            lambda number=number: Poller(place, number, times, clients / rate if rate else 0.0),
            "127.0.0.1",
            place.port,
        )
        pollers.append(poller)
    await asyncio.sleep(0.5)
    times.clear()
    begun_s, before_s = time.perf_counter(), cpu_s(place.pids)
    await asyncio.sleep(seconds)
    used_s, took_s, seen = (
        cpu_s(place.pids) - before_s,
        time.perf_counter() - begun_s,
        sorted(times),
    )
    for poller in pollers:
        poller.is_stopped = True
    await asyncio.sleep(0.3)
    count = len(seen)
    return count / took_s, (
        f"{place.name:<28}{f'{rate:.0f}' if rate else 'all':>9}{count / took_s:>9.0f}"
        f"{count / max(used_s, 0.01):>13.0f}{used_s / count * 1e6:>11.0f}"
        f"{seen[count // 2] * 1e3:>9.1f}{seen[int(count * 0.99)] * 1e3:>9.1f}"
    )


@contextmanager
def first(pids: Iterable[int]) -> Iterator[None]:
    """Serve these processes before all others of the machine."""

    def change(policy: int, priority: int) -> None:
        for pid in pids:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setscheduler(int(thread.name), policy, os.sched_param(priority))

    change(os.SCHED_RR, 1)
    try:
        yield
    finally:
        change(os.SCHED_OTHER, 0)


def simulate(pipe: Any, runs: int, per_second: float) -> None:
    """A simulator whose runs go on as long as it lives."""

    logging.disable()  # of streams that end with the bridge

    async def main() -> None:
        async with Simulator(knobs={"limiter": "off", "run_start_limiter": "off"}) as sim:
            made = [sim.create_run(events=EVENTS) for _ in range(runs)]
            pipe.send((sim.url, [run.id for run in made]))
            while True:
                for run in made:
                    await asyncio.sleep(1.0 / per_second if per_second else 3600.0)
                    sim.append(run, 1)

    run_loop(main)


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, text=True, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def get(port: int, path: str) -> bytes:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return answer.read()


def soon(what: Any, within_s: float = 60.0) -> Any:
    """The result of a question whose answer may not be there yet."""
    ends_s = time.monotonic() + within_s
    while True:
        try:
            if found := what():
                return found
        except (OSError, IndexError):
            pass
        if time.monotonic() > ends_s:
            raise TimeoutError
        time.sleep(0.1)


def start_bridge(stack: ExitStack, root: Path, url: str, runs: list[str]) -> tuple[int, int]:
    """Port and process of a bridge that has read the runs."""
    quoted = ", ".join(f'"{run}"' for run in runs)
    (root / "bridge.toml").write_text(CONFIG.format(root=root, url=url, runs=quoted))
    bridge = stack.enter_context(
        running(
            [sys.executable, "-m", "bridge", "serve", "--config", str(root / "bridge.toml")],
            env={**os.environ, "MOGPLEX_TOKEN": TOKEN, "MOGPLEX_DEV": "1"},
            stderr=(root / "log").open("w"), stdout=subprocess.DEVNULL,
        )
    )  # fmt: skip

    def port_of() -> int:
        said = (root / "log").read_text().split("http://127.0.0.1:")
        return int("".join(c for c in said[1][:6] if c.isdigit()))

    port = soon(port_of)
    for run in runs:
        path = f"{API}/runs/{run}/events?limit=200"
        soon(lambda path=path: get(port, path).count(b'"createdAt"') > EVENTS)
    return port, bridge.pid


def start_nginx(stack: ExitStack, root: Path, port: int, url: str) -> int:
    """Its one worker's process."""
    upstream = url.removeprefix("http://")
    (root / "nginx.conf").write_text(NGINX.format(root=root, port=port, upstream=upstream))
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert nginx is not None, "this comparison needs nginx"
    master = stack.enter_context(running([nginx, "-c", str(root / "nginx.conf")]))
    children = Path(f"/proc/{master.pid}/task/{master.pid}/children")
    return int(soon(lambda: children.read_text().split())[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--events-per-second", type=float, default=10.0, help="of all runs")
    parser.add_argument("--nginx-port", type=int, default=18_181)
    parser.add_argument("--first", action="store_true", help="before others on this machine")
    asked = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    simulator = multiprocessing.Process(
        target=simulate, args=(theirs, asked.runs, asked.events_per_second), daemon=True
    )
    simulator.start()
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url, runs = ours.recv()
        port, bridge = start_bridge(stack, root, url, runs)
        paths = tuple(f"{API}/runs/{run}/events?limit=100" for run in runs)
        (root / "page").write_bytes(get(port, paths[0]))
        worker = start_nginx(stack, root, asked.nginx_port, url)
        soon(lambda: get(asked.nginx_port, "/page"))
        places = [
            Place("gateway", port, paths, (bridge,)),
            Place("gateway, gzip", port, paths, (bridge,), "gzip, deflate"),
            Place(
                "nginx before the simulator", asked.nginx_port, paths, (worker, simulator.pid or 0)
            ),
            Place("nginx, static", asked.nginx_port, ("/page",), (worker,)),
        ]
        print(f"{asked.clients} clients, {asked.runs} runs, {(root / 'page').stat().st_size} bytes")
        print(f"{'':<28}{'asked/s':>9}{'reads/s':>9}{'/CPU second':>13}{'CPU µs':>11}"
              f"{'p50 ms':>9}{'p99 ms':>9}")  # fmt: skip
        for place in places:
            rate = 0.0
            for _ in range(2):
                pids = {bridge, worker, simulator.pid or 0, os.getpid()} if asked.first else ()
                with first(pids):
                    found, line = run_loop(
                        lambda place=place, rate=rate: load(
                            place, asked.clients, asked.seconds, rate
                        )
                    )
                print(line, flush=True)
                rate = found / 2
    simulator.terminate()


if __name__ == "__main__":
    main()
