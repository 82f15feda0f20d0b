"""The other systems in the scene, on a bridge of their own: spaces of moot, and MIOSA.

The accounts:

- spaces    three spaces that talk, one of them in frames that nobody understands
- deaf      its spaces are told to use a stream that is not there
- stopped   its tenant is suspended
- cloud     everything of MIOSA that is at work; streams take tickets and are cut
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.simulator import MootSimulator
from bridge.simulator.miosa.server import Simulator as MiosaSimulator

KEYS = {
    "spaces": "convo_key_scene00000001",
    "deaf": "convo_key_scene00000002",
    "stopped": "convo_key_scene00000003",
    "cloud": "msk_live_scene0000000000000004",
}
KINDS = ("run", "sandbox", "computer", "build", "deployment", "tenant")


class OtherSystems:
    """Their simulators, what happens there, and the configuration of the bridge."""

    def __init__(self) -> None:
        self.spaces = MootSimulator(knobs={"participants_every": 3})
        self.deaf = MootSimulator(knobs={"stream": "404"})
        self.stopped = MootSimulator(knobs={"suspended": True})
        self.cloud = MiosaSimulator(knobs={"tickets": "all", "limiter": "off"})
        self.simulators = (self.spaces, self.deaf, self.stopped, self.cloud)

    def begin(self) -> None:
        """Everything there is, before the bridge looks."""
        self.spaces.create_space("standup", events=30)
        self.spaces.create_space("review", events=5)
        self.spaces.create_space("odd", events=3, knobs={"stream": "garbage"})
        self.deaf.create_space("quiet", events=2)
        self.stopped.create_space("closed", events=2)
        for kind in KINDS:
            self.cloud.create(kind, events=2)

    def write_config(self, directory: Path) -> Path:
        lines = [f'journal = "sqlite:{directory / "journal.db"}"']
        for name, key in KEYS.items():
            token = directory / name
            token.write_text(key)
            token.chmod(0o600)
            system = "miosa" if name == "cloud" else "moot"
            lines += [
                f'[[accounts]]\nname = "{name}"\nsystem = "{system}"\ndiscover = true',
                f'base_url = "{getattr(self, name).url}"\ntoken_file = "{token}"',
                "requests_per_minute = 6000",
            ]
        config = directory / "bridge.toml"
        lines[-1] += '\nfollow = ["tenant"]'
        text = "\n".join(lines).replace('name = "deaf"', 'name = "deaf"\nstream = "sse"')
        config.write_text(text + "\n")
        return config

    @property
    def feed_ids(self) -> set[str]:
        of_moot = {id_ for sim in (self.spaces, self.deaf, self.stopped) for id_ in sim.feed_ids}
        return of_moot | {thing.id for thing in self.cloud.world.store.things.values()}

    async def work(self) -> None:
        """They speak all the time; now and then their streams are cut."""
        number = 0
        while True:
            number += 1
            for space_id in self.spaces.feed_ids:
                self.spaces.append(space_id, 1)
            for feed_id in self.cloud.feed_ids:
                self.cloud.append(feed_id, 1)
            if number % 8 == 0:
                self.spaces.cut_streams()
                self.cloud.cut_streams()
            await asyncio.sleep(0.4)
