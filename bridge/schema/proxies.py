"""The proxy that the environment names: HTTP_PROXY, HTTPS_PROXY, NO_PROXY, in either case.

Its URL may hold a password: show it only by `shown`.
"""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import (  # type: ignore[attr-defined] # of every system but macOS and Windows
    getproxies_environment,
    proxy_bypass_environment,
)

SCHEMES = ("http", "https")


def proxy_of(origin: str) -> str | None:
    """Return the proxy for requests to `origin`; None for a direct request or an unusable proxy."""
    url = _named(origin)
    return url if url is not None and is_proxy(url) else None


def unusable(origin: str) -> str | None:
    """Return the scheme of the environment's proxy if no request can use it, such as SOCKS."""
    url = _named(origin)
    return None if url is None or is_proxy(url) else url.partition("://")[0][:20]


def _named(origin: str) -> str | None:
    parts = urlsplit(origin)
    proxies = getproxies_environment()
    url = proxies.get(parts.scheme) or proxies.get("all")
    if not url or proxy_bypass_environment(parts.netloc, proxies):
        return None
    return url if "://" in url else f"http://{url}"


def is_proxy(url: str) -> bool:
    """Whether requests can use a proxy with this URL."""
    try:
        parts = urlsplit(url)
        return parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def shown(url: str) -> str:
    """Return the URL without its credentials."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{'***@' if '@' in parts.netloc else ''}{host}{port}"


def secrets_of(url: str) -> list[str]:
    """Return the parts of a URL that no log and no record may show."""
    return [text for text in (urlsplit(url).password,) if text]
