"""Checks a credentials file of NATS before use: the client reports little about bad ones."""

from __future__ import annotations

import re
from pathlib import Path

from bridge.core.errors import ConfigError

_TOKEN = re.compile(r"-----BEGIN NATS USER JWT-----\s+(\S+)\s+-+END")
_SEED = re.compile(r"-----BEGIN USER NKEY SEED-----\s+(\S+)\s+-+END")


def require_credentials(file: Path) -> None:
    """Check a credentials file.

    Raises:
        ConfigError: It cannot be read, or is no credentials file.
    """
    try:
        text = file.read_text("utf-8", "replace")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ConfigError(f"journal_credentials_file {file}: {why}") from None
    seed = _SEED.search(text)
    if _TOKEN.search(text) is None or seed is None or not _is_seed(seed[1]):
        raise ConfigError(
            f"journal_credentials_file {file}: is no credentials file of NATS, with a user's token"
            " and seed as `nsc generate creds` writes them"
        )


def _is_seed(text: str) -> bool:
    try:
        import nkeys  # noqa: PLC0415 - only where there are credentials
    except ImportError:
        raise ConfigError(
            "journal_credentials_file: needs the extra: pip install 'mogplex-bridge[nats]'"
        ) from None
    try:
        nkeys.from_seed(bytearray(text.encode())).wipe()
    except Exception:  # noqa: BLE001 - of several unrelated kinds
        return False
    return True
