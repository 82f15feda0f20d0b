"""Requests of every system go through the proxy of their account."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.processes import TOKEN, environment, serve

pytestmark = pytest.mark.e2e

FEEDS = {  # with a key of the system's form
    "mogplex": ("run:6046c342-8d5e-4c8e-9d0a-2b1f6c7d8e9f", TOKEN),
    "moot": ("space:planning", "convo_key_" + "proxy000" * 3),
    "miosa": ("sandbox:6046c342-8d5e-4c8e-9d0a-2b1f6c7d8e9f", "msk_live_" + "proxy000" * 3),
}
WAIT_S = 30.0  # for machines slower than ours


@pytest.mark.parametrize("system", sorted(FEEDS))
async def test_an_account_does_not_pass_by_its_proxy(system: str, tmp_path: Path) -> None:
    feed, key = FEEDS[system]
    asked: asyncio.Queue[bytes] = asyncio.Queue()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.put_nowait(await reader.readline())
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    proxy = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    config = tmp_path / "bridge.toml"
    config.write_text(
        f'journal = "sqlite:{tmp_path / "journal.db"}"\n[[accounts]]\nname = "default"\n'
        f'system = "{system}"\nbase_url = "https://upstream.invalid"\n'
        f'token_env = "MOGPLEX_TOKEN"\nproxy = "http://127.0.0.1:{port}"\n'
    )
    options = ["--config", str(config), "--follow", f"default:{feed}"]
    async with proxy, serve(*options, env=environment(None, MOGPLEX_TOKEN=key)):
        async with asyncio.timeout(WAIT_S):
            line = await asked.get()
    assert line.startswith(b"CONNECT upstream.invalid:443 ")
