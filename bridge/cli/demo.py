"""`demo`: the simulator, the bridge on it, and the live page; no account needed."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import threading
from pathlib import Path
from typing import Any, NamedTuple

import click

from bridge.cli.exits import Exit
from bridge.cli.options import NumberRange, examples
from bridge.cli.streams import is_stdout_writable, is_terminal, say
from bridge.core.errors import BridgeError
from bridge.tasks import TaskGroup, first_of

# The simulators accept any token; these are valid nowhere.
TOKEN = "mog_" + "demo" * 6
KEYS = {"MOGPLEX_TOKEN": TOKEN, "DEMO_SPACES": "convo_key_" + "demo" * 5}
KEYS |= {"DEMO_CLOUD": "msk_" + "demo" * 6}
SPEED = 1.0  # about the speed of reading


class Place(NamedTuple):
    """Where the demo's bridge keeps its journal and listens, and which other origins may read."""

    directory: Path
    listen: str
    origins: tuple[str, ...]


@click.command(
    epilog=examples(
        "mogplex-bridge demo",
        "mogplex-bridge demo --scenario lively --speed 8",
        "mogplex-bridge demo --listen 127.0.0.1:9000 --origin http://localhost:5173",
        "mogplex-bridge demo --seconds 60 > events.ndjson",
    )
)
@click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:8080", show_default=True)
@click.option("--scenario", default="tales", show_default=True, help="As in `simulate`.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--speed", type=NumberRange(0.1, 1000), default=SPEED, show_default=True)
@click.option(
    "--seconds",
    type=NumberRange(min=0, min_open=True),
    help="Stop after this time [default: run until Ctrl+C].",
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="Allow pages of this origin to read, like http://localhost:5173; repeatable.",
)
def demo(
    listen: str,
    scenario: str,
    seed: int,
    speed: float,
    seconds: float | None,
    origins: tuple[str, ...],
) -> int:
    """Simulator, bridge and live page in one: see it work without an account.

    Four runs repeat: one fixes a bug, one fails with a reason, one asks and waits, one is
    cancelled; `--scenario lively --speed 8` shows a busy bridge instead. In addition, people and
    agents write in a moot space, and a MIOSA sandbox and build run.

    Only the upstream is simulated, with its limits, windows and streams. The journal is deleted at
    the end. A terminal shows the story; if stdout is a pipe or a file, it receives the records.
    """
    from bridge.loop import run  # noqa: PLC0415 - `--help` needs none of it

    with tempfile.TemporaryDirectory(prefix="mogplex-bridge-demo-") as directory:
        place = Place(Path(directory), listen, origins)
        run(lambda: _demo(place, scenario, seed, speed, seconds))
    return Exit.DONE


async def _demo(
    place: Place, scenario: str, seed: int, speed: float, seconds: float | None
) -> None:
    from bridge.core.errors import ConfigError  # noqa: PLC0415
    from bridge.simulator import Simulator  # noqa: PLC0415

    try:
        simulator = Simulator(scenario=scenario, seed=seed, speed=speed)
    except (ValueError, KeyError) as error:
        raise ConfigError(f"demo: {error}") from None
    born: asyncio.Queue[str] = asyncio.Queue()
    simulator.world.on_feed = born.put_nowait
    others = _Others(seed, speed)
    async with simulator, others.moot, others.miosa:
        config = others.begin(place.directory, simulator.url)
        await _bridge_on(simulator, born, place, config, seconds)


class _Others:
    """A simulated moot space, and a MIOSA sandbox and build."""

    def __init__(self, seed: int, speed: float) -> None:
        from bridge.simulator import MootSimulator  # noqa: PLC0415
        from bridge.simulator.miosa.server import Simulator as MiosaSimulator  # noqa: PLC0415

        self.moot = MootSimulator(seed=seed, speed=speed)
        self.miosa = MiosaSimulator(seed=seed, speed=speed / 2.0)

    def begin(self, directory: Path, url: str) -> Path:
        """Start the simulators; returns the configuration of a bridge on all three systems."""
        space = self.moot.create_space(
            "checkout-rounding", description="Totals that are off by a cent", events=6
        )
        self.moot.play(space, every_s=6.0)
        cloud = [self.miosa.create(kind) for kind in ("sandbox", "build")]
        for thing in cloud:
            self.miosa.play(thing, None if thing.kind == "sandbox" else 60.0)
        follow = ", ".join(f'"{thing.feed_id}"' for thing in cloud)
        config = directory / "bridge.toml"
        config.write_text(
            f"""
[[accounts]]
name = "default"
base_url = "{url}"
token_env = "MOGPLEX_TOKEN"
[[accounts]]
name = "spaces"
system = "moot"
base_url = "{self.moot.url}"
token_env = "DEMO_SPACES"
spaces = ["{space.id}"]
[[accounts]]
name = "cloud"
system = "miosa"
base_url = "{self.miosa.url}"
token_env = "DEMO_CLOUD"
follow = [{follow}]
"""
        )
        return config


async def _bridge_on(
    simulator: Any,
    born: asyncio.Queue[str],
    place: Place,
    config: Path,
    seconds: float | None,
) -> None:
    import sys  # noqa: PLC0415

    from bridge import log  # noqa: PLC0415
    from bridge.config import load_settings, resolve_accounts  # noqa: PLC0415
    from bridge.daemon.app import Bridge  # noqa: PLC0415
    from bridge.daemon.build import build_redactor  # noqa: PLC0415

    is_piped = is_stdout_writable() and not is_terminal(sys.stdout)
    settings = load_settings(
        config,
        {
            "listen": place.listen,
            "journal": f"sqlite:{place.directory / 'journal.db'}",
            "server.cors_origins": list(place.origins) or None,
            "ndjson": "-" if is_piped else None,
        },
        KEYS,
    )
    redactor = build_redactor(settings.redaction)
    log.configure(redactor.twin().value, level="warning")

    def ready(host: str, port: int) -> None:
        here = f"http://{host}:{port}"
        say(f"live page   {here}/")
        say(f"events      curl -N -H 'Accept: text/event-stream' '{here}/v1/events?tail=10'")
        say(f"runs        {here}/v1/runs")
        say(f"all feeds   {here}/v1/feeds")
        say(f"metrics     {here}/metrics")
        say(f"simulator   {simulator.url}/_sim/runs")
        say("Press Ctrl+C to stop.")
        if not is_piped:
            threading.Thread(target=_tell, args=(here,), daemon=True).start()

    accounts = resolve_accounts(settings, KEYS)
    bridge = Bridge(settings, accounts, redactor, on_ready=ready)
    try:
        await _with_its_side(bridge, born, seconds)
    except ExceptionGroup as errors:  # not except*: 3.11.2 wraps what is raised in it
        raise first_of(errors) from None


async def _with_its_side(bridge: Any, born: asyncio.Queue[str], seconds: float | None) -> None:
    async with TaskGroup() as group:
        side = [group.create_task(_follow_born(bridge, born), name="follow new runs")]
        if seconds is not None:
            side.append(group.create_task(_stop_after(bridge, seconds), name="stop"))
        await bridge.run()
        for task in side:
            task.cancel()


def _tell(url: str) -> None:
    """Print the story of the runs on this terminal, as `follow --url` does."""
    from bridge.cli.tailing import Tail, tail_bridge  # noqa: PLC0415
    from bridge.cli.telling import Manner  # noqa: PLC0415

    with contextlib.suppress(BridgeError, OSError):  # the demo ends, or the reader has gone
        tail_bridge(Tail(url, is_quiet=True), Manner(format="pretty"))


async def _follow_born(bridge: Any, born: asyncio.Queue[str]) -> None:
    await bridge.ready.wait()
    while True:
        await bridge.feeds.follow("run", await born.get())


async def _stop_after(bridge: Any, seconds: float) -> None:
    await bridge.ready.wait()
    await asyncio.sleep(seconds)
    bridge.stop()
