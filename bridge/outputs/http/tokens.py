"""The bridge's own tokens: a TOML file of hashes, read again when it changes.

    [[tokens]]
    name = "grafana"
    sha256 = "…64 hex digits…"      # printf %s "$TOKEN" | sha256sum
    scopes = ["read"]               # or ["read", "write"], ["admin"]
    accounts = ["default"]          # optional limits
    runs = ["3f0c1c52-…"]
    expires = 2027-01-01T00:00:00Z  # optional; not valid from then on

The file holds only hashes. Tokens are random, so a fast hash is enough: they cannot be guessed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bridge.core.errors import ConfigError
from bridge.outputs.http.access import Identity, Scope
from bridge.systems import meant_ids

_SHA256 = re.compile("[0-9a-f]{64}", re.ASCII)
_KEYS = frozenset({"name", "sha256", "scopes", "accounts", "runs", "expires"})
FILE_BYTES_MAX = 1024 * 1024
TOKEN_CHARS_MAX = 1024  # longer ones are refused unhashed


class Tokens:
    """The tokens of a file.

    `refresh` reads a changed file. If the file becomes unreadable or wrong, the last good tokens
    stay in force and `refresh` raises.
    """

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            ConfigError: The file cannot be used.
        """
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._by_hash: dict[bytes, Identity] = {}
        self.refresh()

    def refresh(self) -> bool:
        """Read the file if it may have changed; True if its tokens did.

        Raises:
            ConfigError: The file cannot be used; the previous tokens stay in force.
        """
        try:
            status = self._path.stat()
            stamp = (status.st_ctime_ns, status.st_size, status.st_ino)
            if stamp == self._stamp:
                return False
            if status.st_size > FILE_BYTES_MAX:
                raise ConfigError(f"{self._path}: larger than {FILE_BYTES_MAX} bytes")
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self._path}: cannot be read: {_reason(error)}") from error
        self._stamp = stamp  # report a wrong file once, not at every check
        before, self._by_hash = self._by_hash, parse_tokens(text, str(self._path))
        return self._by_hash != before

    def maybe_identity(self, token: str, now_s: float) -> Identity | None:
        """Return the identity of a token. Takes equally long for every token, valid or not."""
        if len(token) > TOKEN_CHARS_MAX:
            return None
        asked = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        found: Identity | None = None
        for known, identity in self._by_hash.items():
            if hmac.compare_digest(known, asked):
                found = identity  # no early exit, for a constant time
        return found if found is not None and _is_in_force(found, now_s) else None

    def maybe_by_key(self, key: bytes) -> Identity | None:
        """Return the identity of the token with this hash."""
        return self._by_hash.get(key)

    def holds(self, identity: Identity, now_s: float) -> bool:
        """Whether the identity's token is still valid with the same rights."""
        return self._by_hash.get(identity.key) == identity and _is_in_force(identity, now_s)

    def has_ended_between(self, before_s: float, now_s: float) -> bool:
        """Whether a token expired between two times."""
        ends = [identity.until_s for identity in self._by_hash.values()]
        return any(end is not None and before_s < end <= now_s for end in ends)


def _is_in_force(identity: Identity, now_s: float) -> bool:
    return identity.until_s is None or now_s < identity.until_s


def parse_tokens(text: str, place: str) -> dict[bytes, Identity]:
    """Return identities by hash.

    Raises:
        ConfigError: The file is wrong; the text names file and entry, never a value.
    """
    try:
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{place}: not TOML: {error}") from None
    for key in document:
        if key != "tokens":
            raise ConfigError(f"{place}: unknown key {key!r}; the table is [[tokens]]")
    entries = document.get("tokens", [])
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"{place}: no [[tokens]]: nobody could sign in")
    found: dict[bytes, Identity] = {}
    for number, entry in enumerate(entries, 1):
        where = f"{place}: tokens entry {number}"
        digest, identity = _entry(entry, where)
        if digest in found:
            raise ConfigError(f"{where}: has the hash of an earlier entry")
        if identity.name in (other.name for other in found.values()):
            raise ConfigError(f"{where}: has the name of an earlier entry, {identity.name!r}")
        found[digest] = identity
    return found


def _entry(entry: Any, where: str) -> tuple[bytes, Identity]:
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where}: must be a table")
    for key in entry:
        if key not in _KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}; known are {', '.join(sorted(_KEYS))}")
    name, digest = entry.get("name"), entry.get("sha256")
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{where}: needs a name")
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest.lower()):
        raise ConfigError(f"{where} ({name}): sha256 must be 64 hex digits, the hash of the token")
    words = _strings(entry, "scopes", where) or ("read",)
    try:
        scopes = frozenset(Scope(word) for word in words)
    except ValueError:
        raise ConfigError(f"{where} ({name}): scopes are 'read', 'write' and 'admin'") from None
    key = bytes.fromhex(digest)
    return key, Identity(
        name,
        runs=frozenset(id_ for text in _strings(entry, "runs", where) for id_ in _ids(text)),
        accounts=frozenset(_strings(entry, "accounts", where)),
        scopes=scopes,
        until_s=_maybe_end(entry, f"{where} ({name})"),
        key=key,
    )


def _ids(text: str) -> Sequence[str]:
    """The id as records have it: each system knows its own, and whether case counts."""
    try:
        return meant_ids(None, text)
    except ValueError:
        return (text,)  # no system has such a feed now


def _maybe_end(entry: Mapping[str, Any], where: str) -> float | None:
    value = entry.get("expires")
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ConfigError(f"{where}: expires must be a time with its zone: 2027-01-01T00:00:00Z")
    return value.timestamp()


def _strings(entry: Mapping[str, Any], key: str, where: str) -> Sequence[str]:
    values = entry.get(key)
    if values is None:
        return ()
    if (
        not isinstance(values, list)
        or not values
        or not all(isinstance(value, str) and value for value in values)
    ):
        # A person reads an empty list as "none", the program as "no limit".
        raise ConfigError(f"{where}: {key} must be a list of strings with at least one")
    return values


def _reason(error: Exception) -> str:
    return error.strerror or "unknown" if isinstance(error, OSError) else "not UTF-8"
