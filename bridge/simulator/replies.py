"""The shapes of answers: envelopes, framework pages, redirects (contracts.md 1.2, 1.4, 1.10)."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.simulator import jsonjs
from bridge.simulator.limiter import RETRY_AFTER_S

JSON = "application/json"
HTML = "text/html; charset=utf-8"


@dataclass(slots=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def ok(data: object, status: int = 200) -> Reply:
    return ok_bytes(jsonjs.dumps(data), status)


def ok_bytes(data: bytes, status: int = 200) -> Reply:
    return Reply(status, b'{"ok":true,"data":%b}' % data, JSON)


def failure(status: int, code: str, message: str, **headers: str) -> Reply:
    body = jsonjs.dumps({"ok": False, "error": {"code": code, "message": message}})
    return Reply(
        status, body, JSON, {name.replace("_", "-"): value for name, value in headers.items()}
    )


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


def page(status: int, title: str) -> Reply:
    """A page for people, where a program would rather have JSON."""
    head = f"<!DOCTYPE html><html><head><title>{status}: {title}</title></head>"
    body = f"{head}<body><h1>{title}</h1></body></html>"
    return Reply(status, body.encode(), HTML)


def redirect(status: int, location: str) -> Reply:
    return Reply(status, b"<!DOCTYPE html><p>Redirecting</p>", HTML, {"Location": location})
