"""The URL of a stream: `nats://host:4222,host2:4222/STREAM?replicas=3`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from bridge.core.errors import ConfigError

# the name is a part of subjects, file names and consumers
_STREAM = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PORT = 4222
_CLUSTERED = 3  # from so many servers in the URL on, a new stream gets three copies


class Address(NamedTuple):
    """The place of a stream, and how many copies a new one gets."""

    servers: tuple[str, ...]  # URLs
    stream: str
    replicas: int
    credentials: Path | None = None  # a `.creds` file of the engine's own form

    def __str__(self) -> str:
        """The URL without user and password."""
        hosts = ",".join(urlsplit(server).netloc.rpartition("@")[2] for server in self.servers)
        return f"nats://{hosts}/{self.stream}"


def parse(url: str, credentials: str | Path | None = None) -> Address:
    """Parse the URL of a stream.

    Raises:
        ConfigError: The URL is wrong; the text says how.
    """
    scheme, _, rest = url.partition("://")
    hosts, _, path = rest.partition("/")
    stream, _, query = path.partition("?")
    if scheme not in ("nats", "tls") or not hosts:
        raise ConfigError('journal: expected "nats://host:4222,host2:4222/STREAM"')
    if not _STREAM.fullmatch(stream):
        raise ConfigError(
            f'journal nats://…/{stream[:70]}: the name of the stream has letters, digits, "-" and'
            ' "_", up to 64: nats://host:4222/BRIDGE'
        )
    servers = tuple(_server(scheme, host.strip()) for host in hosts.split(","))
    options = dict(parse_qsl(query, keep_blank_values=True))
    replicas = options.pop("replicas", str(3 if len(servers) >= _CLUSTERED else 1))
    if options or replicas not in ("1", "3", "5"):
        raise ConfigError("journal nats://…: known is only ?replicas=1, 3 or 5 (copies)")
    file = None if credentials is None else Path(credentials).expanduser()
    return Address(servers, stream, int(replicas), file)


def _server(scheme: str, host: str) -> str:
    if not host:
        raise ConfigError("journal nats://…: a host is empty; separate hosts by one comma")
    has_port = re.search(r":[0-9]+$", host.rpartition("@")[2]) is not None
    return f"{scheme}://{host}" if has_port else f"{scheme}://{host}:{_PORT}"
