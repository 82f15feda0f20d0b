"""Every setting: name, type, limits, default and one sentence for people.

The example file, the reference page and the JSON Schema are generated from here, so a description
is written once. Durations are seconds and sizes are bytes once loaded.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bridge.config.outputs import AnyOutput
from bridge.config.upstream import AnyAccount, default_index, default_section
from bridge.core.journal_url import DEFAULT
from bridge.schema.section import Section
from bridge.schema.upstream import UpstreamAccount
from bridge.schema.values import (
    Address,
    Duration,
    FilePath,
    Globs,
    JournalUrl,
    KeptPath,
    Network,
    Regex,
    RuleId,
    Size,
    WebOrigin,
    split_address,
)


class Retention(Section):
    """How long the journal keeps records. Whichever limit is reached first applies."""

    age: Duration = Field(
        default=7 * 86400.0, description="Maximum age of a record; 0 sets no limit."
    )
    bytes: Size = Field(
        default=2 * 2**30, description="Size of the journal on disk; 0 sets no limit."
    )


class Redaction(Section):
    """What is redacted before anything is stored, in addition to the built-in rules."""

    keys: Globs = Field(
        default=(), description="Globs of further key names whose values are redacted."
    )
    patterns: tuple[Regex, ...] = Field(
        default=(), description="Regular expressions of further secrets."
    )
    keep: tuple[KeptPath, ...] = Field(
        default=(), description="Dotted paths that are never redacted."
    )
    off: tuple[RuleId, ...] = Field(
        default=(), description="Ids of built-in rules that are switched off."
    )
    fingerprint_key_file: FilePath | None = Field(
        default=None,
        description="32-byte key; marks then carry a keyed fingerprint that distinguishes secrets.",
    )


class Auth(Section):
    """Who may read. Without this table only loopback addresses are served."""

    tokens_file: FilePath = Field(description="File of hashed tokens; read again when it changes.")


class Tls(Section):
    """TLS of the HTTP server, 1.2 and newer. Without this table it speaks plain HTTP."""

    certificate_file: FilePath = Field(
        description="The certificate with its chain, PEM; read again when it changes."
    )
    key_file: FilePath = Field(
        description="The certificate's private key, PEM, no password; read again when it changes."
    )


class Server(Section):
    """Proxies, other sites, processes and compression."""

    cors_origins: tuple[WebOrigin, ...] = Field(
        default=(),
        max_length=100,
        description="Exact origins of other sites whose pages may use this server.",
    )
    trusted_proxies: tuple[Network, ...] = Field(
        default=(),
        max_length=100,
        description="Addresses or networks of proxies whose X-Forwarded-For is trusted.",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Processes that serve clients; 2 or more run beside the following one (Linux,"
        " journal in a file).",
    )
    compress: bool = Field(
        default=True, description="Compress answers (zstd, gzip) for clients that ask for it."
    )


class Gateway(Section):
    """The vendor's own API, served by the bridge."""

    enabled: bool = Field(default=False, description="Serve the vendor's API below /api/.")
    follow: bool = Field(
        default=True, description="Follow every run that a client asks for or starts."
    )
    cache: Duration = Field(
        default=5.0,
        description="How long to reuse a reply from upstream for equal requests.",
    )


class Metrics(Section):
    """Access to /metrics."""

    open: bool = Field(
        default=False, description="Serve /metrics without a token although [auth] is set."
    )


class Log(Section):
    """Logs go to stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level that is logged."
    )
    format: Literal["auto", "text", "json"] = Field(
        default="auto", description='"auto" is text on a terminal and JSON elsewhere.'
    )


class Limits(Section):
    """Limits of resources that clients and upstream can use."""

    runs: int = Field(
        default=10_000, ge=1, le=1_000_000, description="Maximum number of runs followed at a time."
    )
    subscribers: int = Field(
        default=20_000, ge=1, le=1_000_000, description="Maximum number of open streams."
    )
    subscribers_per_address: int = Field(
        default=500,
        ge=1,
        le=1_000_000,
        description="Open streams from one client address; this host itself is exempt.",
    )
    connections: int = Field(
        default=2_000, ge=1, le=1_000_000, description="Open connections other than streams."
    )
    connections_per_address: int = Field(
        default=256,
        ge=1,
        le=1_000_000,
        description="The same from one client address; this host itself is exempt.",
    )
    header_wait: Duration = Field(
        default=10.0, description="Longest wait for a whole request; then the connection is closed."
    )
    answer_wait: Duration = Field(
        default=30.0,
        description="The connection of a client that reads nothing for this time is closed.",
    )
    idle: Duration = Field(
        default=75.0, description="A connection without a request is closed after this time."
    )
    url_bytes: Size = Field(
        default=8190, description="Longest request line, and longest single header field."
    )
    header_bytes: Size = Field(
        default=32 * 1024, description="Maximum size of all header fields of a request together."
    )
    body_bytes: Size = Field(default=64 * 1024, description="Maximum size of a request body.")
    recent_bytes: Size = Field(
        default=8 * 2**20, description="Memory for the newest records, shared by all subscribers."
    )
    drain: Duration = Field(
        default=10.0, description="Longest orderly stop; then remaining connections are closed."
    )


class Settings(Section):
    """Everything that can be set."""

    listen: Address = Field(
        default="127.0.0.1:8080",
        description="HOST:PORT of the HTTP server; port 0 picks a free one.",
    )
    journal: JournalUrl = Field(
        default=DEFAULT,
        description='"sqlite:PATH"; without a path journal.db in the state directory. "memory:"'
        " keeps the newest 20,000 records until the process ends. For replicas:"
        ' "nats://HOST:4222,HOST2:4222/STREAM" (extra `nats`, NATS 2.12 or later).',
    )
    journal_credentials_file: FilePath | None = Field(
        default=None, description="Credentials (.creds) for a journal in NATS."
    )
    retention: Retention = Field(default=Retention(), description="How long records are kept.")
    accounts: tuple[AnyAccount, ...] = Field(
        default_factory=lambda: (default_section().model_validate({}),),
        min_length=1,
        max_length=100,
        description="Upstream accounts.",
    )
    outputs: tuple[AnyOutput, ...] = Field(default=(), max_length=100, description="Files written.")
    redaction: Redaction = Field(default=Redaction(), description="What is redacted.")
    auth: Auth | None = Field(default=None, description="Who may read.")
    tls: Tls | None = Field(default=None, description="TLS of the HTTP server.")
    server: Server = Field(default=Server(), description="Proxies and other sites.")
    gateway: Gateway = Field(default=Gateway(), description="The vendor's own API.")
    metrics: Metrics = Field(default=Metrics(), description="Access to /metrics.")
    log: Log = Field(default=Log(), description="Logs.")
    limits: Limits = Field(default=Limits(), description="Bounds.")

    @property
    def listen_address(self) -> tuple[str, int]:
        """Host and port of `listen`; port 0 means any free port."""
        return split_address(self.listen)

    @property
    def default_account(self) -> UpstreamAccount:
        """The account of feeds that name none: the one called "default", else the first."""
        index = default_index([(account.name, account.system) for account in self.accounts])
        assert index is not None, "there is always an account"
        return self.accounts[index]

    def default_account_of(self, system: str) -> UpstreamAccount | None:
        """The same among the accounts of one system; None when it has none."""
        names = [(account.name, account.system) for account in self.accounts]
        index = default_index(names, system)
        return None if index is None else self.accounts[index]
