"""Every way in which the simulated service can differ from the friendly one (docs/simulator.md).

A knob is a field of `Knobs`; how they are described and checked is `kit/knobs.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from bridge.simulator.kit.knobs import KnobSet, choice, count, seconds, several, switch

VARIANT_NAMES = (
    "lone_surrogate",
    "many_keys",
    "deep",
    "preview",
    "secret_message",
    "mog_value",
    "long_message",
    "big_number",
    "bad_utf8",
    "huge_number",
    "no_end",
)


@dataclass(slots=True)
class Knobs(KnobSet):
    """The defaults are the newer server in good health."""

    FEED_WORD: ClassVar[str] = "run"

    window: str = choice(
        "tail", "head", feed=True, about="which events a page shows: the newest or the first N"
    )
    stream: str = choice(
        "v2",
        "v1",
        "absent",
        "broken",
        feed=True,
        about="v2 resumes; v1 replays the /events page, without Last-Event-ID; absent: an "
        "HTML 404; broken: a JSON 500",
    )
    stream_max_s: float = seconds(
        800.0,
        86_400.0,
        feed=True,
        about="seconds until the platform cuts a stream; 0 never",
    )
    stream_cut: str = choice(
        "between_frames",
        "mid_frame",
        "clean",
        feed=True,
        about="between frames or inside the next, without the end of the HTTP body; "
        "or with a proper end",
    )
    stream_comment_s: float = seconds(
        0.0,
        3_600.0,
        feed=True,
        about="seconds between comments on a stream, as from a proxy; 0 none",
    )
    segment_stream: str = choice(
        "silent",
        "ends",
        "follows",
        feed=True,
        about="what an open stream does at a new aiCallId",
    )
    tie_order: str = choice(
        "id",
        "arbitrary",
        feed=True,
        about="order of events with equal createdAt, also where a page cuts them",
    )
    tie_size: int = count(1, 1, 1_000, feed=True, about="consecutive events with equal createdAt")
    late_commit_every: int = count(
        0, 0, 100_000, feed=True, about="every n-th event becomes visible late; 0 none"
    )
    late_commit_s: float = seconds(
        2.0, 3_600.0, feed=True, about="how late; its createdAt does not change"
    )
    terminal_order: str = choice(
        "natural",
        "event_first",
        "row_first",
        "row_only",
        "double_failed",
        "logs_after_finished",
        feed=True,
        about="order of terminal event and row; natural: event first on success, else row first",
    )
    terminal_gap_s: float = seconds(2.0, 3_600.0, feed=True, about="seconds between the two")
    status_regress: str = choice(
        "off",
        "cancelled",
        "failed",
        feed=True,
        about="a cancelled run streams again for terminal_gap_s, then ends as this",
    )
    segment_switch: int = count(
        0,
        0,
        1_000_000,
        feed=True,
        about="events until the run waits for input, then gets a new aiCallId; 0 off",
    )
    pause_order: str = choice(
        "event_first",
        "row_only",
        feed=True,
        about="a pause writes the segment's `finished` event and the row, or only the row",
    )
    segment_pause_s: float = seconds(
        2.0, 86_400.0, feed=True, about="how long it waits; events of that time follow afterwards"
    )
    touch_row: bool = switch(default=True, feed=True, about="an event moves the run's updatedAt")
    time_format: str = choice(
        "micros_offset",
        "millis_z",
        feed=True,
        about="timestamps: as the driver, or as the documents write them",
    )
    cancel_shape: str = choice(
        "code", "seed", feed=True, about="reply of POST cancel: as in the code, or in the documents"
    )
    payloads: tuple[str, ...] = several(
        VARIANT_NAMES,
        feed=True,
        about="every fifth generated log event is one of these, in turn",
    )
    limiter: str = choice("on", "off", about="the rate limiter")
    limiter_limit: int = count(60, 0, 1_000_000, about="requests per window")
    limiter_window_s: float = seconds(60.0, 86_400.0, about="length of the rolling window")
    limiter_instances: int = count(
        1, 1, 64, about="servers that count independently; a random one answers"
    )
    run_start_limiter: str = choice(
        "key", "user", "off", "fault", about="who shares the run-start limit; fault: 503"
    )
    on_start: str = choice(
        "script", "idle", about="a run started by POST /runs works, or waits for control"
    )
    queue_fault: int = count(0, 0, 1_000_000, about="the next k run starts cannot be queued")
    auth_flap: int = count(0, 0, 1_000_000, about="the next k good tokens get a 401")
    html_5xx: int = count(0, 0, 1_000_000, about="the next k requests get an HTML error page")
    html_5xx_status: int = count(502, 500, 504, about="status of that page")
    no_bearer: str = choice(
        "redirect", "unauthorized", about="a request without bearer: 307 to /login, or 401"
    )
    www: str = choice("redirect", "serve", about="a www. host: 308 to the apex, or served")
    trailing_slash: str = choice(
        "redirect", "serve", about="a path with it: 308 to the path without, or served"
    )
    non_uuid: str = choice(
        "fault", "not_found", about="an id that is no UUID: 500 (503 on POST /runs), or 404"
    )
    gzip: bool = switch(default=False, about="compress replies for clients that accept it")
    request_id: bool = switch(default=True, about="send the platform's x-vercel-id header")
    delay_s: float = seconds(0.0, 600.0, about="delay of every reply, seconds")


# The older of the two observed server generations (mogplex.md 1.0).
OLDER_SERVER: Mapping[str, object] = {
    "window": "head",
    "stream": "absent",
    "tie_order": "arbitrary",
}
