"""Refusals in any of the five envelopes."""

from __future__ import annotations

from typing import Any

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.replies import JSON, Reply

TEXT = "text/plain; charset=utf-8"


def refusal(
    status: int,
    code: str,
    message: str,
    *,
    envelope: str = "nested",
    request_id: str | None = None,
    hints: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    """`hints`: retryable, retry_after_ms, retry_after."""
    more: dict[str, Any] = dict(hints or {})
    if request_id is not None:
        more["request_id"] = request_id
    named = dict(headers or {})
    if request_id is not None:
        named["x-request-id"] = request_id
    if envelope == "plain":
        return Reply(status, f"{code}: {message}".encode(), TEXT, named)
    bodies: dict[str, dict[str, Any]] = {
        "nested": {"error": {"code": code, "message": message, **more}},
        "flat": {"error": code, "detail": message, **more},
        "top": {"code": code, "message": message, **more},
        "list": {"errors": [{"code": code, "message": message, **more}]},
    }
    body = bodies[envelope]
    return Reply(status, jsonjs.dumps(body), JSON, named)


def no_route(status: int = 404) -> Reply:
    """What the framework itself answers."""
    detail = "Not Found" if status == 404 else "Not Acceptable"
    return Reply(status, jsonjs.dumps({"errors": {"detail": detail}}), JSON)
