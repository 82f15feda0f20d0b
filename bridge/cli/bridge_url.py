"""The address of a running bridge: from `--url`, or from the configuration's listen address."""

from __future__ import annotations

import http.client
import re
import ssl
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import click

from bridge.cli.options import load_with
from bridge.schema.values import is_loopback

_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - listened on, not bound to
_VISIBLE = re.compile(r"[!-~]+")  # characters of a URL
_LABELS = re.compile(r"[^.]{1,63}(?:\.[^.]{1,63})*\.?")  # a host name that DNS accepts


class BridgeUrl(NamedTuple):
    """A bridge's address, split into its parts."""

    scheme: str  # http or https
    host: str  # an IPv6 address without its brackets
    port: int
    path: str  # before the bridge's routes, without a slash at its end

    @property
    def origin(self) -> str:
        """scheme://host:port."""
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def split_bridge_url(url: str) -> BridgeUrl:
    """Parse a `--url`.

    Raises:
        click.UsageError: The URL is not http or https, or has a query, fragment or user.
    """
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
    """The address on which this machine's bridge listens, from the configuration.

    Raises:
        ConfigError: The configuration is wrong.
        click.UsageError: The configuration lets the bridge use any free port.
    """
    settings = load_with(config=config).settings
    host, port = settings.listen_address
    if port == 0:
        raise click.UsageError("The configuration uses any free port, so give --url.")
    return BridgeUrl(
        "http" if settings.tls is None else "https", _ANY_ADDRESS.get(host, host), port, ""
    )


def connect(
    place: BridgeUrl, timeout_s: float, *, is_own: bool = False
) -> http.client.HTTPConnection:
    """Make a connection to a bridge; it opens with the first request.

    Args:
        place: The address.
        timeout_s: The limit for connecting and for each read.
        is_own: The address comes from this machine's configuration. A certificate for the public
            name is then accepted on loopback.
    """
    if place.scheme == "http":
        return http.client.HTTPConnection(place.host, place.port, timeout=timeout_s)
    context = ssl.create_default_context()
    if is_own and is_loopback(place.host):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(place.host, place.port, timeout=timeout_s, context=context)


_TOKEN_BYTES_MAX = 4096  # tokens are under 100 characters; more is the wrong file


def read_token(file: Path | None) -> str | None:
    """Read a bridge's token from its file; None without a file.

    Raises:
        click.UsageError: The file cannot be read, or holds more than a token.
    """
    if file is None:
        return None
    try:
        with file.open("rb") as opened:
            text = opened.read(_TOKEN_BYTES_MAX).strip().decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = (
            error.strerror
            if isinstance(error, OSError)
            else "it contains characters that are not ASCII"
        )
        raise click.UsageError(f"--token-file {file}: {(reason or 'unreadable').lower()}") from None
    if not text or any(character.isspace() for character in text):
        raise click.UsageError(f"--token-file {file}: it must hold the token and nothing else")
    return text
