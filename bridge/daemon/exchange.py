"""Starts, changes and stops accounts and outputs by comparing running and wanted settings.

The same comparison serves the start (nothing runs yet), a reload, and one `follow`.
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
    """Starts and stops parts of one sort (accounts or outputs); each part has a unique name."""

    def take_over(self, name: str, settings: _Wanted_contra) -> bool:
        """Give a running part new settings. Returns False, and changes nothing, if it cannot."""
        ...

    async def end(self, name: str) -> bytes:
        """Stop a part in order. Returns what a successor of the same name inherits."""
        ...

    async def begin(self, name: str, settings: _Wanted_contra, inherited: bytes) -> None:
        """Start a part.

        Args:
            name: The name of the part.
            settings: The settings of the part.
            inherited: What `end` returned for the predecessor of this name, else empty.

        Raises:
            ConfigError: The part cannot start; then nothing of it runs.
        """
        ...

    def forget(self, name: str) -> None:
        """Drop what is kept under a name: no part uses it any more."""
        ...


@dataclass(frozen=True, slots=True)
class Difference:
    """The parts to stop, change and start, by name, in the order of the wanted settings."""

    gone: tuple[str, ...]
    new: tuple[str, ...]
    changed: tuple[str, ...]


def difference(held: Mapping[str, Settings], wanted: Mapping[str, Settings]) -> Difference:
    """Compare settings by name and equality; equal parts appear in no list."""
    return Difference(
        gone=tuple(name for name in held if name not in wanted),
        new=tuple(name for name in wanted if name not in held),
        changed=tuple(name for name in wanted if name in held and held[name] != wanted[name]),
    )


class Exchange(Generic[Settings]):
    """Holds the settings of the running parts."""

    def __init__(self, keeper: Keeper[Settings]) -> None:
        self._keeper = keeper
        self._held: dict[str, Settings] = {}

    @property
    def held(self) -> Mapping[str, Settings]:
        """The settings of the running parts by name, in the order in which they were wanted."""
        return self._held

    async def to(self, wanted: Mapping[str, Settings]) -> None:
        """Run these parts from now on; a part with unchanged settings is not touched.

        Every part that must stop has stopped before another starts, so a resource that only one
        part may hold can move from one to the other.

        Raises:
            ConfigError: A part cannot start. All parts then run as before, except those that took
                over new settings while running.
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
            if self._held.pop(name, None) is not None:  # the last one did not start
                await self._keeper.end(name)
        for name, (settings, inherited) in ended.items():
            try:
                await self._begin(name, settings, inherited)
            except ConfigError as error:  # it ran a moment ago; keep the others running
                log.error("part.not_restored", part=name, reason=str(error))
        for name in begun:
            if name not in self._held and name not in ended:
                self._keeper.forget(name)
