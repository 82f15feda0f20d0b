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
    limiter: str = choice("on", "off", about="the limiter per key")
    limiter_limit: int = count(60, 0, 1_000_000, about="requests per window and key")
    limiter_window_s: float = seconds(60.0, 86_400.0, about="length of the rolling window")
    limiter_counts_refused: bool = switch(default=False, about="a 429 also uses a place")
    limiter_wait: str = choice(
        "header", "body_ms", "body_s", "none", about="where a 429 says how long to wait"
    )
    auth_flap: int = count(0, 0, 1_000_000, about="the next k good keys get a 401 invalid_token")
    ticket_path: str = choice("both", "sse", "auth", about="/sse/ticket, /auth/sse-ticket, or both")
    ticket_refusal: int = count(
        404, 401, 405, about="status of the ticket path that does not exist"
    )
    ticket_life_s: float = seconds(60.0, 86_400.0, about="lifetime of a ticket in seconds")
    ticket_shape: str = choice("bare", "wrapped", about="the reply, or the reply inside `data`")
    ticket_code: str = choice(
        "UNAUTHORIZED", "missing sse ticket", about="code of a 401 on a stream without good ticket"
    )
    ticket_kinds: tuple[str, ...] = several(
        KINDS, about="streams that accept only a ticket; none named: builds and snapshots"
    )
    tickets: str = choice("documented", "all", "none", about="which streams accept only a ticket")
    # Paths and shapes
    runs_path: str = choice("runs", "agent_runs", "both", about="the name of the runs")
    accept: str = choice("strict", "any", about="a bare event-stream Accept is 406, or served")
    envelope: str = choice(*ENVELOPES, about="the form of a refusal")
    lower_codes: bool = switch(default=False, about="codes in lower case")
    request_id: bool = switch(default=True, about="refusals and replies carry a request id")
    list_shape: str = choice("paged", "named", "bare", about="`data` with `page`, a name, a list")
    run_page: str = choice(
        "data_events", "data_list", "events", "items", "bare", about="shape of a page of events"
    )
    event_shape: str = choice("metadata", "payload", about="run events with metadata, or sequence")
    clamp: int = count(0, 0, 1_000, about="most events a page holds, whatever was asked; 0 none")
    unknown_cursor: str = choice(
        "start", "empty", "bad_request", "not_found", about="reply to an unknown `after_id`"
    )
    row_shape: str = choice("documented", "wrapped", "bare", about="a row inside `data`, or not")
    # Streams
    run_stream: str = choice(
        "live", "replay", "json", "missing", "empty", feed=True,
        about="SSE on a run's events: live, from the start, a JSON page, 404, or 204",
    )  # fmt: skip
    drop_every: int = count(
        0, 0, 1_000, feed=True, about="a run's stream leaves out every n-th event; 0 none"
    )
    stream_shuffle: bool = switch(default=False, feed=True, about="a run's stream swaps neighbours")
    ids: str = choice("documented", "all", "none", feed=True, about="frames that carry an id")
    id_every: int = count(1, 1, 100, feed=True, about="only every n-th of those does")
    id_place: str = choice("after", "before", feed=True, about="the id line after or before data")
    resume: str = choice(
        "documented", "all", "start", "none", feed=True,
        about="what a stream replays at a connect: after Last-Event-ID, all, or nothing",
    )  # fmt: skip
    ended_stream: str = choice(
        "empty",
        "replay",
        "open",
        feed=True,
        about="a connect to an ended feed gets: 204, a replay, silence",
    )
    done: str = choice("off", "sentinel", "named", feed=True, about="`[DONE]`, or an event `done`")
    heartbeat: str = choice(
        "comment", "tight", "named", "ping", "off", feed=True, about="what keeps a stream alive"
    )
    heartbeat_s: float = seconds(15.0, 3_600.0, feed=True, about="seconds between heartbeats")
    line_ends: str = choice("lf", "crlf", "cr", feed=True, about="how lines of a stream end")
    split: str = choice("off", "halves", "bytes", feed=True, about="frames cut into TCP pieces")
    stream_max_s: float = seconds(0.0, 86_400.0, feed=True, about="a stream is cut after; 0 never")
    stream_cut: str = choice("between_frames", "mid_frame", "clean", feed=True, about="how")
    socket: str = choice(
        "open", "upgrade_required", "plain", "missing", feed=True, about="a computer's WebSocket"
    )
    # Lives
    row_first: bool = switch(default=False, feed=True, about="the row ends before the last events")
    row_gap_s: float = seconds(2.0, 3_600.0, feed=True, about="seconds between the two")
    not_ready: int = count(
        0, 0, 1_000_000, about="the next k requests of a thing: 409 SANDBOX_RUNTIME_UNAVAILABLE"
    )
    not_running: int = count(0, 0, 1_000_000, about="the next k streams: 409 SANDBOX_NOT_RUNNING")
    unavailable: int = count(0, 0, 1_000_000, about="the next k requests: 503 SERVICE_UNAVAILABLE")
    unavailable_hint: str = choice("none", "header", "flag", "plain", about="and what it adds")
    retry_after_ms: int = count(0, 0, 3_600_000, about="hint in the body of a 409; 0 none")
    html_5xx: int = count(0, 0, 1_000_000, about="the next k requests get an HTML error page")
    delay_s: float = seconds(0.0, 600.0, about="delay of every reply in seconds")
