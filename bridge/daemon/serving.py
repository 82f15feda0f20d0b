"""Builds what the HTTP server is given out of settings: limits, certificates, whom to believe."""

from __future__ import annotations

from pathlib import Path

from bridge.config import Settings
from bridge.outputs.http.addresses import Proxies
from bridge.outputs.http.certificates import Certificates
from bridge.outputs.http.limits import Limits
from bridge.outputs.http.origins import Origins
from bridge.outputs.http.server import Server


def build_limits(settings: Settings) -> Limits:
    limits = settings.limits
    return Limits(
        subscribers_max=limits.subscribers,
        subscribers_per_address_max=limits.subscribers_per_address,
        other_connections_max=limits.connections,
        connections_per_address_max=limits.connections_per_address,
        header_wait_s=limits.header_wait,
        answer_wait_s=limits.answer_wait,
        keepalive_s=limits.idle,
        line_bytes_max=limits.url_bytes,
        head_bytes_max=limits.header_bytes,
        body_bytes_max=limits.body_bytes,
    )


def build_certificates(settings: Settings) -> Certificates | None:
    """Read the files of `[tls]`; None without it. Raises ConfigError."""
    if settings.tls is None:
        return None
    return Certificates(
        Path(settings.tls.certificate_file).expanduser(), Path(settings.tls.key_file).expanduser()
    )


def take_over(server: Server, settings: Settings) -> None:
    """Hold the server to these settings, at the start and at every reload."""
    server.set_limits(build_limits(settings))
    server.set_policy(
        Origins(settings.server.cors_origins),
        Proxies(settings.server.trusted_proxies),
        may_compress=settings.server.compress,
    )
