"""The shapes of refusals: `detail` is a text, or a list where a value is wrong (2.5)."""

from __future__ import annotations

from bridge.simulator.kit.replies import Reply, json_reply

SUSPENDED = "Tenant is suspended"
NO_KEY = "Authentication required"
BAD_KEY = "Invalid API key"
NO_SPACE = "Space not found"
NOT_A_PARTICIPANT = "You do not have access to this space"


def detail(status: int, text: str, **headers: str) -> Reply:
    """Return a refusal whose `detail` is a text; `_` in a header's name means `-`."""
    return json_reply(status, {"detail": text}, **headers)


def invalid(name: str, text: str, given: object, **limits: int) -> Reply:
    """422: a list with what was sent and which bound it broke (2.7, 13)."""
    item = {
        "type": "less_than_equal" if "le" in limits else "greater_than_equal",
        "loc": ["query", name],
        "msg": text,
        "input": given,
        "ctx": limits,
    }
    return json_reply(422, {"detail": [item]})


def not_a_number(name: str, given: str) -> Reply:
    """Return the 422 for a query parameter that must be a number."""
    item = {
        "type": "int_parsing",
        "loc": ["query", name],
        "msg": "Input should be a valid integer, unable to parse string as an integer",
        "input": given,
    }
    return json_reply(422, {"detail": [item]})
