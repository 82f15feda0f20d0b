"""Values with units and shapes, as people write them: "7d", "2GiB", "127.0.0.1:8080".

Pure. Every function raises ValueError for other text; its message says what is allowed and never
repeats a possible secret.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from bridge.core.journal_url import check_url, maybe_file

SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
BYTES: Final = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_QUANTITY = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,6})?)\s*([A-Za-z]+)", re.ASCII)
_DURATION_SHAPE = r"^(\d+(\.\d+)?(ms|s|m|h|d|w))+$"
_SIZE_SHAPE = r"^\d+(\.\d+)? ?(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)

DURATION_ALLOWED: Final = 'a duration such as "90s", "1h30m" or "7d", or a number of seconds'
SIZE_ALLOWED: Final = 'a size such as "100MiB" or "2GB", or a number of bytes'


def to_seconds(value: object) -> float:
    """Read a duration: a string of numbers with units, or a plain number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(DURATION_ALLOWED)
    if isinstance(value, str):
        parts = _QUANTITY.findall(value)
        if not parts or _QUANTITY.sub("", value).strip() or any(u not in SECONDS for _, u in parts):
            raise ValueError(DURATION_ALLOWED)
        value = sum(float(number) * SECONDS[unit] for number, unit in parts)
    if not 0 <= value < 1e11:  # three thousand years; nan fails too
        raise ValueError(DURATION_ALLOWED)
    return float(value)


def to_bytes(value: object) -> int:
    """Read a size: a number with a unit, or a plain whole number of bytes."""
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value.strip())
        if match is None or match[2] not in BYTES:
            raise ValueError(SIZE_ALLOWED)
        value = round(Decimal(match[1]) * BYTES[match[2]])
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError(SIZE_ALLOWED)
    return value


def duration_text(seconds: float) -> str:
    """Write a duration the way `to_seconds` reads it, in the largest unit that divides it."""
    for unit in ("d", "h", "m", "s"):
        if seconds >= SECONDS[unit] and seconds % SECONDS[unit] == 0:
            return f"{seconds / SECONDS[unit]:.0f}{unit}"
    return f"{seconds:g}s"


def size_text(count: int) -> str:
    """Write a size the way `to_bytes` reads it, in the largest unit that divides it."""
    for unit in ("GiB", "MiB", "KiB"):
        if count >= BYTES[unit] and count % BYTES[unit] == 0:
            return f"{count // BYTES[unit]}{unit}"
    return f"{count}B"


def split_address(address: str) -> tuple[str, int]:
    """Split HOST:PORT; an IPv6 host is written in brackets and returned without them."""
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        try:
            host = str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise ValueError(_ADDRESS_ALLOWED) from None
    elif not _HOST.fullmatch(host):
        raise ValueError(_ADDRESS_ALLOWED)
    if not colon or not port.isascii() or not port.isdigit() or len(port) > 5:
        raise ValueError(_ADDRESS_ALLOWED)
    if int(port) > 65535:
        raise ValueError("an address with a port between 0 and 65535 (0 picks a free one)")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """True for `localhost` and for literal loopback addresses; no name is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (mapped is not None and mapped.is_loopback)


_ADDRESS_ALLOWED = 'an address HOST:PORT such as "127.0.0.1:8080" or "[::1]:8080"'


def _address(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(_ADDRESS_ALLOWED)
    split_address(value)
    return value


def _journal_url(value: object) -> object:
    """The journal itself reports problems in its file."""
    url = value if isinstance(value, str) else ""
    check_url(url)
    _refuse_unusable(maybe_file(url) or "")
    return url


def _path(value: object) -> object:
    if not isinstance(value, str) or not value or "\0" in value or "\n" in value:
        raise ValueError("a path to a file")
    _refuse_unusable(value)
    return value


def _refuse_unusable(path: str) -> None:
    """Check that a path can be stored, logged and opened.

    Raises:
        ValueError: It is not UTF-8, or begins with an unknown home directory.
    """
    if any("\ud800" <= char <= "\udfff" for char in path):  # bytes of a variable or an argument
        raise ValueError("a path in UTF-8")
    try:
        Path(path).expanduser()
    except RuntimeError:
        raise ValueError("a path in a home directory that exists") from None


def _regex(value: object) -> object:
    if not isinstance(value, str) or not value:
        raise ValueError("a regular expression")
    try:
        re.compile(value)
    except (re.error, OverflowError) as error:  # {99999999999}
        raise ValueError(f"a regular expression ({error})") from None
    except RecursionError:
        raise ValueError("a regular expression (nested less deeply)") from None
    return value


_KEPT = re.compile(r"[^.\s*]+(?:\.(?:[^.\s*]+|\*))*|\*(?:\.(?:[^.\s*]+|\*))+")


def _kept_path(value: object) -> object:
    if not isinstance(value, str) or len(value) > 200 or _KEPT.fullmatch(value) is None:
        raise ValueError('a dotted path such as "payload.items.*.token"; * is one step')
    return value


def _rule_id(value: object) -> object:
    from bridge.redact.rules import RULES  # noqa: PLC0415 - only who names a rule pays for it

    if isinstance(value, str) and value in RULES:
        return value
    near = difflib.get_close_matches(str(value), RULES, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"one of {', '.join(RULES)}"
    raise ValueError(f"the id of a redaction rule ({hint})")


_ORIGIN_ALLOWED = (
    'an origin as browsers write it, such as "https://dash.example.com"; no path, no *'
)
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::[0-9]{1,5})?")


def _origin(value: object) -> object:
    if not isinstance(value, str) or _ORIGIN.fullmatch(value.lower()) is None:
        raise ValueError(_ORIGIN_ALLOWED)
    for scheme, port in (("http:", ":80"), ("https:", ":443")):
        if value.lower().startswith(scheme) and value.endswith(port):
            raise ValueError(f"an origin as browsers write it, without {port}")
    return value.lower()


def _network(value: object) -> object:
    if isinstance(value, str):
        try:
            return str(ipaddress.ip_network(value))
        except ValueError:
            pass
    raise ValueError('an address or a network such as "127.0.0.1" or "10.0.0.0/8"')


def _shape(description: str, **schema: Any) -> WithJsonSchema:
    return WithJsonSchema({"description": description, **schema})


Globs = tuple[Annotated[str, Field(min_length=1, max_length=200)], ...]
Duration = Annotated[
    float,
    BeforeValidator(to_seconds),
    _shape(
        DURATION_ALLOWED,
        anyOf=[
            {"type": "string", "pattern": _DURATION_SHAPE},
            {"type": "number", "minimum": 0},
        ],
    ),
]
Size = Annotated[
    int,
    BeforeValidator(to_bytes),
    _shape(
        SIZE_ALLOWED,
        anyOf=[{"type": "string", "pattern": _SIZE_SHAPE}, {"type": "integer", "minimum": 0}],
    ),
]
Address = Annotated[str, BeforeValidator(_address)]
JournalUrl = Annotated[str, BeforeValidator(_journal_url)]
FilePath = Annotated[str, BeforeValidator(_path)]
WebOrigin = Annotated[str, BeforeValidator(_origin)]
Network = Annotated[str, BeforeValidator(_network)]
Regex = Annotated[str, BeforeValidator(_regex)]
KeptPath = Annotated[str, BeforeValidator(_kept_path)]
RuleId = Annotated[str, BeforeValidator(_rule_id)]
