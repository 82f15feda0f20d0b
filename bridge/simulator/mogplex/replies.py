"""The shapes of the API's answers: its envelope (mogplex.md 1.4, 1.10)."""

from __future__ import annotations

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.replies import JSON, Reply, json_reply
from bridge.simulator.mogplex.run_starts import RETRY_AFTER_S


def ok(data: object, status: int = 200) -> Reply:
    """Return an answer with `data` in the API's envelope."""
    return ok_bytes(jsonjs.dumps(data), status)


def ok_bytes(data: bytes, status: int = 200) -> Reply:
    """Return an answer with encoded `data` in the API's envelope."""
    return Reply(status, b'{"ok":true,"data":%b}' % data, JSON)


def failure(status: int, code: str, message: str, **headers: str) -> Reply:
    """Return a refusal in the API's envelope; `_` in a header's name means `-`."""
    return json_reply(status, {"ok": False, "error": {"code": code, "message": message}}, **headers)


def unauthorized(origin: str) -> Reply:
    """Return the 401 for a missing or unknown token, with its WWW-Authenticate header."""
    reply = failure(401, "UNAUTHORIZED", "Unauthorized")
    metadata = f"{origin}/.well-known/oauth-protected-resource/api/v1/mogplex/mcp"
    reply.headers["WWW-Authenticate"] = f'Bearer resource_metadata="{metadata}"'
    return reply


def rate_limited() -> Reply:
    """Return the 429 of the limiter, whose Retry-After is always RETRY_AFTER_S."""
    return failure(
        429,
        "RATE_LIMITED",
        f"Rate limit exceeded. Retry after {RETRY_AFTER_S}s.",
        Retry_After=str(RETRY_AFTER_S),
    )


def unavailable(message: str) -> Reply:
    """Return a 503 with a Retry-After of RETRY_AFTER_S."""
    return failure(503, "SERVICE_UNAVAILABLE", message, Retry_After=str(RETRY_AFTER_S))
