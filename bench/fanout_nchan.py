"""nchan (Debian: libnginx-mod-nchan) under bench/fanout.py, spoken to as bench/fanout_server.py is.

One nginx worker on the server's core, the publisher here on the other. nchan does not count what it
delivers: `sent` is left to the load client, and the CPU is counted from the first event to the last
byte. Everything is in memory, buffers as long as the widest burst.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.fanout_server import make_draft

MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
OUTSTANDING = 8  # pipelined publications: enough that the worker never waits for one
CONFIG = """
load_module {module};
daemon off; worker_processes 1; pid {root}/pid; error_log stderr crit; user root;
events {{ worker_connections 60000; }}
http {{
  access_log off; client_body_temp_path {root}/body; keepalive_requests 100000000;
  proxy_temp_path {root}/p; fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u;
  scgi_temp_path {root}/s;
  nchan_shared_memory_size 256M;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location = /pub {{ nchan_publisher; nchan_channel_id bench; nchan_message_buffer_length 2000; }}
    location = /v1/events {{
      nchan_subscriber eventsource websocket; nchan_channel_id bench;
      nchan_subscriber_first_message newest;
    }}
  }}
}}
"""


def is_installed() -> bool:
    return (
        MODULE.exists()
        and shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") is not None
    )


def worker_of(master: int) -> int:
    for _ in range(100):
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.02)
    raise RuntimeError("nginx made no worker")


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_kib(pid: int) -> int:
    return (
        int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    )


class Publisher:
    def __init__(self, port: int, size: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.replies = self.socket.makefile("rb")
        self.size = size
        self.waiting = 0

    def send(self) -> None:
        draft = make_draft(time.monotonic_ns(), self.size)
        body = draft.head + b"%020d" % 0 + draft.tail
        self.socket.sendall(
            b"POST /pub HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.waiting += 1
        if self.waiting >= OUTSTANDING:
            self.take_reply()

    def take_reply(self) -> None:
        self.waiting -= 1
        length = 0
        while (line := self.replies.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self.replies.read(length)

    def run(self, rate: float, seconds: float) -> None:
        start = time.monotonic()
        count = 0
        while (now := time.monotonic() - start) < seconds:
            if rate == 0 or count < now * rate:
                self.send()
                count += 1
            else:
                time.sleep(max(min(count / rate - now, 0.01), 0.0002))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=560)
    parser.add_argument(
        "--core", default="0", help="for the worker; this process stays where it is"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = Path(directory) / "nginx.conf"
        config.write_text(CONFIG.format(module=MODULE, root=directory, port=port))
        path = f"{os.environ['PATH']}:/usr/sbin"
        nginx = shutil.which("nginx", path=path)
        assert nginx is not None
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        master = subprocess.Popen(
            ["taskset", "-c", args.core, nginx, "-c", str(config), "-p", directory]
        )
        try:
            worker = worker_of(master.pid)
            for _ in range(100):
                try:
                    publisher = Publisher(port, args.size)
                    break
                except ConnectionRefusedError:
                    time.sleep(0.02)
            print(json.dumps({"port": port}), flush=True)
            for line in sys.stdin:
                words = line.split()
                if words[0] == "quit":
                    break
                if words[0] == "idle":
                    print(json.dumps({"rss_kib": rss_kib(worker)}), flush=True)
                    continue
                rate, seconds = float(words[1]), float(words[2])
                before, began = cpu_s(worker), time.monotonic()
                publisher.run(rate, seconds + 0.5)
                time.sleep(0.4)
                wall_s = time.monotonic() - began - 0.4
                result = {"sent": None, "cpu_s": cpu_s(worker) - before, "wall_s": wall_s}
                print(json.dumps(result | {"rss_kib": rss_kib(worker)}), flush=True)
        finally:
            master.terminate()
            master.wait(10)


if __name__ == "__main__":
    main()
