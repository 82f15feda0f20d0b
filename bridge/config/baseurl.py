"""Where upstream lives: an origin, whatever form it was given in (mogplex.md 1.1). Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from bridge.config.values import is_loopback

DEFAULT_BASE_URL: Final = "https://mogplex.com"
API_PATH: Final = "/api/v1/mogplex"


def to_origin(url: str, *, allow_plain_http: bool = False) -> str:
    """Return `scheme://host[:port]`, lower case, without path and without `www.`.

    `www.` is rewritten because that host only redirects, and a redirect with credentials is never
    followed. Raises ValueError; its text never repeats the URL, which may carry a password.
    """
    text = url.strip()
    if any(c.isspace() or ord(c) < 0x20 for c in text) or "\\" in text:
        raise ValueError("a URL without blanks")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f'a URL such as "{DEFAULT_BASE_URL}"') from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(f'a URL that begins with https://, such as "{DEFAULT_BASE_URL}"')
    if "@" in parts.netloc:
        raise ValueError("a URL without user name and password; the token has its own file")
    if "?" in text or "#" in text:
        raise ValueError("a URL without query and fragment")
    path = parts.path.rstrip("/")
    if path not in ("", API_PATH):
        raise ValueError(f"a URL without a path, or with {API_PATH}")
    host = parts.hostname.lower().rstrip(".").removeprefix("www.")
    if parts.scheme == "http" and not (allow_plain_http or is_loopback(host)):
        raise ValueError(
            "an https:// URL: over plain http everybody on the way can read the token"
            " (allow_plain_http = true overrides this)"
        )
    if port is not None and port != {"https": 443, "http": 80}[parts.scheme]:
        return f"{parts.scheme}://{_bracketed(host)}:{port}"
    return f"{parts.scheme}://{_bracketed(host)}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
