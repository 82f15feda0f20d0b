"""The proxy that the environment names: HTTP_PROXY, HTTPS_PROXY, NO_PROXY, in either case.

Its URL may hold a password: it is shown by `shown` alone.
"""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import (  # type: ignore[attr-defined] # of every system but macOS and Windows
    getproxies_environment,
    proxy_bypass_environment,
)

SCHEMES = ("http", "https")


def proxy_of(origin: str) -> str | None:
    """The proxy for requests to `origin`; None: straight on. One that cannot be used is none."""
    url = _named(origin)
    return url if url is not None and is_proxy(url) else None


def unusable(origin: str) -> str | None:
    """The scheme of the proxy that the environment names and no request can take, as SOCKS."""
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
    """Whether a URL names a proxy that requests can take."""
    try:
        parts = urlsplit(url)
        return parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def shown(url: str) -> str:
    """The URL without what opens it."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{'***@' if '@' in parts.netloc else ''}{host}{port}"


def secrets_of(url: str) -> list[str]:
    """What no log and no record may show of it."""
    return [text for text in (urlsplit(url).password,) if text]
