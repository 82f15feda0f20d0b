"""The faults of this service, by what happens."""

from __future__ import annotations

from bridge.simulator.kit.faults import COMMON_KINDS

FAULT_KINDS: dict[str, str] = {
    **COMMON_KINDS,
    "empty_502": "502 without a body, as from a proxy; not counted",
    "unauthorized": "401 for a good token; not counted",
    "forbidden": "403 for this space alone; counted",
    "not_found": "404 for an existing space; counted",
    "cursor": "400 for a page with a cursor, as if unknown; counted",
    "reply": "your `status`, `message` (as detail) and `retry_after`; counted",
    "empty_page": "200 and an empty array; counted",
}
OUTSIDE = frozenset({"empty_502"})
AT_SIGN_IN = frozenset({"unauthorized"})
INSTEAD = frozenset({"forbidden", "not_found", "cursor", "reply", "not_json", "empty_page"})
