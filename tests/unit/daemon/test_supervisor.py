"""Two rings: what brings in stops first, what hands out gets the rest out; a crash drains too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bridge.core.errors import ConfigError, JournalCorruptError
from bridge.daemon.supervisor import Crew, run_rings
from bridge.tasks import first_of

Virtually = Callable[[Coroutine[Any, Any, None]], None]


class Rings:
    """Notes what happens in which order."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.stop = asyncio.Event()

    def task(self, name: str, fails_with: Exception | None = None) -> Callable[[], Any]:
        async def work() -> None:
            try:
                await asyncio.sleep(10)
                if fails_with is not None:
                    raise fails_with
                await asyncio.Event().wait()
            finally:
                self.seen.append(f"{name} ended")

        return work

    async def drain(self) -> None:
        self.seen.append("drain")
        await asyncio.sleep(1)
        self.seen.append("drained")

    async def run(self, inner: Any, outer: Any) -> None:
        await run_rings({"in": inner}, {"out": outer}, self.stop, drain=self.drain)


ORDER = ["in ended", "drain", "drained", "out ended"]


def test_on_stop_the_inner_ring_ends_before_the_drain_and_the_outer_one_after_it(
    virtually: Virtually,
) -> None:
    async def main() -> None:
        rings = Rings()
        asyncio.get_running_loop().call_later(5, rings.stop.set)
        await rings.run(rings.task("in"), rings.task("out"))
        assert rings.seen == ORDER

    virtually(main())


def test_a_crash_of_what_brings_in_is_drained_and_then_raised(virtually: Virtually) -> None:
    async def main() -> None:
        rings = Rings()
        with pytest.raises(JournalCorruptError):
            await rings.run(rings.task("in", JournalCorruptError("x")), rings.task("out"))
        assert rings.seen == ORDER

    virtually(main())


def test_a_crash_of_what_hands_out_ends_everything_and_is_raised(virtually: Virtually) -> None:
    async def main() -> None:
        rings = Rings()
        with pytest.raises(ConfigError):
            await rings.run(rings.task("in"), rings.task("out", ConfigError("x")))
        assert set(rings.seen) >= {"in ended", "out ended"}

    virtually(main())


class TestCrew:
    def test_members_start_with_it_come_and_go_and_a_name_is_free_again(
        self, virtually: Virtually
    ) -> None:
        async def main() -> None:
            rings, crew = Rings(), Crew()
            crew.add("early", rings.task("early"))
            crew.add("never", rings.task("never"))
            await crew.remove("never")
            async with asyncio.TaskGroup() as group:
                running = group.create_task(crew.run())
                await asyncio.sleep(1)
                await crew.remove("early")
                assert rings.seen == ["early ended"]
                await crew.remove("early")
                crew.add("early", rings.task("early again"))
                await asyncio.sleep(1)
                running.cancel()
            assert rings.seen == ["early ended", "early again ended"]

        virtually(main())

    def test_a_member_that_fails_fails_the_crew(self, virtually: Virtually) -> None:
        async def main() -> None:
            rings, crew = Rings(), Crew()
            crew.add("bad", rings.task("bad", ConfigError("x")))
            with pytest.raises(ExceptionGroup) as error:
                await crew.run()
            assert isinstance(first_of(error.value), ConfigError)

        virtually(main())
