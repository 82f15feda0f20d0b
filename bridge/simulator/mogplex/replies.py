"""The shapes of the API's answers: its envelope (mogplex.md 1.4, 1.10)."""

from __future__ import annotations

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.replies import JSON, Reply, json_reply
from bridge.simulator.mogplex.run_starts import RETRY_AFTER_S


def ok(data: object, status: int = 200) -> Reply:
    return ok_bytes(jsonjs.dumps(data), status)


def ok_bytes(data: bytes, status: int = 200) -> Reply:
    return Reply(status, b'{"ok":true,"data":%b}' % data, JSON)


def failure(status: int, code: str, message: str, **headers: str) -> Reply:
    return json_reply(status, {"ok": False, "error": {"code": code, "message": message}}, **headers)


def unauthorized(origin: str) -> Reply:
    reply = failure(401, "UNAUTHORIZED", "Unauthorized")
    metadata = f"{origin}/.well-known/oauth-protected-resource/api/v1/mogplex/mcp"
    reply.headers["WWW-Authenticate"] = f'Bearer resource_metadata="{metadata}"'
    return reply


def rate_limited() -> Reply:
    return failure(
        429,
        "RATE_LIMITED",
        f"Rate limit exceeded. Retry after {RETRY_AFTER_S}s.",
        Retry_After=str(RETRY_AFTER_S),
    )


def unavailable(message: str) -> Reply:
    return failure(503, "SERVICE_UNAVAILABLE", message, Retry_After=str(RETRY_AFTER_S))
