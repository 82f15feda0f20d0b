"""Which settings an account has: those of its system, told by `system`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from bridge.config.choices import SYSTEM
from bridge.schema.upstream import UpstreamAccount
from bridge.systems import systems


def default_section() -> type[UpstreamAccount]:
    """The settings of an account that names no system."""
    return next(iter(systems().values())).section


def section_of(system: object) -> type[UpstreamAccount] | None:
    """The settings of an account of this system; None when there is no such system."""
    known = systems().get(system) if isinstance(system, str) else None
    return None if known is None else known.section


def default_index(accounts: Sequence[tuple[str, str]], system: str | None = None) -> int | None:
    """Return the index of the default account: the one called "default", else the first.

    Args:
        accounts: (name, system) of each account.
        system: Consider only accounts of this system.

    Returns:
        None when there is no account.
    """
    meant = [i for i, (_, of) in enumerate(accounts) if system is None or of == system]
    return next((i for i in meant if accounts[i][0] == "default"), meant[0] if meant else None)


def key_prefixes() -> tuple[str, ...]:
    """How keys of all vendors begin."""
    return tuple(p for known in systems().values() for p in known.section.key_prefixes)


def owner_of_key(token: str) -> str | None:
    """The name of the system whose keys begin like this one; None when it cannot be told."""
    for name, known in systems().items():
        if token.startswith(known.section.key_prefixes or ("\0",)):
            return name
    return None


AnyAccount = Annotated[UpstreamAccount, SYSTEM]
