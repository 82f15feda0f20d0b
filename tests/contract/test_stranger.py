"""A system that the package does not know, from its settings to every output.

Nothing is changed for it: it is registered, and everything else follows from its wing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from bridge import systems
from bridge.config import load, resolve_accounts
from bridge.config.load import SettingsError
from bridge.daemon.app import Bridge
from bridge.redact import Redactor
from tests.stranger.system import STRANGER, World

ODD = "Ab/1 ü"
ODD_SOURCE = "/stranger/odd/channels/Ab%2F1%20%C3%BC"
NOTE = "org.stranger.channel.event.note"
KEY = {"STRANGER_KEY": "strange_1234567890abcdef"}
WITHIN_S = 20.0


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    systems.register(STRANGER)
    for name, key in KEY.items():
        monkeypatch.setenv(name, key)  # a reload reads the environment again
    yield
    systems.unregister(STRANGER)


class House:
    """Files of a bridge, and the world it looks at."""

    def __init__(self, directory: Path) -> None:
        self.world = World("https://stranger.example")
        self.world.channels = {ODD: ["first", "password=hunter2hunter2"], "found": ["x"]}
        self.file = directory / "bridge.toml"
        self.output = directory / "events.ndjson"
        self.journal = directory / "journal.db"
        self.write()

    def write(self, more: str = "") -> None:
        self.file.write_text(
            f'listen = "127.0.0.1:0"\njournal = "sqlite:{self.journal}"\n'
            f'[[accounts]]\nname = "odd"\nsystem = "stranger"\nchannels = ["{ODD}"]\n{more}\n'
            f'[[outputs]]\npath = "{self.output}"\nnaming = "fixed"\n'
        )

    def load(self) -> Any:
        return load(self.file, environ=KEY)

    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.output.read_bytes().splitlines()]


class Served:
    """A bridge that runs in this process."""

    def __init__(self, bridge: Bridge, url: str, client: aiohttp.ClientSession) -> None:
        self.bridge, self.url, self.client = bridge, url, client

    async def page(self, **query: str) -> list[dict[str, Any]]:
        params = {"after": "0", "limit": "1000", **query}
        async with self.client.get(f"{self.url}/v1/events", params=params) as answer:
            assert answer.status == 200, await answer.text()
            return list((await answer.json())["records"])

    async def notes(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many notes in all."""
        async with asyncio.timeout(WITHIN_S):
            while len(found := [r for r in await self.page() if r["type"] == NOTE]) < count:
                await asyncio.sleep(0.02)
        return found

    async def text(self, path: str) -> str:
        async with self.client.get(self.url + path) as answer:
            return await answer.text()


@asynccontextmanager
async def served(house: House) -> AsyncIterator[Served]:
    settings = house.load().settings
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    bridge = Bridge(
        settings,
        resolve_accounts(settings, KEY),
        Redactor(),
        load=house.load,
        on_ready=lambda host, port: address.set_result(f"http://{host}:{port}"),
    )
    async with aiohttp.ClientSession() as client, asyncio.TaskGroup() as group:
        group.create_task(bridge.run(handle_signals=False))
        async with asyncio.timeout(WITHIN_S):
            url = await address
        try:
            yield Served(bridge, url, client)
        finally:
            bridge.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_stranger_runs_from_settings_to_page_stream_socket_file_and_metrics(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    async with served(house) as at:
        first, second = await at.notes(2)
        assert (first["source"], first["subject"]) == (ODD_SOURCE, ODD)
        assert first["data"] == {"text": "first"}
        assert "hunter2" not in second["data"]["text"]
        assert "runstatus" not in first

        sse = {"Accept": "text/event-stream"}
        events = f"{at.url}/v1/events"
        async with (
            at.client.get(events, headers=sse) as stream,
            at.client.ws_connect(events) as socket,
        ):
            house.world.channels[ODD].append("third")
            async with asyncio.timeout(WITHIN_S):
                told = orjson.loads((await socket.receive()).data)
                assert (told["source"], told["data"]) == (ODD_SOURCE, {"text": "third"})
                while b'"third"' not in await stream.content.readline():
                    pass

        await until(lambda: len(house.lines()) == 3)
        assert [line["id"] for line in house.lines()] == ["n0", "n1", "n2"]
        (view,) = at.bridge.feeds.views("channel")
        assert (view["id"], view["state"], view["following"]) == (ODD, "pending", "following")

        metrics = await at.text("/metrics")
        own = 'mogplex_bridge_feeds{account="odd",kind="channel",state="pending"} 1.0'
        assert own in metrics
        assert 'mogplex_bridge_events_total{account="odd",event_type="note"} 3.0' in metrics
        assert 'mogplex_bridge_notes_seen_total{account="odd",tone="calm"}' in metrics
        of_account = [line for line in metrics.splitlines() if 'account="odd"' in line]
        strange = ("streaming", "tool_started", "runs.events", "UNAUTHORIZED", 'kind="run"')
        assert not [line for line in of_account for word in strange if word in line]
        assert "a stranger, and fine" in await at.text("/healthz")


async def test_discovery_comes_by_a_reload_and_never_overrules_an_operator(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with served(house) as at:
        await at.notes(2)
        house.write("discover = true")
        at.bridge.reload()
        assert (await at.notes(3))[-1]["subject"] == "found"
        assert await at.bridge.feeds.unfollow("channel", "found")
        house.world.channels["found"].append("not to be seen")
        house.world.channels[ODD].append("after it")
        assert (await at.notes(4))[-1]["data"] == {"text": "after it"}
    async with served(house) as at:
        house.world.channels[ODD].append("after the restart")
        notes = await at.notes(5)
        assert [n["data"]["text"] for n in notes][-2:] == ["after it", "after the restart"]
        words = {view["id"]: view["following"] for view in at.bridge.feeds.views()}
        assert words == {ODD: "following", "found": "stopped"}
    ids = [(line["source"], line["id"]) for line in house.lines()]
    assert len(ids) == len(set(ids)) == 5


def test_its_settings_are_checked_like_all_others(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    table = '[[accounts]]\nsystem = "stranger"\n'
    file.write_text(table + 'runs = ["3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f"]\n')
    with pytest.raises(SettingsError, match=r"bridge.toml:3: .*a setting of .* system \"mogplex\""):
        load(file, environ=KEY)
    file.write_text('[[accounts]]\nsystem = "mogplex"\nchannels = ["a"]\n')
    with pytest.raises(SettingsError, match='"stranger"'):
        load(file, environ=KEY)
    file.write_text(table.replace("stranger", "strangr"))
    with pytest.raises(SettingsError, match='did you mean "stranger"'):
        load(file, environ=KEY)
    loaded = load(None, {"system": "stranger", "follow": (f"stranger:channel:{ODD}",)}, KEY)
    assert loaded.settings.default_account.listed() == [("channel", ODD)]
    (account,) = resolve_accounts(loaded.settings, KEY)
    assert account.tokens.token() == KEY["STRANGER_KEY"]
