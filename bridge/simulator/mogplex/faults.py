"""The faults of this service, by what happens."""

from __future__ import annotations

from bridge.simulator.kit.faults import COMMON_KINDS

FAULT_KINDS: dict[str, str] = {
    "html_5xx": COMMON_KINDS["html_5xx"],
    "reset": COMMON_KINDS["reset"],
    "unauthorized": "401, as after a database error in the token look-up; not counted",
    "database": "500 INTERNAL_ERROR with the endpoint's own message; counted",
    "crash": "an unhandled exception: 500 without a body; counted",
    "reply": "your `status`, `code`, `message` and `retry_after`; counted",
    "not_json": COMMON_KINDS["not_json"],
    "empty_page": "200 with the run and no events, as after a failed query; counted",
    "other_run": "200 with another run under this one's name, as from a broken cache; counted",
    "slow": COMMON_KINDS["slow"],
    "lost_reply": COMMON_KINDS["lost_reply"],
    "cut_body": COMMON_KINDS["cut_body"],
}
AT_SIGN_IN = frozenset({"unauthorized"})
INSTEAD = frozenset({"database", "crash", "reply", "not_json"})  # of the work, after the limiter
WITHIN = frozenset({"empty_page", "other_run"})  # the work itself; of the events only
