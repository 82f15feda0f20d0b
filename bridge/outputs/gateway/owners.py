"""Remembers which client owns an Idempotency-Key, for the latest runs, across restarts."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

OWNERS_MAX = 2000  # upstream starts 150 runs a day at most for one user; 46 bytes each, stored


class Owners:
    """Remembers hashes only: a reader of the journal must not learn clients or keys."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str, str] = OrderedDict()

    def is_of_another(self, space: str, key: str, client: str) -> bool:
        """Whether another client started a run with this key.

        Args:
            space: The group of accounts that share keys upstream.
            key: The Idempotency-Key.
            client: The name of the client's token.
        """
        owner = self._owners.get(_key(space, key))
        return owner is not None and owner != _client(client)

    def took(self, space: str, key: str, client: str) -> None:
        """Note that the client started a run with this key."""
        self._owners.setdefault(_key(space, key), _client(client))
        if len(self._owners) > OWNERS_MAX:
            self._owners.popitem(last=False)

    def saved(self) -> list[tuple[str, str]]:
        """The value for `restore`."""
        return list(self._owners.items())

    def restore(self, saved: Any) -> None:
        """Restore what a previous process saved.

        Raises:
            TypeError: The stored value is not a list of pairs.
            ValueError: An entry is not a pair.
        """
        self._owners = OrderedDict((str(key), str(client)) for key, client in saved)


def _key(space: str, key: str) -> str:
    return hashlib.blake2b(f"{space}\0{key}".encode(), digest_size=12).hexdigest()


def _client(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
