"""`health`: whether a running bridge is ready. Starts fast, for containers without curl."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path
from typing import Final

import click

from bridge.cli.bridge_url import configured_bridge_url, split_bridge_url
from bridge.cli.exits import Exit
from bridge.cli.options import NumberRange, config_option, examples
from bridge.cli.streams import write_stdout

TIMEOUT_S: Final = 5.0  # a slower answer counts as not ready


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
    """Check whether a running bridge is ready (GET /readyz).

    One line on stdout. Exit codes: 0 ready, 1 not ready or not reachable.
    """
    place = configured_bridge_url(config) if url is None else split_bridge_url(url)
    path = place.path or "/readyz"
    if place.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            place.host, place.port, timeout=timeout, context=_trust(is_own=url is None)
        )
    else:
        connection = http.client.HTTPConnection(place.host, place.port, timeout=timeout)
    where = place.origin + path
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
    """The TLS context; for this machine's own bridge any certificate will do.

    The command reads one bit over loopback, and the certificate names the public host.
    """
    context = ssl.create_default_context()
    if is_own:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _say(text: str, code: Exit) -> Exit:
    write_stdout(text.encode() + b"\n")
    return code
