"""Fan-out: CPU per delivery, deliveries/s, latency and memory (design.md 4, issue 5).

    python -m bench.fanout [--quick] [--subscribers 100,1000] [--transports sse,websocket]

Server on one core, load client (C, compiled with cc) on another. "CPU" is user and system time of
the server per record handed to the network. Prints one table; machine and load decide the numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SSE_HEAD = "GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n"
WEBSOCKET_HEAD = (
    "GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
HEADS = {"sse": SSE_HEAD, "websocket": WEBSOCKET_HEAD}
BODY_BYTES = 560
FRAME_BYTES = {"sse": BODY_BYTES + 36, "websocket": BODY_BYTES + 4}  # about


def pinned(core: int, command: list[str]) -> list[str]:
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cores[core % len(cores)]), *command]


def measure(
    load: Path, design: str, transport: str, streams: int, rate: float, seconds: float,
    *, stalled: int = 0, loop: str = "uvloop",
) -> dict[str, Any]:  # fmt: skip
    """Run one server and one load client; return the figures of both."""
    command = [sys.executable, "-m", "bench.fanout_server", design, "--size", str(BODY_BYTES)]
    if loop == "uvloop":
        command.append("--uvloop")
    with subprocess.Popen(
        pinned(0, command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE.parent,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None

        def ask(line: str) -> dict[str, Any]:
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write(line + "\n")
            server.stdin.flush()
            return json.loads(server.stdout.readline())

        port = json.loads(server.stdout.readline())["port"]
        before = ask("idle")["rss_kib"]
        with subprocess.Popen(
            pinned(1, [str(load), "127.0.0.1", str(port), str(streams), str(seconds + 1.0),
                       str(FRAME_BYTES[transport]), str(stalled)]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as client:  # fmt: skip
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.write(HEADS[transport].format(port=port))
            client.stdin.close()
            if client.stdout.readline().strip() != "ready":
                raise RuntimeError("the load client could not open its streams")
            idle = ask("idle")["rss_kib"]
            result = ask(f"go {rate} {seconds}") if rate >= 0 else {"sent": 0, "rss_kib": idle}
            seen = client.stdout.readline().split()
        server.stdin.write("quit\n")
        server.stdin.flush()
        server.wait(timeout=30)
    return {
        **result,
        "idle_kib": (idle - before) / streams,
        "growth_kib": result["rss_kib"] - idle,
        "received": int(seen[0]), "p50_ms": float(seen[3]), "p99_ms": float(seen[4]),
        "max_ms": float(seen[5]), "lost": int(seen[6]),
    }  # fmt: skip


def show(label: str, streams: int, load_name: str, r: dict[str, Any]) -> None:
    per_s = r["sent"] / r["wall_s"]
    received_per_s = r["received"] / r["wall_s"]  # warm-up included: up to an eighth more
    cpu_us = r["cpu_s"] / max(r["sent"], 1) * 1e6
    print(
        f"{label:28} {streams:6} {load_name:>10} {per_s:12,.0f} {received_per_s:12,.0f}"
        f" {cpu_us:8.2f} {r['p50_ms']:8.1f} {r['p99_ms']:8.1f} {r['idle_kib']:8.1f}"
        f" {r['growth_kib'] / 1024:8.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", default="100,1000")
    parser.add_argument("--transports", default="sse,websocket")
    parser.add_argument("--loads", default="saturated,half,20")
    parser.add_argument("--designs", default="ours,write-per-event")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="uvloop")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--stalled", type=int, default=0, help="streams that are never read")
    parser.add_argument("--idle", type=int, default=0, help="only: memory of so many idle streams")
    args = parser.parse_args()
    print(f"{platform.node()}: Python {platform.python_version()}, {args.loop}, "
          f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        load = Path(directory) / "load"
        subprocess.run(["cc", "-O2", "-o", str(load), str(HERE / "fanout_load.c")], check=True)
        if args.idle:
            for transport in args.transports.split(","):
                r = measure(load, "ours", transport, args.idle, -1, 0, loop=args.loop)
                print(f"{transport}: {args.idle} idle streams, {r['idle_kib']:.2f} KiB each")
            return
        print(f"{'design':28} {'subs':>6} {'load':>10} {'deliveries/s':>12} {'received/s':>12}"
              f" {'CPU us':>8} {'p50 ms':>8} {'p99 ms':>8} {'KiB/idle':>8}"
              f" {'grew MiB':>8}")  # fmt: skip
        for transport in args.transports.split(","):
            for design in args.designs.split(","):
                if design != "ours" and transport != "sse":
                    continue
                for streams in map(int, args.subscribers.split(",")):
                    top = 0.0
                    for name in args.loads.split(","):
                        rate = {"saturated": 0.0, "half": top / 2}.get(name)
                        rate = float(name) if rate is None else rate
                        r = measure(load, design, transport, streams, rate, args.seconds,
                                    stalled=args.stalled, loop=args.loop)  # fmt: skip
                        if name == "saturated":
                            top = r["sent"] / r["wall_s"] / streams
                        show(f"{design} {transport}", streams, name, r)


if __name__ == "__main__":
    main()
