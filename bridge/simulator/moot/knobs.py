"""Every way in which the simulated service can differ from the friendly one (simulator-moot.md).

The frames of the stream are published nowhere, so each plausible form of them is a knob.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bridge.simulator.kit.knobs import KnobSet, choice, count, seconds, switch


@dataclass(slots=True)
class Knobs(KnobSet):
    """The defaults are a server in good health that replays, as its documents say."""

    FEED_WORD: ClassVar[str] = "space"

    # The stream of server-sent events.
    stream: str = choice(
        "sse",
        "404",
        "405",
        "406",
        "501",
        "json",
        "broken",
        "mute",
        "garbage",
        feed=True,
        about="answer of the SSE route: a stream; a refusal; one JSON value; a JSON 500; a "
        "stream without frames; a stream of frames in an unknown format",
    )
    replay: str = choice(
        "full", "none", feed=True, about="a connect begins with the whole history, or nothing"
    )
    frame: str = choice(
        "bare",
        "wrapped",
        "named",
        "named_wrapped",
        feed=True,
        about='the event itself; {"type","data"}; with a line `event:`; both',
    )
    frame_id: str = choice(
        "none",
        "event_id",
        "counter",
        feed=True,
        about="the line `id:`; a counter restarts at every connect",
    )
    line_end: str = choice("lf", "crlf", "cr", feed=True, about="end of a line of a frame")
    data_lines: str = choice(
        "one", "several", feed=True, about="JSON on one line `data:`, or indented over several"
    )
    writes: str = choice(
        "whole",
        "pieces",
        feed=True,
        about="frames at once, or a few bytes at a time, also inside a character",
    )
    ping: str = choice(
        "none",
        "comment",
        "text",
        "json",
        "empty",
        feed=True,
        about="what a quiet stream sends",
    )
    ping_s: float = seconds(15.0, 3_600.0, feed=True, about="seconds between pings")
    participants_every: int = count(
        0, 0, 100_000, feed=True, about="a participant_update after every n-th event; 0 none"
    )
    stream_max_s: float = seconds(
        0.0, 86_400.0, feed=True, about="seconds until a stream is cut; 0 never"
    )
    stream_cut: str = choice(
        "between_frames",
        "mid_frame",
        "whole_json",
        "clean",
        feed=True,
        about="between frames, inside the next or before its blank line, without the end of "
        "the HTTP body; or with a proper end",
    )
    subscribe_after_s: float = seconds(
        0.0,
        3_600.0,
        feed=True,
        about="seconds from the head of a stream to its first live events",
    )
    stream_auth: str = choice(
        "both",
        "header",
        "query",
        about="where stream and WebSocket expect the key; elsewhere: 401",
    )
    websocket: str = choice("on", "404", about="the route of the WebSocket")
    websocket_idle_s: float = seconds(
        90.0, 86_400.0, about="seconds without a heartbeat until a WebSocket is closed; 0 never"
    )
    # Pages.
    since: str = choice(
        "event",
        "timestamp",
        feed=True,
        about="after the event, or after its time (events of the same instant are lost)",
    )
    cursor_unknown: str = choice(
        "404",
        "400",
        "422",
        "empty",
        "latest",
        feed=True,
        about="an id that is not in the space gets a refusal, nothing, or the latest page",
    )
    before: str = choice(
        "on", "ignored", feed=True, about="ignored: the latest page, as from an older server"
    )
    transcript: str = choice("on", "404", about="the route of the transcript")
    event_count: str = choice(
        "true",
        "high",
        "low",
        "flapping",
        "absent",
        feed=True,
        about="in /status and lists: right, 2 more, 2 fewer, right and 2 more in turn, nothing",
    )
    list: str = choice(
        "by_status", "active_only", about="lists of spaces obey `status`, or show active ones only"
    )
    # Time and order.
    late_every: int = count(
        0, 0, 100_000, feed=True, about="every n-th event becomes visible late; 0 none"
    )
    late_s: float = seconds(
        2.0, 3_600.0, feed=True, about="how late; its timestamp does not change"
    )
    late_place: str = choice(
        "by_time",
        "end",
        feed=True,
        about="place of a late event in pages and replays: by its time (behind a cursor "
        "nobody sees it), or at the end",
    )
    time_format: str = choice(
        "micros_offset",
        "millis_z",
        "seconds_z",
        "unreadable",
        feed=True,
        about="timestamps as in the code, as in the documents, without a fraction, or no time",
    )
    # Whose requests, and how many.
    suspended: bool = switch(default=False, about="the tenant is suspended: 403 to every request")
    limiter: str = choice("off", "on", about="the rate limiter")
    limiter_limit: int = count(20, 0, 1_000_000, about="requests per window")
    limiter_window_s: float = seconds(60.0, 86_400.0, about="length of the rolling window")
    retry_after: str = choice("absent", "sent", about="the header of a 429")
    # Around it.
    missing: str = choice("404", "405", about="answer of GET /api/spaces/{id}")
    html_5xx: int = count(0, 0, 1_000_000, about="the next k requests get an HTML error page")
    html_5xx_status: int = count(502, 500, 504, about="status of that page")
    delay_s: float = seconds(0.0, 600.0, about="delay of every reply, seconds")
