"""Every way in which the simulated service can differ from the friendly one (contracts.md 5).

A knob is a field of `Knobs`; its metadata says which values it takes and whether one run may have
its own. Values are checked on every change, so a misspelt knob cannot silently do nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

VARIANT_NAMES = (
    "lone_surrogate",
    "many_keys",
    "deep",
    "preview",
    "secret_message",
    "mog_value",
    "long_message",
    "big_number",
)


class KnobError(ValueError):
    """A knob that does not exist or a value that it does not take; the text names both."""


def _choice(*values: str, run: bool = False, about: str) -> Any:
    return field(
        default=values[0], metadata={"values": values, "run": run, "about": about, "kind": str}
    )


def _count(default: int, low: int, high: int, *, run: bool = False, about: str) -> Any:
    return field(
        default=default,
        metadata={"range": (low, high), "run": run, "about": about, "kind": int},
    )


def _seconds(default: float, high: float, *, run: bool = False, about: str) -> Any:
    return field(
        default=default,
        metadata={"range": (0.0, high), "run": run, "about": about, "kind": float},
    )


def _switch(*, default: bool, run: bool = False, about: str) -> Any:
    return field(default=default, metadata={"run": run, "about": about, "kind": bool})


@dataclass(slots=True)
class Knobs:
    """The defaults are the newer server in good health."""

    window: str = _choice(
        "tail", "head", run=True, about="which events GET /events shows: the newest or the first N"
    )
    stream: str = _choice(
        "v2",
        "v1",
        "absent",
        "broken",
        run=True,
        about="v2 resumes; v1 replays the /events page and knows no Last-Event-ID; "
        "absent is an HTML 404; broken a JSON 500",
    )
    stream_max_s: float = _seconds(
        800.0, 86_400.0, run=True, about="the platform cuts a stream after so many seconds; 0 never"
    )
    stream_cut: str = _choice(
        "between_frames",
        "mid_frame",
        "clean",
        run=True,
        about="how: without the end of the HTTP body, the same inside the next frame, "
        "or with a proper end",
    )
    stream_comment_s: float = _seconds(
        0.0,
        3_600.0,
        run=True,
        about="seconds between comments on a stream, as a proxy may add; 0 none",
    )
    segment_stream: str = _choice(
        "silent",
        "ends",
        "follows",
        run=True,
        about="what an open stream does when the run gets a new aiCallId",
    )
    tie_order: str = _choice(
        "id",
        "arbitrary",
        run=True,
        about="order of events with one createdAt, and which a page cuts",
    )
    tie_size: int = _count(
        1, 1, 1_000, run=True, about="so many events in a row share one createdAt"
    )
    late_commit_every: int = _count(
        0, 0, 100_000, run=True, about="every n-th event becomes visible late; 0 none"
    )
    late_commit_s: float = _seconds(
        2.0, 3_600.0, run=True, about="how late, while its createdAt stays"
    )
    terminal_order: str = _choice(
        "natural",
        "event_first",
        "row_first",
        "row_only",
        "double_failed",
        "logs_after_finished",
        run=True,
        about="terminal event against terminal row; natural: event first on success, "
        "row first on failure and cancel",
    )
    terminal_gap_s: float = _seconds(
        2.0, 3_600.0, run=True, about="seconds between the two; 0 at once"
    )
    status_regress: str = _choice(
        "off",
        "cancelled",
        "failed",
        run=True,
        about="a cancelled run shows streaming again for terminal_gap_s and then ends as this",
    )
    segment_switch: int = _count(
        0,
        0,
        1_000_000,
        run=True,
        about="after so many events the run waits for input and resumes with a new aiCallId; 0 off",
    )
    segment_pause_s: float = _seconds(
        2.0, 86_400.0, run=True, about="how long it waits; events of that time come after it"
    )
    touch_row: bool = _switch(default=True, run=True, about="an event moves the run's updatedAt")
    time_format: str = _choice(
        "micros_offset", "millis_z", run=True, about="timestamps as the driver or the documents"
    )
    cancel_shape: str = _choice(
        "code", "seed", run=True, about="reply of POST cancel as in the code or the documents"
    )
    payloads: tuple[str, ...] = field(
        default=(),
        metadata={
            "members": VARIANT_NAMES,
            "run": True,
            "about": "every fifth generated log event is one of these, in turn",
            "kind": tuple,
        },
    )
    limiter: str = _choice("on", "off", about="the limiter per token")
    limiter_limit: int = _count(60, 0, 1_000_000, about="requests per window and token")
    limiter_window_s: float = _seconds(60.0, 86_400.0, about="length of the rolling window")
    limiter_instances: int = _count(
        1, 1, 64, about="so many servers count independently; chance picks the one that answers"
    )
    run_start_limiter: str = _choice(
        "key", "user", "off", "fault", about="who shares the run-start limit; fault: 503"
    )
    on_start: str = _choice(
        "script", "idle", about="what a run started by POST /runs does: work, or wait for control"
    )
    queue_fault: int = _count(0, 0, 1_000_000, about="the next k run starts cannot be queued")
    auth_flap: int = _count(0, 0, 1_000_000, about="the next k good tokens get a spurious 401")
    html_5xx: int = _count(0, 0, 1_000_000, about="the next k requests get an HTML error page")
    html_5xx_status: int = _count(502, 500, 504, about="with this status")
    no_bearer: str = _choice(
        "redirect", "unauthorized", about="a request without bearer: 307 to /login, or 401"
    )
    www: str = _choice("redirect", "serve", about="a www. host: 308 to the apex, or served")
    trailing_slash: str = _choice("redirect", "serve", about="308 without it, or served")
    non_uuid: str = _choice(
        "fault", "not_found", about="an id that is no UUID: 500 (503 on POST /runs), or 404"
    )
    gzip: bool = _switch(default=False, about="compress replies for clients that ask for it")
    request_id: bool = _switch(default=True, about="send the platform's x-vercel-id header")
    delay_s: float = _seconds(0.0, 600.0, about="every reply comes so much later")

    def change(self, values: Mapping[str, object]) -> None:
        """Set several at once, all or none. Raises KnobError."""
        checked = {name: _checked(name, value) for name, value in values.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def reset(self) -> None:
        self.change({each.name: getattr(_DEFAULTS, each.name) for each in fields(Knobs)})

    def with_run(self, overrides: Mapping[str, Any]) -> Knobs:
        """These knobs as one run sees them. `overrides` come from `checked_for_run`."""
        return replace(self, **overrides) if overrides else self


def checked_for_run(values: Mapping[str, object]) -> dict[str, Any]:
    """Knob values for one run. Raises KnobError, also for a knob that only the server has."""
    checked = {name: _checked(name, value) for name, value in values.items()}
    for name in checked:
        if not _FIELDS[name].metadata["run"]:
            raise KnobError(f"knob {name!r} holds for the whole server, not for one run")
    return checked


def describe() -> list[dict[str, Any]]:
    """Name, default, values and meaning of every knob, for the control API and the page."""
    rows = []
    for name, each in _FIELDS.items():
        meta = each.metadata
        allowed = meta.get("values") or meta.get("members") or meta.get("range")
        rows.append(
            {
                "name": name,
                "default": getattr(_DEFAULTS, name),
                "allowed": list(allowed) if allowed else [False, True],
                "per_run": meta["run"],
                "about": meta["about"],
            }
        )
    return rows


# The older of the two observed server generations (contracts.md 1.0).
OLDER_SERVER: Mapping[str, object] = {
    "window": "head",
    "stream": "absent",
    "tie_order": "arbitrary",
}

_DEFAULTS = Knobs()
_FIELDS = {each.name: each for each in fields(Knobs)}


def _checked(name: str, value: object) -> Any:
    each = _FIELDS.get(name)
    if each is None:
        near = difflib.get_close_matches(name, _FIELDS, n=1)
        raise KnobError(f"no knob {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    meta = each.metadata
    kind = meta["kind"]
    if kind is tuple:
        return _members(name, value, meta["members"])
    if kind is bool:
        if not isinstance(value, bool):
            raise KnobError(f"knob {name!r} takes true or false, got {value!r}")
        return value
    if kind is str:
        if value not in meta["values"]:
            raise KnobError(
                f"knob {name!r} takes one of {', '.join(meta['values'])}, got {value!r}"
            )
        return value
    low, high = meta["range"]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    whole = kind is float or isinstance(value, int)
    if not number or not whole or not low <= value <= high:
        word = "a number" if kind is float else "a whole number"
        raise KnobError(f"knob {name!r} takes {word} from {low:g} to {high:g}, got {value!r}")
    return kind(value)


def _members(name: str, value: object, allowed: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or any(item not in allowed for item in value):
        raise KnobError(f"knob {name!r} takes a list out of {', '.join(allowed)}, got {value!r}")
    return tuple(value)
