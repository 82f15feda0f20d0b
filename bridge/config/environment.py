"""Settings from the environment: MOGPLEX_BRIDGE_RETENTION__AGE and the vendor's own names. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Final

from bridge.config.setting_index import INDEX, entries, find_entry
from bridge.core.errors import ConfigError

PREFIX: Final = "MOGPLEX_BRIDGE_"
CONFIG_VARIABLE: Final = f"{PREFIX}CONFIG"  # the same as --config
FORMAT_VARIABLE: Final = f"{PREFIX}FORMAT"  # the same as --format of `follow`
# Kubernetes puts such variables into every pod of a namespace with a Service "mogplex-bridge…".
_SERVICE_LINK = re.compile(
    rf"{PREFIX}(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)\w*)?)"
)

Path = tuple[str | int, ...]


def first_set(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """The first of the variables that is set; empty ones count as unset."""
    return next((name for name in names if environ.get(name, "").strip()), None)


def read_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, Path, object]]:
    """Yield name, path and value of each MOGPLEX_BRIDGE_ variable; empty ones count as unset.

    Raises:
        ConfigError: A name is no setting and no Kubernetes service link.
    """
    for name in sorted(environ):
        is_option = name in (CONFIG_VARIABLE, FORMAT_VARIABLE)
        if not name.startswith(PREFIX) or is_option or not environ[name].strip():
            continue
        path = _path(name)
        entry = find_entry(path)
        if entry is None:
            if _SERVICE_LINK.fullmatch(name):
                continue
            raise ConfigError(f"environment: unknown variable {name}; {_hint(name)}")
        yield name, path, _value(environ[name], entry.kind)


def variable_name(path: tuple[str, ...]) -> str:
    """The variable of a key; the index of an array of tables is shown as 0."""
    return PREFIX + "__".join("0" if key == INDEX else key.upper() for key in path)


def _path(name: str) -> Path:
    parts = name.removeprefix(PREFIX).lower().split("__")
    return tuple(int(part) if part.isascii() and part.isdigit() else part for part in parts)


def _hint(name: str) -> str:
    wanted = re.sub(r"__[0-9]+(?=__|$)", "__0", name)
    known = [variable_name(entry.path) for entry in entries() if not entry.section]
    close = difflib.get_close_matches(wanted, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else "see docs/configuration.md for all names"


def _value(text: str, kind: str) -> object:
    """Text stays text; anything else is read as a TOML value, and a list also with commas."""
    if kind in ("text", "choice"):
        return text
    if kind == "list" and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    import tomllib  # noqa: PLC0415 - few variables need it

    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # a number of thousands of digits is no TOMLDecodeError
        return text  # "7d"; what is wrong with anything else, the model says
