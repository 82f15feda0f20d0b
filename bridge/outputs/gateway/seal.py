"""Encrypts data that may hold secrets for the seconds in which it must survive a kill.

A start of a run must be known after a kill with its prompt, or upstream would not recognize the
repeated request. The disk never holds it in clear text: the key derives from the account's token,
which is not in the journal's file.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

_NONCE = 16
_TAG = 32


def sealing_key(secret: str) -> bytes:
    """Derive a key from a secret that is not stored in the journal."""
    return hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), person=b"bridge-seal").digest()


def seal(data: bytes, key: bytes) -> bytes:
    """Encrypt `data`; a nonce makes every result different."""
    nonce = secrets.token_bytes(_NONCE)
    hidden = _hide(data, nonce, key)
    return nonce + hidden + _tag(nonce + hidden, key)


def maybe_open(sealed: bytes, key: bytes) -> bytes | None:
    """Decrypt what `seal` returned; None if the key is another or the data was changed."""
    content, tag = sealed[:-_TAG], sealed[-_TAG:]
    if len(content) < _NONCE or not hmac.compare_digest(tag, _tag(content, key)):
        return None
    return _hide(content[_NONCE:], content[:_NONCE], key)


def _hide(data: bytes, nonce: bytes, key: bytes) -> bytes:
    stream = hashlib.shake_256(b"stream" + key + nonce).digest(len(data))
    return (int.from_bytes(data) ^ int.from_bytes(stream)).to_bytes(len(data))


def _tag(content: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(content, key=key, digest_size=_TAG).digest()
