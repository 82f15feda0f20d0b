"""A NATS server that knows people by signed tokens, and a credentials file that it takes.

The tokens are what `nsc` makes: JSON signed with ed25519 keys, an operator's over an account's over
a user's.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import nkeys

_LIMITED = ("subs", "data", "payload", "imports", "exports", "conn", "leaf", "streams", "consumer")
_UNLIMITED = dict.fromkeys((*_LIMITED, "mem_storage", "disk_storage"), -1)


class Trust(NamedTuple):
    """Lines of the server's configuration, and the text of a credentials file."""

    configuration: str
    credentials: str

    def write(self, file: Path) -> Path:
        file.write_text(self.credentials)
        return file


def make_trust() -> Trust:
    """New keys, new tokens."""
    operator, _ = _pair(nkeys.PREFIX_BYTE_OPERATOR)
    account, _ = _pair(nkeys.PREFIX_BYTE_ACCOUNT)
    user, seed = _pair(nkeys.PREFIX_BYTE_USER)
    limits = {**_UNLIMITED, "wildcards": True}
    account_token = _token(operator, account, {"type": "account", "limits": limits})
    user_token = _token(account, user, {"type": "user", "subs": -1, "data": -1, "payload": -1})
    system, _ = _pair(nkeys.PREFIX_BYTE_ACCOUNT)
    stores_nothing = {**limits, "mem_storage": 0, "disk_storage": 0, "streams": 0, "consumer": 0}
    system_token = _token(operator, system, {"type": "account", "limits": stores_nothing})
    configuration = (
        f"operator: {_token(operator, operator, {'type': 'operator'})}\n"
        f"system_account: {system.public_key.decode()}\nresolver: MEMORY\nresolver_preload: {{\n"
        f"  {account.public_key.decode()}: {account_token}\n"
        f"  {system.public_key.decode()}: {system_token}\n}}\n"
    )
    credentials = (
        f"-----BEGIN NATS USER JWT-----\n{user_token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed.decode()}\n------END USER NKEY SEED------\n"
    )
    return Trust(configuration, credentials)


def _pair(prefix: int) -> tuple[Any, bytes]:
    seed = nkeys.encode_seed(os.urandom(32), prefix)
    return nkeys.from_seed(bytearray(seed)), bytes(seed)


def _token(issuer: Any, subject: Any, claims: dict[str, Any]) -> str:
    head = _encoded(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode())
    body = {
        "jti": "test",
        "iat": 1,
        "iss": issuer.public_key.decode(),
        "sub": subject.public_key.decode(),
        "name": "test",
        "nats": {**claims, "version": 2},
    }
    signed = f"{head}.{_encoded(json.dumps(body).encode())}"
    return f"{signed}.{_encoded(issuer.sign(signed.encode()))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
