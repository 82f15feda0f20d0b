"""The systems that this bridge can follow; each is a package in `sources/` and one line here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridge.core.event import Feed
from bridge.core.kind import Kind, unknown_kind
from bridge.sources.miosa.system import MIOSA
from bridge.sources.mogplex.system import MOGPLEX
from bridge.sources.moot.system import MOOT
from bridge.sources.port import System
from bridge.wire.jsontext import loads

BUILT_IN: tuple[System, ...] = (MOGPLEX, MOOT, MIOSA)  # the first one is the default

_known: dict[str, System] = {system.name: system for system in BUILT_IN}


def systems() -> Mapping[str, System]:
    """Return all systems by name, the built-in ones first."""
    return _known


def register(system: System) -> None:
    """Add a system from outside of this package, before any settings are loaded.

    Raises:
        ValueError: Its name is taken.
    """
    if _known.get(system.name, system) is not system:
        raise ValueError(f"there is a system {system.name} already")
    _known[system.name] = system


def unregister(system: System) -> None:
    """Remove a registered system."""
    if system not in BUILT_IN:
        _known.pop(system.name, None)


def system_of_accounts(names: Iterable[str]) -> list[System]:
    """Return the systems of these names, each once."""
    return [_known[name] for name in dict.fromkeys(names)]


def meant_ids(kind: str | None, text: str) -> tuple[str, ...]:
    """Return the ids that `text` may mean, in the systems' normal forms, sorted.

    `kind` None allows ids of any kind.

    Raises:
        ValueError: The text is no such id; the message is that of the first system with the kind.
    """
    found: set[str] = set()
    refusals: list[str] = []
    for system in _known.values():
        for known in system.kinds if kind is None else (kind,) if kind in system.kinds else ():
            try:
                found.add(system.feed("default", known, text).id)
            except ValueError as error:
                refusals.append(str(error))
    if not found:
        raise ValueError(refusals[0] if refusals else f'no system has feeds of kind "{kind}"')
    return tuple(sorted(found))


def plain(body: bytes) -> bytes | None:
    """Return the line that the record's own vendor's tools would print for it (`System.plain`)."""
    record = loads(body)
    name = next(iter(str(record.get("source")).split("/")[1:]), "")
    system = _known.get(name)
    return None if system is None else system.plain(record)


def maybe_kind_of_type(type_: str) -> Kind | None:
    """Return the kind of feed whose own records have such a type; None for marks."""
    kinds = (kind for system in _known.values() for kind in system.kinds.values())
    return next((kind for kind in kinds if type_.startswith(f"{kind.type_prefix}.")), None)


def kind_of(feed: Feed) -> Kind:
    """Return how a feed's records are named, also for a system that is no longer installed."""
    system = _known.get(feed.system)
    kind = system.kinds.get(feed.kind) if system is not None else None
    return kind or unknown_kind(feed.kind)
