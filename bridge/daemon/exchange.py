"""Parts that come, change and go: from what is held to what is wanted, by one computed difference.

Accounts and outputs are exchanged like this, at the start (nothing is held yet), at a reload and
for one `follow`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from bridge.core.errors import ConfigError
from bridge.log import get_logger

log = get_logger()

Settings = TypeVar("Settings")
_Wanted_contra = TypeVar("_Wanted_contra", contravariant=True)


class Keeper(Protocol[_Wanted_contra]):
    """Begins and ends the parts of one sort; each has a name of its own."""

    def take_over(self, name: str, settings: _Wanted_contra) -> bool:
        """Have a running part go on with other settings; if it cannot: False, nothing changed."""
        ...

    async def end(self, name: str) -> bytes:
        """Stop a part in order; returns what a successor of its name is to know."""
        ...

    async def begin(self, name: str, settings: _Wanted_contra, inherited: bytes) -> None:
        """Have a part from now on. Raises ConfigError: there is none then."""
        ...

    def forget(self, name: str) -> None:
        """No part has this name any more."""
        ...


@dataclass(frozen=True, slots=True)
class Difference:
    """What has to happen to the parts, by name, in the order in which they are wanted."""

    gone: tuple[str, ...]
    new: tuple[str, ...]
    changed: tuple[str, ...]


def difference(held: Mapping[str, Settings], wanted: Mapping[str, Settings]) -> Difference:
    """Compare by name and by equality of the settings; what is equal is in none of them."""
    return Difference(
        gone=tuple(name for name in held if name not in wanted),
        new=tuple(name for name in wanted if name not in held),
        changed=tuple(name for name in wanted if name in held and held[name] != wanted[name]),
    )


class Exchange(Generic[Settings]):
    """Holds the settings of the parts that there are."""

    def __init__(self, keeper: Keeper[Settings]) -> None:
        self._keeper = keeper
        self._held: dict[str, Settings] = {}

    @property
    def held(self) -> Mapping[str, Settings]:
        """The settings by name, in the order in which they were wanted."""
        return self._held

    async def to(self, wanted: Mapping[str, Settings]) -> None:
        """Have these parts from now on; one with the same settings is not touched.

        All that has to end has ended before anything begins: what two parts may not have at a time
        can move from one to the other. Raises ConfigError when a part cannot begin: all are then
        as they were before, but for those that took other settings over.
        """
        found = difference(self._held, wanted)
        ended: dict[str, tuple[Settings, bytes]] = {}
        for name in found.changed:
            if self._keeper.take_over(name, wanted[name]):
                self._held[name] = wanted[name]
        for name in (*found.gone, *found.changed):
            if name in found.gone or self._held[name] != wanted[name]:
                ended[name] = self._held.pop(name), await self._keeper.end(name)
        begun: list[str] = []
        try:
            for name in [name for name in wanted if name not in self._held]:
                begun.append(name)
                _, inherited = ended.get(name, (None, b""))
                await self._begin(name, wanted[name], inherited)
        except ConfigError:
            await self._restore(begun, ended)
            raise
        for name in found.gone:
            self._keeper.forget(name)
        self._held = {name: self._held[name] for name in wanted}

    async def _begin(self, name: str, settings: Settings, inherited: bytes) -> None:
        await self._keeper.begin(name, settings, inherited)
        self._held[name] = settings

    async def _restore(self, begun: list[str], ended: Mapping[str, tuple[Settings, bytes]]) -> None:
        for name in begun:
            if self._held.pop(name, None) is not None:  # the last one has not begun
                await self._keeper.end(name)
        for name, (settings, inherited) in ended.items():
            try:
                await self._begin(name, settings, inherited)
            except ConfigError as error:  # it ran a moment ago; the others must not go with it
                log.error("part.not_restored", part=name, reason=str(error))
        for name in begun:
            if name not in self._held and name not in ended:
                self._keeper.forget(name)
