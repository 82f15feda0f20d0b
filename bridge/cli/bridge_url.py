"""Where a running bridge is: what people give as `--url`, or what the configuration listens on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import click

from bridge.cli.options import load_with

_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - listened on, not bound to
_VISIBLE = re.compile(r"[!-~]+")  # what a URL consists of
_LABELS = re.compile(r"[^.]{1,63}(?:\.[^.]{1,63})*\.?")  # of a host: what the DNS may be asked for


class BridgeUrl(NamedTuple):
    """A bridge's address in its parts."""

    scheme: str  # http or https
    host: str  # an IPv6 address without its brackets
    port: int
    path: str  # before the bridge's routes, without a slash at its end

    @property
    def origin(self) -> str:
        """scheme://host:port."""
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def split_bridge_url(url: str) -> BridgeUrl:
    """Take a `--url` to pieces. Raises click.UsageError."""
    wrong = click.UsageError("--url must be like http://127.0.0.1:8080")
    if not _VISIBLE.fullmatch(url) or {*"?#@"} & {*url}:
        raise wrong
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wrong from None
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host or not _LABELS.fullmatch(host):
        raise wrong
    if port is None:
        port = 443 if parts.scheme == "https" else 80
    return BridgeUrl(parts.scheme, host, port, parts.path.rstrip("/"))


def configured_bridge_url(config: Path | None) -> BridgeUrl:
    """Where the configuration says that the bridge of this machine listens.

    Raises ConfigError; click.UsageError when any free port will do.
    """
    settings = load_with(config=config).settings
    host, port = settings.listen_address
    if port == 0:
        raise click.UsageError("The configuration listens on any free port: give --url.")
    return BridgeUrl(
        "http" if settings.tls is None else "https", _ANY_ADDRESS.get(host, host), port, ""
    )
