"""Whose an Idempotency-Key is: of the runs that were started last, over restarts."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

OWNERS_MAX = 2000  # upstream starts 150 runs a day at most for one user; 46 bytes each, stored


class Owners:
    """Remembers hashes: names of clients and keys are nobody's business who reads the journal."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str, str] = OrderedDict()

    def is_of_another(self, space: str, key: str, client: str) -> bool:
        """Whether somebody else started a run with it. `space`: whose keys upstream keeps apart."""
        owner = self._owners.get(_key(space, key))
        return owner is not None and owner != _client(client)

    def took(self, space: str, key: str, client: str) -> None:
        """A run was started with it."""
        self._owners.setdefault(_key(space, key), _client(client))
        if len(self._owners) > OWNERS_MAX:
            self._owners.popitem(last=False)

    def saved(self) -> list[tuple[str, str]]:
        """What `restore` takes."""
        return list(self._owners.items())

    def restore(self, saved: Any) -> None:
        """Take over what a process before this one knew. Raises TypeError, ValueError."""
        self._owners = OrderedDict((str(key), str(client)) for key, client in saved)


def _key(space: str, key: str) -> str:
    return hashlib.blake2b(f"{space}\0{key}".encode(), digest_size=12).hexdigest()


def _client(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
