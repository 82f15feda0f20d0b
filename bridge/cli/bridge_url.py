"""Where a running bridge is: what people give as `--url`, or what the configuration listens on."""

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
        raise click.UsageError("The configuration uses any free port, so give --url.")
    return BridgeUrl(
        "http" if settings.tls is None else "https", _ANY_ADDRESS.get(host, host), port, ""
    )


def connect(
    place: BridgeUrl, timeout_s: float, *, is_own: bool = False
) -> http.client.HTTPConnection:
    """A connection to a bridge, not yet opened.

    `is_own`: the address comes from this machine's configuration, so a certificate for the name
    that others use is no reason to distrust loopback.
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
    """A bridge's token from its file. Raises click.UsageError."""
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
