"""The URLs of journals: which there are, and what general modules must know of each. Pure.

Only `journal/opening.py` knows which engine belongs to which scheme.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to name a journal."""

    shown: str  # for people
    is_valid: re.Pattern[str]  # the whole URL
    expected: str  # continues "must be": what is accepted instead of an invalid URL
    is_file: bool = False  # a path follows the colon
    is_shared: bool = False  # several replicas may open it


DEFAULT: Final = "sqlite:"  # without a path: a file in the state directory
_EXPECTED: Final = (
    '"sqlite:" for the state directory, "sqlite:/path/to/journal.db",'
    ' "nats://HOST:4222,HOST2:4222/STREAM", or "memory:"'
)
_STREAM: Final = re.compile(r"[a-z]+://[^/\s]+/[A-Za-z0-9_-]{1,64}(?:\?replicas=[135])?")
SCHEMES: Final = {
    "sqlite": Scheme(
        shown='"sqlite:PATH"',
        is_valid=re.compile(r"sqlite:(?!//(?!/)).*", re.DOTALL),
        expected='"sqlite:/path/to/journal.db", without a host',
        is_file=True,
    ),
    "nats": Scheme('"nats://HOST:PORT/STREAM"', _STREAM, _EXPECTED, is_shared=True),
    "tls": Scheme('"tls://HOST:PORT/STREAM"', _STREAM, _EXPECTED, is_shared=True),
    "memory": Scheme('"memory:"', re.compile("memory:"), _EXPECTED),
}


def maybe_scheme(url: str) -> str | None:
    """Return the scheme of a journal's URL; None when there is no such kind of journal."""
    name, colon, _ = url.partition(":")
    return name if colon and name in SCHEMES else None


def check_url(url: str) -> None:
    """Check the shape of a URL.

    Raises:
        ValueError: No journal has such a URL; the message says which do.
    """
    name = maybe_scheme(url)
    if name is None:
        raise ValueError(_EXPECTED)
    if SCHEMES[name].is_valid.fullmatch(url) is None:
        raise ValueError(SCHEMES[name].expected)


def maybe_file(url: str) -> str | None:
    """Return the path of a journal in a file, as it was written; None for any other journal.

    Empty for `DEFAULT`. `sqlite:///path` is `/path`.
    """
    name = maybe_scheme(url)
    if name is None or not SCHEMES[name].is_file:
        return None
    path = url.removeprefix(f"{name}:")
    return "/" + path.lstrip("/") if path.startswith("//") else path


def is_shared(url: str) -> bool:
    """Whether several replicas may open the journal."""
    name = maybe_scheme(url)
    return name is not None and SCHEMES[name].is_shared
