"""Keeps what may hold secrets for the seconds in which it must survive a kill: sealed.

A start of a run that is under way has to be known after a kill, with its prompt, or upstream would
not recognise it. Nothing unredacted reaches the disk readable: it is sealed with a key made from
the account's token, which whoever has the journal's file alone does not have.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

_NONCE = 16
_TAG = 32


def sealing_key(secret: str) -> bytes:
    """Return a key made from a secret that is not on the same disk page."""
    return hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), person=b"bridge-seal").digest()


def seal(data: bytes, key: bytes) -> bytes:
    """Return `data` unreadable without the key; a nonce makes each sealing another one."""
    nonce = secrets.token_bytes(_NONCE)
    hidden = _hide(data, nonce, key)
    return nonce + hidden + _tag(nonce + hidden, key)


def maybe_open(sealed: bytes, key: bytes) -> bytes | None:
    """Return what was sealed; None with another key, or when it was changed."""
    content, tag = sealed[:-_TAG], sealed[-_TAG:]
    if len(content) < _NONCE or not hmac.compare_digest(tag, _tag(content, key)):
        return None
    return _hide(content[_NONCE:], content[:_NONCE], key)


def _hide(data: bytes, nonce: bytes, key: bytes) -> bytes:
    stream = hashlib.shake_256(b"stream" + key + nonce).digest(len(data))
    return (int.from_bytes(data) ^ int.from_bytes(stream)).to_bytes(len(data))


def _tag(content: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(content, key=key, digest_size=_TAG).digest()
