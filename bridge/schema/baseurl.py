"""Reduces the address of upstream to an origin, whatever form it has. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from bridge.schema.values import is_loopback


def to_origin(
    url: str, *, example: str, paths: Sequence[str] = (), allow_plain_http: bool = False
) -> str:
    """Return `scheme://host[:port]`, lower case, without path and without `www.`.

    A `www.` host only redirects, and the bridge follows no redirect with credentials, so the
    function removes it.

    Args:
        url: The address as configured.
        example: An address to show in errors.
        paths: The paths that may follow the origin: where the API is.
        allow_plain_http: Whether http is allowed for any host.

    Raises:
        ValueError: The address is something else. The text never repeats it, because it may hold a
            password.
    """
    text = url.strip()
    if any(c.isspace() or not c.isprintable() for c in text) or "\\" in text:
        raise ValueError("a URL without blanks")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f'a URL such as "{example}"') from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(f'a URL that begins with https://, such as "{example}"')
    if "@" in parts.netloc:
        raise ValueError("a URL without user name and password; the token has its own file")
    if "?" in text or "#" in text:
        raise ValueError("a URL without query and fragment")
    if parts.path.rstrip("/") not in ("", *paths):
        known = f", or with {' or '.join(paths)}" if paths else ""
        raise ValueError(f"a URL without a path{known}")
    host = parts.hostname.lower().rstrip(".").removeprefix("www.")
    if parts.scheme == "http" and not (allow_plain_http or is_loopback(host)):
        raise ValueError(
            "an https:// URL: over plain http everybody on the way can read the token"
            " (allow_plain_http = true overrides this)"
        )
    if port is not None and port != {"https": 443, "http": 80}[parts.scheme]:
        return f"{parts.scheme}://{_bracketed(host)}:{port}"
    return f"{parts.scheme}://{_bracketed(host)}"


def host_was_rewritten(configured: str, origin: str) -> bool:
    """Whether `to_origin` removed a `www.` from a base URL."""
    host = (urlsplit(configured.strip()).hostname or "").lower()
    return host.startswith("www.") and host.removeprefix("www.") == urlsplit(origin).hostname


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
