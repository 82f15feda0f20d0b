"""A gateway on a real socket in front of a simulator, with the whole way in between, on virtual
time: `tests/contract/gateway/conftest.py` brings the loop.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bridge.config import ResolvedAccount
from bridge.daemon.build import build_following
from bridge.daemon.gateway import GatewayRuns, Gateways, dialects
from bridge.daemon.serving import Parts, build_server
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.outputs.gateway.port import GatewaySettings
from bridge.outputs.http.groups import Policy
from bridge.outputs.http.token_access import TokenAccess
from bridge.outputs.http.tokens import Tokens as AccessTokens
from bridge.redact import Redactor
from bridge.simulator import Simulator
from bridge.sources.mogplex.settings import MogplexAccount
from tests.accounts import Tokens
from tests.http_bridge import TwoChecks
from tests.stages.stage import loop_clock
from tests.virtual_clock import VirtualClock

API = "/api/v1/mogplex"


class GatewayBridge:
    """What a test holds in its hand."""

    sim: Simulator
    journal: MemoryJournal
    metrics: Metrics
    url: str
    session: aiohttp.ClientSession
    follows: Any
    server: Any
    headers: dict[str, str]
    gateways: Any  # runs by dialect

    async def call(
        self, method: str, path: str, *, body: Any = None, raw: Any = None, **headers: str
    ) -> tuple[int, Mapping[str, str], Any]:
        """One request: status, headers, JSON (or bytes when it is none)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        async with self.session.request(
            method, self.url + path, data=data, headers={**self.headers, **named},
            allow_redirects=False,
        ) as answer:  # fmt: skip
            whole = await answer.read()
            try:
                return answer.status, answer.headers, json.loads(whole)
            except ValueError:
                return answer.status, answer.headers, whole

    async def get(self, path: str, **headers: str) -> Any:
        """The `data` of a good answer."""
        status, _, found = await self.call("GET", API + path, **headers)
        assert status == 200, found
        assert found["ok"] is True
        return found["data"]

    def asked(self, endpoint: str | None = None) -> int:
        """Requests that upstream got."""
        return sum(endpoint in (None, record.endpoint) for record in self.sim.world.log.records)

    async def until(self, condition: Any, within_s: float = 60.0) -> None:
        async with asyncio.timeout(within_s):
            while not condition():
                await asyncio.sleep(0.1)

    def state(self, run_id: str) -> Any:
        """What was seen of a run."""
        (entry,) = self.follows.known("run", run_id)
        return entry.feed.state

    def sample(self, name: str, **labels: str) -> float:
        value = self.metrics.registry.get_sample_value(f"mogplex_bridge_{name}", labels)
        assert value is not None, name
        return value

    async def followed(self, *, events: int = 30, ends: bool = True) -> Any:
        """A run of the simulator that the bridge has read to its end."""
        run = self.sim.create_run(events=min(events, 100))  # upstream shows 200 at most
        await self.follows.follow("run", run.id, "default")
        while len(run.commits) < events:
            await self.until(lambda: self.state(run.id).events >= len(run.commits))
            self.sim.append(run, min(100, events - len(run.commits)))
        if ends:
            self.sim.finish(run)
            await self.until(lambda: self.state(run.id).ended)
        else:
            await self.until(lambda: self.state(run.id).events >= events)
        return run

    def start_body(self, **more: Any) -> dict[str, Any]:
        """What starts a run."""
        return {"repoId": self.sim.world.account.repos[0]["id"], "prompt": "Fix it", **more}


async def no_metrics(_: str) -> tuple[bytes, str]:
    return b"", "text/plain"


def ids(found: Any) -> list[str]:
    """Of the events of a page."""
    return [event["id"] for event in found["events"]]


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@asynccontextmanager
async def gateway_bridge(
    *,
    knobs: Mapping[str, object] | None = None,
    settings: GatewaySettings | None = None,
    tokens: str | None = None,
    directory: Path | None = None,
    accounts: tuple[str, ...] = ("default",),
    requests_per_minute: int = 6000,
    journal: MemoryJournal | None = None,
    sim: Simulator | None = None,
    policy: Policy | None = None,
) -> AsyncIterator[GatewayBridge]:
    """`tokens` is the text of a tokens file; without it this machine may do all."""
    bridge = GatewayBridge()
    bridge.journal = journal or MemoryJournal(records_max=10**6, bytes_max=2**30)
    clock, redactor = VirtualClock(asyncio.get_running_loop()), Redactor()
    bridge.metrics = metrics = Metrics()
    bridge.headers = {}
    made = sim or Simulator(
        knobs={"limiter": "off", "run_start_limiter": "off", **(knobs or {})}, clock=loop_clock()
    )
    async with asyncio.TaskGroup() as tasks:
        if sim is None:
            await made.__aenter__()
        bridge.sim = made
        following = build_following(
            bridge.journal, redactor, metrics, clock, default_account=accounts[0]
        )
        bridge.follows = following.follows
        await following.accounts.change([
            ResolvedAccount(
                MogplexAccount(
                    name=name, token_env="T", requests_per_minute=requests_per_minute,
                    min_interval=0.5,
                ),
                made.url,
                Tokens(),
            )
            for name in accounts
        ])  # fmt: skip
        following.follows.restore(await bridge.journal.wishes(), await bridge.journal.states())
        access = None
        if tokens is not None:
            assert directory is not None
            (directory / "tokens.toml").write_text(tokens)
            access = TokenAccess(AccessTokens(directory / "tokens.toml"), clock)
        runs = {d: GatewayRuns(d, following.follows, following.accounts) for d in dialects()}
        parts = Parts(
            bridge.journal, following.follows, TwoChecks(), metrics,
            no_metrics, redactor, clock,
        )  # fmt: skip
        bridge.gateways = runs
        gateways = Gateways(runs, settings or GatewaySettings())
        server = build_server(parts, access=access, gateways=gateways, policy=policy)
        host, port = await server.start("127.0.0.1", 0)
        bridge.server = server
        bridge.url = f"http://{host}:{port}"
        running = [
            tasks.create_task(following.accounts.run()),
            tasks.create_task(following.follows.run()),
            tasks.create_task(server.run()),
        ]
        plain = {"Accept-Encoding": "identity"}
        try:
            async with aiohttp.ClientSession(headers=plain) as bridge.session:
                yield bridge
        finally:
            for task in running:
                task.cancel()
            await asyncio.wait(running)
            await server.close()
            await following.accounts.close()
            if sim is None:
                await made.__aexit__(None, None, None)
