"""From what is held to what is wanted, by one difference: nothing else is touched."""

from __future__ import annotations

import itertools

import pytest

from bridge.core.errors import ConfigError
from bridge.daemon.exchange import Difference, Exchange, difference


class Parts:
    """A keeper whose parts are names; a setting that begins with "bad" cannot begin."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.running: dict[str, str] = {}
        self.known: set[str] = set()

    def take_over(self, name: str, settings: str) -> bool:
        if not settings.startswith("live"):
            return False
        self.running[name] = settings
        self.said.append(f"{name} takes {settings}")
        return True

    async def end(self, name: str) -> bytes:
        self.said.append(f"end {name}")
        return self.running.pop(name).encode()

    async def begin(self, name: str, settings: str, inherited: bytes) -> None:
        self.known.add(name)
        if settings.startswith("bad"):
            raise ConfigError(f"{name} cannot be {settings}")
        assert name not in self.running
        self.running[name] = settings
        self.said.append(f"begin {name} after {inherited.decode() or 'nobody'}")

    def forget(self, name: str) -> None:
        assert name not in self.running
        self.known.discard(name)


def test_a_difference_is_told_by_name_in_the_order_wanted() -> None:
    held, wanted = {"a": 1, "b": 2, "c": 3}, {"d": 4, "c": 5, "b": 2}
    assert difference(held, wanted) == Difference(("a",), ("d",), ("c",))


async def test_everything_ends_before_anything_begins_and_the_same_is_not_touched() -> None:
    parts = Parts()
    exchange: Exchange[str] = Exchange(parts)
    await exchange.to({"a": "1", "b": "2", "c": "3"})
    parts.said.clear()
    await exchange.to({"d": "4", "b": "2", "c": "live 5", "a": "6"})
    assert parts.said == ["c takes live 5", "end a", "begin d after nobody", "begin a after 1"]
    assert list(exchange.held) == ["d", "b", "c", "a"]


async def test_from_anywhere_to_anywhere_what_runs_is_what_is_wanted_or_what_there_was() -> None:
    """All pairs of up to two parts with each of four settings, or none."""
    choices = ("1", "2", "live", "bad", None)
    worlds = [
        {n: s for n, s in zip("ab", pair, strict=True) if s is not None}
        for pair in itertools.product(choices, repeat=2)
    ]
    for first, second in itertools.product(worlds, repeat=2):
        if "bad" in first.values():
            continue
        parts = Parts()
        exchange: Exchange[str] = Exchange(parts)
        await exchange.to(first)
        if "bad" in second.values():
            with pytest.raises(ConfigError):
                await exchange.to(second)
            taken = {n: s for n, s in second.items() if s == "live" and n in first}
            expected = first | taken
        else:
            await exchange.to(second)
            expected = second
        assert parts.running == dict(exchange.held) == expected, (first, second)
        assert parts.known == set(expected), (first, second)
