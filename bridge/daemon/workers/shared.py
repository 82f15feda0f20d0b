"""What all processes of one port have in common: its sockets, and the counts of clients."""

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
    """Streams and other connections of all processes, in memory that they share."""

    def __init__(self, file: int, row: int, rows: int) -> None:
        """`file` is what `make_memory` returned, here or in the daemon; 0 is the daemon's row."""
        self.file = file
        memory = mmap.mmap(file, 2 * shared_bytes(rows))
        self.streams = SharedTally(memory, row, rows)
        self.connections = SharedTally(memory, row, rows, start=shared_bytes(rows))

    def forget(self, row: int) -> None:
        """The process of this row is gone."""
        self.streams.forget_row(row)
        self.connections.forget_row(row)


def make_memory(rows: int) -> int:
    """A file in memory for so many processes. Raises ConfigError where there is none."""
    if sys.platform != "linux":
        raise ConfigError("server.workers needs Linux, which spreads connections; leave it out")
    file = os.memfd_create("mogplex-bridge-counts")
    os.ftruncate(file, 2 * shared_bytes(rows))
    for at in (0, shared_bytes(rows)):
        os.pwrite(file, os.urandom(KEY_BYTES), at)
    return file


def bind(host: str, port: int, count: int) -> list[list[socket.socket]]:
    """Open the port so many times; the kernel spreads clients over them. One list a worker: a
    socket for each address of `host`. They belong to the daemon, so that clients who come while a
    worker is started again wait in its line. Raises ConfigError.
    """
    try:
        found = socket.getaddrinfo(
            host.strip("[]") or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        places = list(dict.fromkeys((family, address) for family, _, _, _, address in found))
        for family, address in places:
            with _socket(family) as probe:  # the kernel would let us share another daemon's port
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
