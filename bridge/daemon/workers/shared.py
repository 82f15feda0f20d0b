"""What all processes of one port share: its sockets, and the counts of clients."""

from __future__ import annotations

import mmap
import os
import socket
import sys

from bridge.core.errors import ConfigError
from bridge.outputs.http.server import why_not
from bridge.outputs.http.tally import KEY_BYTES, SharedTally, shared_bytes

_BACKLOG = 1024  # as the server's own


class Counts:
    """Streams and other connections of all processes, in shared memory."""

    def __init__(self, file: int, row: int, rows: int) -> None:
        """Map the shared counts.

        Args:
            file: The descriptor that `make_memory` returned, here or in the daemon.
            row: The row of this process; 0 is the daemon's.
            rows: Rows in the file.
        """
        self.file = file
        memory = mmap.mmap(file, 2 * shared_bytes(rows))
        self.streams = SharedTally(memory, row, rows)
        self.connections = SharedTally(memory, row, rows, start=shared_bytes(rows))

    def forget(self, row: int) -> None:
        """Clear the row of a process that has ended."""
        self.streams.forget_row(row)
        self.connections.forget_row(row)


def make_memory(rows: int) -> int:
    """Create a file in memory with a row per process, and return its descriptor.

    Raises:
        ConfigError: The platform is not Linux.
    """
    if sys.platform != "linux":
        raise ConfigError("server.workers needs Linux, which spreads connections; leave it out")
    file = os.memfd_create("mogplex-bridge-counts")
    os.ftruncate(file, 2 * shared_bytes(rows))
    for at in (0, shared_bytes(rows)):
        os.pwrite(file, os.urandom(KEY_BYTES), at)
    return file


def bind(host: str, port: int, count: int) -> list[list[socket.socket]]:
    """Open the port `count` times; the kernel spreads clients over the sockets.

    The sockets belong to the daemon, so that clients who connect while a worker is restarted wait
    in its queue.

    Returns:
        One list per worker, with a socket for each address of `host`.

    Raises:
        ConfigError: The address is invalid or in use.
    """
    try:
        found = socket.getaddrinfo(
            host.strip("[]") or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        places = list(dict.fromkeys((family, address) for family, _, _, _, address in found))
        for family, address in places:
            with _socket(family) as probe:  # SO_REUSEPORT would share another daemon's port
                probe.bind(address)
        lines: list[list[socket.socket]] = []
        for _ in range(count):
            line = []
            for family, address in places:
                line.append(opened := _socket(family))
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                opened.bind((address[0], port, *address[2:]))
                opened.listen(_BACKLOG)
                opened.settimeout(0)
                port = port or opened.getsockname()[1]
            lines.append(line)
    except (OSError, OverflowError, UnicodeError) as error:
        raise ConfigError(why_not(host, port, error)) from error
    return lines


def _socket(family: int) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return opened
