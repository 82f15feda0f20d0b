"""Builds the parts of the HTTP server from settings: limits, certificates, access policy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.clock import Clock
from bridge.config import Settings
from bridge.daemon.gateway import Gateways
from bridge.journal.port import Journal
from bridge.metrics import Metrics
from bridge.outputs.gateway.routes import GatewayRoutes, Means
from bridge.outputs.http.access import Access, LoopbackAccess
from bridge.outputs.http.addresses import Proxies
from bridge.outputs.http.certificates import Certificates
from bridge.outputs.http.feed_lists import FeedLists
from bridge.outputs.http.groups import Policy, RouteGroup
from bridge.outputs.http.limits import Limits
from bridge.outputs.http.origins import Origins
from bridge.outputs.http.port import Feeds, Health, OwnFeeds
from bridge.outputs.http.relay import RELAY
from bridge.outputs.http.routes_events import EventRoutes
from bridge.outputs.http.routes_feeds import FeedRoutes
from bridge.outputs.http.routes_operation import OperationRoutes, RenderMetrics
from bridge.outputs.http.routes_page import PageRoutes
from bridge.outputs.http.routes_runs import RunRoutes
from bridge.outputs.http.server import Server
from bridge.outputs.http.streaming import Streams
from bridge.outputs.http.tally import Tally
from bridge.outputs.http.tokens import Tokens
from bridge.outputs.http.turns import Turns
from bridge.redact import Redactor


@dataclass(frozen=True, slots=True)
class Parts:
    """What the groups of routes use."""

    journal: Journal
    feeds: Feeds
    health: Health
    metrics: Metrics
    render_metrics: RenderMetrics
    redactor: Redactor
    clock: Clock


def build_limits(settings: Settings) -> Limits:
    """Build the HTTP server's limits from `[limits]`."""
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
    """Read the files of `[tls]`; None without that table.

    Raises:
        ConfigError: A file cannot be read, or key and certificate do not match.
    """
    if settings.tls is None:
        return None
    return Certificates(
        Path(settings.tls.certificate_file).expanduser(), Path(settings.tls.key_file).expanduser()
    )


def build_policy(settings: Settings, *, is_behind_workers: bool = False) -> Policy:
    """The access policy of the settings, for the start and for every reload."""
    return Policy(
        build_limits(settings),
        Origins(settings.server.cors_origins),
        Proxies(settings.server.trusted_proxies, is_behind_workers=is_behind_workers),
        may_compress=settings.server.compress,
    )


def build_server(
    parts: Parts,
    *,
    access: Access | None = None,
    policy: Policy | None = None,
    gateways: Gateways | None = None,
    taken: Tally | None = None,
) -> Server:
    """Build the server with all groups of routes; a new group is one line here.

    Args:
        parts: What the groups of routes use.
        access: Who may read; None is this machine only.
        policy: Trusted proxies, hosts and origins; None is that of the settings.
        gateways: The vendor APIs to serve; None serves none.
        taken: Counts streams, where other processes have some too.
    """
    access = access or LoopbackAccess()
    journal, clock, metrics = parts.journal, parts.clock, parts.metrics
    streams, turns = Streams(journal, metrics, clock, taken), Turns()
    lists = FeedLists(parts.feeds, clock)
    served: list[GatewayRoutes] = []
    if gateways is not None:
        for dialect, runs in gateways.runs.items():
            means = Means(
                parts.journal, runs, streams, turns, parts.redactor.twin(), metrics, clock
            )
            served.append(GatewayRoutes(dialect, means, gateways.settings))
    groups: list[RouteGroup] = [
        EventRoutes(journal, OwnFeeds(parts.feeds), streams, turns, metrics, clock),
        RunRoutes(parts.feeds, lists),
        FeedRoutes(parts.feeds, lists),
        OperationRoutes(parts.health, parts.render_metrics, access, served),
        PageRoutes(),
        *served,
    ]
    return Server(
        groups,
        streams,
        parts.redactor,
        access=access,
        policy=policy,
        count=counting(metrics),
    )


def counting(metrics: Metrics) -> Callable[[str, int], None]:
    """Return a function that counts answers by route and status.

    It looks each series up once, because the lookup costs more than the count. Relayed requests are
    counted in the process that answers them.
    """
    series = functools.cache(
        lambda group, hundreds: metrics.http_requests_total.labels(group, f"{hundreds}xx")
    )
    return lambda group, status: None if group == RELAY else series(group, status // 100).inc()


def read_tokens(settings: Settings) -> Tokens | None:
    """The tokens of `[auth]`; None without that table.

    Raises:
        ConfigError: The tokens file cannot be used.
    """
    if settings.auth is None:
        return None
    return Tokens(Path(settings.auth.tokens_file).expanduser())
