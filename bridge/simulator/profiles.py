"""The services there are, by the name of their system, and the program that runs one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from bridge.simulator.kit.knobs import KnobSet
from bridge.simulator.kit.scenarios import Scenario
from bridge.simulator.kit.service import BaseWorld, Service
from bridge.simulator.miosa.server import Simulator as MiosaSimulator
from bridge.simulator.mogplex.server import Simulator as MogplexSimulator
from bridge.simulator.moot.server import Simulator as MootSimulator


class Simulated(Protocol):
    """A profile's simulator as the program sees it."""

    ENDPOINTS: ClassVar[tuple[str, ...]]
    host: str
    port: int
    base: BaseWorld
    knobs_held: KnobSet

    async def start(self) -> None:
        """Listen, and begin the scenario."""

    async def stop(self) -> None:
        """Stop the scripts, cut all streams, and close the port."""


class MakeSimulator(Protocol):
    """The constructor that every profile's simulator has."""

    def __call__(
        self,
        *,
        knobs: Mapping[str, object] | None = None,
        seed: int = 1,
        scenario: str = "empty",
        speed: float = 1.0,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_remote_control: bool = False,
    ) -> Simulated:
        """Create a simulator, which listens from `start` on; port 0 picks a free one."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One service: how it is called, what it can play, how it is made."""

    name: str
    feeds: str  # what its feeds are called, in the plural
    default_scenario: str
    scenarios: Mapping[str, Scenario]
    make: MakeSimulator
    hints: tuple[str, ...]  # lines for people, "what  command"; {here} is the origin


def _profile(
    name: str, kind: type[Service], make: MakeSimulator, hints: tuple[str, ...]
) -> Profile:
    return Profile(name, kind.FEEDS, next(iter(kind.SCENARIOS)), kind.SCENARIOS, make, hints)


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        _profile(
            "mogplex",
            MogplexSimulator,
            MogplexSimulator,
            (
                "follow      curl -s {here}/_sim/runs.txt | MOGPLEX_TOKEN=mog_any "
                "mogplex-bridge follow \\",
                "              --base-url {here} --runs-from -",
            ),
        ),
        _profile(
            "moot",
            MootSimulator,
            MootSimulator,
            (
                "follow      CONVO_API_KEY=convo_key_any mogplex-bridge follow --system moot \\",
                "              --base-url {here} sprint-planning",
            ),
        ),
        _profile(
            "miosa",
            MiosaSimulator,
            MiosaSimulator,
            (
                "follow      MIOSA_API_KEY=msk_any mogplex-bridge follow --system miosa \\",
                "              --base-url {here} $(curl -s {here}/_sim/feeds.txt)",
            ),
        ),
    )
}


async def serve(  # noqa: PLR0913 - one keyword per option of the command
    *,
    profile: str = "mogplex",
    host: str = "127.0.0.1",
    port: int = 0,
    scenario: str | None = None,
    seed: int = 1,
    speed: float = 1.0,
    knobs: Mapping[str, object] | None = None,
    allow_remote_control: bool = False,
    on_bound: Callable[[str, int], None] | None = None,
    on_feed: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run until `stop` is set or the caller cancels. Prints nothing.

    `on_bound(host, port)` is called when the server listens, before the first request;
    `on_feed(id)` for every new feed, those of the scenario too.

    Raises:
        OSError: The server cannot listen at the address.
        ValueError: The profile, scenario, knob or speed is wrong.
    """
    if profile not in PROFILES:
        raise ValueError(f"no profile {profile!r}; there are {', '.join(PROFILES)}")
    chosen = PROFILES[profile]
    simulator = chosen.make(
        knobs=knobs,
        seed=seed,
        scenario=scenario or chosen.default_scenario,
        speed=speed,
        host=host,
        port=port,
        allow_remote_control=allow_remote_control,
    )
    simulator.base.on_feed = on_feed
    await simulator.start()
    try:
        if on_bound is not None:
            on_bound(simulator.host, simulator.port)
        await (stop or asyncio.Event()).wait()
    finally:
        await simulator.stop()


def run(
    profile: str = "mogplex",
    listen_host: str = "127.0.0.1",
    listen_port: int = 0,
    scenario: str | None = None,
    seed: int = 1,
    speed: float = 1.0,
    knobs: Mapping[str, object] | None = None,
    on_bound: Callable[[str, int], None] | None = None,
) -> None:
    """`serve` in an event loop of its own, until SIGINT (KeyboardInterrupt)."""
    asyncio.run(
        serve(
            profile=profile,
            host=listen_host,
            port=listen_port,
            scenario=scenario,
            seed=seed,
            speed=speed,
            knobs=knobs,
            on_bound=on_bound,
        )
    )
