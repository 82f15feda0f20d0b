"""Fan-out: CPU per delivery, deliveries/s, latency and memory (0016-design.md).

    python -m bench.fanout [--subscribers 100,1000,5000] [--transports sse,websocket]
                           [--designs ours,nchan,write-per-event,floor] [--loads saturated,half,20]
    python -m bench.fanout --stalled 1 --subscribers 1000      one reader that never reads
    python -m bench.fanout --idle 20000                        memory of an idle stream

Server on one core, load client (C, compiled with cc) on another. "CPU" is user and system time of
the server per record handed to the network. The designs run one after the other at each load, so
that a ratio is of one minute of one machine. nchan is left out, and said so, where it is missing
(Debian: libnginx-mod-nchan). Prints a table; machine and load decide the numbers.
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
from statistics import median
from typing import Any

from bench import fanout_nchan

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
NCHAN_SSE_BYTES = BODY_BYTES + 24  # its id is a second and a counter
ROUNDS = 5  # with and without readers that stall: single runs differ by more than the effect
DESIGNS = ("ours", "nchan", "write-per-event", "floor")


def pinned(core: int, command: list[str]) -> list[str]:
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cores[core % len(cores)]), *command]


def server_command(design: str, built: Path, loop: str) -> list[str]:
    if design == "nchan":
        module = [sys.executable, "-m", "bench.fanout_nchan", "--size", str(BODY_BYTES)]
        return pinned(1, [*module, "--core", str(min(os.sched_getaffinity(0)))])
    if design == "floor":
        return pinned(0, [str(built / "floor"), str(BODY_BYTES)])
    command = [sys.executable, "-m", "bench.fanout_server", design, "--size", str(BODY_BYTES)]
    return pinned(0, command + (["--uvloop"] if loop == "uvloop" else []))


def compile_c(directory: Path) -> Path:
    """The load client and the floor; the path of the client."""
    for name in ("load", "floor"):
        source = str(HERE / f"fanout_{name}.c")
        subprocess.run(["cc", "-O2", "-o", str(directory / name), source], check=True)
    return directory / "load"


def measure(
    load: Path, design: str, transport: str, streams: int, rate: float, seconds: float,
    *, stalled: int = 0, loop: str = "uvloop",
) -> dict[str, Any]:  # fmt: skip
    """Run one server and one load client; return the figures of both."""
    frame_bytes = FRAME_BYTES[transport]
    if design == "nchan" and transport == "sse":
        frame_bytes = NCHAN_SSE_BYTES
    with subprocess.Popen(
        server_command(design, load.parent, loop),
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
                       str(frame_bytes), str(stalled)]),
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
    if result["sent"] is None:  # a server that does not count
        result["sent"] = int(seen[0])
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


def show_stalled(
    load: Path, transport: str, streams: int, stalled: int, seconds: float, loop: str
) -> None:
    """What readers that never read do to the others: runs with and without them, in turn."""
    p99_ms: dict[int, list[float]] = {0: [], stalled: []}
    grew_mib: dict[int, list[float]] = {0: [], stalled: []}
    for _ in range(ROUNDS):
        for count in (0, stalled):
            r = measure(load, "ours", transport, streams, 0.0, seconds, stalled=count, loop=loop)
            p99_ms[count].append(r["p99_ms"])
            grew_mib[count].append(r["growth_kib"] / 1024)
    for count in (0, stalled):
        print(
            f"{transport}: {streams} streams at full rate, {count} never read: "
            f"p99 ms {median(p99_ms[count]):.1f} of {sorted(p99_ms[count])}, "
            f"grew MiB {median(grew_mib[count]):.1f}"
        )
    print(f"{transport}: p99 with / without {median(p99_ms[stalled]) / median(p99_ms[0]):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subscribers", default="100,1000")
    parser.add_argument("--transports", default="sse,websocket")
    parser.add_argument("--loads", default="saturated,half,20")
    parser.add_argument("--designs", default=",".join(DESIGNS))
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="uvloop")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--stalled", type=int, default=0, help="streams that are never read")
    parser.add_argument("--idle", type=int, default=0, help="only: memory of so many idle streams")
    args = parser.parse_args()
    print(f"Python {platform.python_version()}, {args.loop}, "
          f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")  # fmt: skip
    designs = args.designs.split(",")
    if "nchan" in designs and not fanout_nchan.is_installed():
        print("nchan: not measured, not installed (Debian: libnginx-mod-nchan)")
        designs.remove("nchan")
    with tempfile.TemporaryDirectory() as directory:
        load = compile_c(Path(directory))
        if args.idle:
            for design in (d for d in designs if d in ("ours", "nchan")):
                for transport in args.transports.split(","):
                    r = measure(load, design, transport, args.idle, -1, 0, loop=args.loop)
                    each = f"{r['idle_kib']:.2f} KiB each"
                    print(f"{design} {transport}: {args.idle} idle streams, {each}", flush=True)
            return
        if args.stalled:
            streams = int(args.subscribers.split(",")[-1])
            for transport in args.transports.split(","):
                show_stalled(load, transport, streams, args.stalled, args.seconds, args.loop)
            return
        print(f"{'design':28} {'subs':>6} {'load':>10} {'deliveries/s':>12} {'received/s':>12}"
              f" {'CPU us':>8} {'p50 ms':>8} {'p99 ms':>8} {'KiB/idle':>8}"
              f" {'grew MiB':>8}")  # fmt: skip
        for transport in args.transports.split(","):
            of_transport = [d for d in designs if transport == "sse" or d in ("ours", "nchan")]
            for streams in map(int, args.subscribers.split(",")):
                top: dict[str, float] = {}
                for name in args.loads.split(","):
                    for design in of_transport:
                        rate = {"saturated": 0.0, "half": top.get(design, 0.0) / 2}.get(name)
                        rate = float(name) if rate is None else rate
                        r = measure(
                            load, design, transport, streams, rate, args.seconds, loop=args.loop
                        )
                        if name == "saturated":
                            top[design] = r["sent"] / r["wall_s"] / streams
                        show(f"{design} {transport}", streams, name, r)


if __name__ == "__main__":
    main()
