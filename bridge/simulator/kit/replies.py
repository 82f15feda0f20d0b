"""Whole answers, and the pages that proxies and frameworks send instead of JSON."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.simulator.kit import jsonjs

JSON = "application/json"
HTML = "text/html; charset=utf-8"


@dataclass(slots=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(status: int, value: object, **headers: str) -> Reply:
    """`value` as JSON; an underscore in a header's name stands for a dash."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, jsonjs.dumps(value), JSON, named)


def page(status: int, title: str) -> Reply:
    """A page for people, where a program would rather have JSON."""
    head = f"<!DOCTYPE html><html><head><title>{status}: {title}</title></head>"
    body = f"{head}<body><h1>{title}</h1></body></html>"
    return Reply(status, body.encode(), HTML)


def redirect(status: int, location: str) -> Reply:
    """Return a redirect with a short HTML body, as platforms send it."""
    return Reply(status, b"<!DOCTYPE html><p>Redirecting</p>", HTML, {"Location": location})
