"""`health`: is a running bridge ready. For containers without curl, so it starts fast."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from bridge.cli.exits import Exit
from bridge.cli.options import NumberRange, config_option, examples, load_with
from bridge.cli.streams import write_stdout

TIMEOUT_S: Final = 5.0  # a bridge that answers later than this is not ready
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - listened on, not bound to


@click.command(
    epilog=examples(
        "mogplex-bridge health",
        "mogplex-bridge health --url http://127.0.0.1:9000",
    )
)
@config_option
@click.option("--url", metavar="URL", help="The bridge [where the configuration listens].")
@click.option(
    "--timeout",
    type=NumberRange(0.1, 300),
    default=TIMEOUT_S,
    show_default=True,
    metavar="SECONDS",
    help="Longest wait for the answer.",
)
def health(*, config: Path | None, url: str | None, timeout: float) -> Exit:
    """Ask a running bridge whether it is ready (GET /readyz).

    One line on stdout. Exit codes: 0 ready, 1 not ready or not reachable.
    """
    host, port, is_tls, path = _target(url, config)
    if is_tls:
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=timeout, context=_trust(is_own=url is None)
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    where = f"{'https' if is_tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}{path}"
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        status = connection.getresponse().status
    except TimeoutError:
        return _say(f"unreachable: {where}: no answer in {timeout:g} s", Exit.FAILED)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return _say(f"unreachable: {where}: {reason.lower()}", Exit.FAILED)
    finally:
        connection.close()
    if status == 200:
        return _say(f"ready: {where}", Exit.DONE)
    return _say(f"not ready: {where} answers {status}", Exit.FAILED)


def _trust(*, is_own: bool) -> ssl.SSLContext:
    """The bridge of this machine is asked for one bit; its certificate names another host."""
    context = ssl.create_default_context()
    if is_own:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _target(url: str | None, config: Path | None) -> tuple[str, int, bool, str]:
    if url is None:
        settings = load_with(config=config).settings
        host, port = settings.listen_address
        if port == 0:
            raise click.UsageError("The configuration listens on any free port: give --url.")
        return _ANY_ADDRESS.get(host, host), port, settings.tls is not None, "/readyz"
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise click.UsageError("--url must be like http://127.0.0.1:8080")
    path = parts.path.rstrip("/")
    return parts.hostname, port, parts.scheme == "https", path or "/readyz"


def _say(text: str, code: Exit) -> Exit:
    write_stdout(text.encode() + b"\n")
    return code
