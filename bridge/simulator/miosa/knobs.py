"""Every way in which the simulated MIOSA can differ from the friendly one (contracts, MIOSA 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bridge.simulator.kit.knobs import KnobSet, choice, count, seconds, several, switch

KINDS = ("run", "sandbox", "computer", "build", "snapshot", "deployment", "tenant")
ENVELOPES = ("nested", "flat", "top", "list", "plain")


@dataclass(slots=True)
class Knobs(KnobSet):
    """The defaults are what the newest documents and clients agree on."""

    FEED_WORD: ClassVar[str] = "feed"

    # Keys, limits, tickets
    limiter: str = choice("on", "off", about="the rate limiter")
    limiter_limit: int = count(60, 0, 1_000_000, about="requests per window")
    limiter_window_s: float = seconds(60.0, 86_400.0, about="length of the rolling window")
    limiter_counts_refused: bool = switch(default=False, about="a 429 also uses a place")
    limiter_wait: str = choice(
        "header", "body_ms", "body_s", "none", about="place of the wait in a 429"
    )
    auth_flap: int = count(0, 0, 1_000_000, about="the next k good keys get a 401 invalid_token")
    ticket_path: str = choice("both", "sse", "auth", about="/sse/ticket, /auth/sse-ticket, or both")
    ticket_refusal: int = count(404, 401, 405, about="status of the other ticket path")
    ticket_life_s: float = seconds(60.0, 86_400.0, about="lifetime of a ticket")
    ticket_shape: str = choice("bare", "wrapped", about="the reply, or inside `data`")
    ticket_code: str = choice(
        "UNAUTHORIZED",
        "missing sse ticket",
        about="code of a 401 without a good ticket",
    )
    ticket_kinds: tuple[str, ...] = several(
        KINDS, about="streams that accept only a ticket, instead of `tickets`"
    )
    tickets: str = choice(
        "documented",
        "all",
        "none",
        about="streams that accept only a ticket; documented: builds and snapshots",
    )
    # Paths and shapes
    runs_path: str = choice("runs", "agent_runs", "both", about="the name of the runs")
    accept: str = choice("strict", "any", about="a bare event-stream Accept: 406, or served")
    envelope: str = choice(*ENVELOPES, about="form of a refusal")
    lower_codes: bool = switch(default=False, about="lower-case codes")
    request_id: bool = switch(default=True, about="replies carry a request id")
    list_shape: str = choice("paged", "named", "bare", about="`data` with `page`, a name, a list")
    run_page: str = choice(
        "data_events", "data_list", "events", "items", "bare", about="shape of a page"
    )
    event_shape: str = choice("metadata", "payload", about="run events with metadata, or sequence")
    clamp: int = count(0, 0, 1_000, about="most events on a page; 0 any")
    unknown_cursor: str = choice(
        "start", "empty", "bad_request", "not_found", about="reply to an unknown `after_id`"
    )
    row_shape: str = choice("documented", "wrapped", "bare", about="a row inside `data`, or not")
    # Streams
    run_stream: str = choice(
        "live", "replay", "json", "missing", "empty", feed=True,
        about="SSE on a run's events: live, from the start, a page, 404, 204",
    )  # fmt: skip
    drop_every: int = count(
        0, 0, 1_000, feed=True, about="a run's stream omits every n-th event; 0 none"
    )
    stream_shuffle: bool = switch(default=False, feed=True, about="a run's stream swaps neighbors")
    ids: str = choice("documented", "all", "none", feed=True, about="frames that carry an id")
    id_every: int = count(1, 1, 100, feed=True, about="of these only every n-th carries it")
    id_place: str = choice("after", "before", feed=True, about="place of the id line")
    resume: str = choice(
        "documented", "all", "start", "none", feed=True,
        about="streams that resume after Last-Event-ID (documented: sandboxes); "
        "start: all is replayed",
    )  # fmt: skip
    ended_stream: str = choice(
        "empty",
        "replay",
        "open",
        feed=True,
        about="connect to an ended feed: 204, replay, silence",
    )
    done: str = choice("off", "sentinel", "named", feed=True, about="`[DONE]`, or an event `done`")
    heartbeat: str = choice(
        "comment", "tight", "named", "ping", "off", feed=True, about="form of a heartbeat"
    )
    heartbeat_s: float = seconds(15.0, 3_600.0, feed=True, about="seconds between heartbeats")
    line_ends: str = choice("lf", "crlf", "cr", feed=True, about="line ends of a stream")
    split: str = choice("off", "halves", "bytes", feed=True, about="frames cut into TCP pieces")
    stream_max_s: float = seconds(
        0.0, 86_400.0, feed=True, about="seconds until a stream is cut; 0 never"
    )
    stream_cut: str = choice(
        "between_frames",
        "mid_frame",
        "clean",
        feed=True,
        about="between frames or inside the next, without the end of the HTTP body; "
        "or with a proper end",
    )
    socket: str = choice(
        "open", "upgrade_required", "plain", "missing", feed=True, about="a computer's WebSocket"
    )
    # Lives
    row_first: bool = switch(default=False, feed=True, about="the row ends before the last events")
    row_gap_s: float = seconds(2.0, 3_600.0, feed=True, about="seconds between the two")
    not_ready: int = count(
        0, 0, 1_000_000, about="the next k requests: 409 SANDBOX_RUNTIME_UNAVAILABLE"
    )
    not_running: int = count(0, 0, 1_000_000, about="the next k streams: 409 SANDBOX_NOT_RUNNING")
    unavailable: int = count(0, 0, 1_000_000, about="the next k requests: 503 SERVICE_UNAVAILABLE")
    unavailable_hint: str = choice(
        "none",
        "header",
        "flag",
        "plain",
        about="that 503: bare, with Retry-After, with `retryable`, or as plain text",
    )
    retry_after_ms: int = count(0, 0, 3_600_000, about="hint in the body of a 409; 0 none")
    html_5xx: int = count(0, 0, 1_000_000, about="the next k requests get an HTML error page")
    delay_s: float = seconds(0.0, 600.0, about="delay of every reply, seconds")
