"""The faults of this service, by what happens."""

from __future__ import annotations

from bridge.simulator.kit.faults import COMMON_KINDS

FAULT_KINDS: dict[str, str] = {
    **COMMON_KINDS,
    "empty_502": "502 without a body, as a proxy sends; not counted",
    "unauthorized": "401 although the token is good; not counted",
    "forbidden": "403 for this space alone; counted",
    "not_found": "404 for a space that is there; counted",
    "cursor": "400 for a page that was asked for by a cursor, as if it was not known; counted",
    "reply": "`status`, `message` as detail and perhaps `retry_after`; counted",
    "empty_page": "200 and an empty array although there are events; counted",
}
OUTSIDE = frozenset({"empty_502"})
AT_SIGN_IN = frozenset({"unauthorized"})
INSTEAD = frozenset({"forbidden", "not_found", "cursor", "reply", "not_json", "empty_page"})
