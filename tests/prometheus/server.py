"""A real Prometheus of one's own: free port, own storage, rules in quick motion."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml

PLACE = Path(__file__).parents[2] / "deploy" / "prometheus"
SCRAPE_S = 0.5
RATE_S = 4  # stands for $__rate_interval: eight scrapes
QUICKER = 60  # a minute of the rules is a second here
START_S = 20.0
# Ages in the rules, in seconds, that shrink with the windows.
_AGES = re.compile(r"(> 360|> 120|- 120)\b")
_DURATION = re.compile(r"(\d+)(s|m|h)\b")
_UNITS_S = {"s": 1, "m": 60, "h": 3600}


def program() -> str | None:
    return shutil.which("prometheus")


def quick(expr: str) -> str:
    """An expression of the rules with every window and age a sixtieth as long."""

    def shorter(match: re.Match[str]) -> str:
        ms = int(match[1]) * _UNITS_S[match[2]] * 1000 // QUICKER
        return f"{ms}ms"

    windows = re.sub(r"\[[^\]]*\]", lambda m: _DURATION.sub(shorter, m[0]), expr)
    return _AGES.sub(lambda m: f"{m[0][:2]}{int(m[0][2:]) / QUICKER:g}", windows)


def quick_rules() -> dict[str, Any]:
    """rules.yml in quick motion."""
    rules: dict[str, Any] = yaml.safe_load((PLACE / "rules.yml").read_text())
    for group in rules["groups"]:
        group["interval"] = "500ms"
        for rule in group["rules"]:
            rule["expr"] = quick(rule["expr"])
            if "for" in rule:
                rule["for"] = f"{int(rule['for'].removesuffix('m')) * 60 // QUICKER}s"
    return rules


@dataclass
class Prometheus:
    """The client of the API."""

    url: str
    session: aiohttp.ClientSession
    pid: int

    async def _get(self, path: str, params: Mapping[str, str]) -> Any:
        async with self.session.get(f"{self.url}/api/v1/{path}", params=params) as response:
            answer = orjson.loads(await response.read())
        if answer["status"] != "success":
            raise ValueError(f"{params}: {answer['errorType']}: {answer['error']}")
        return answer["data"]

    async def now(self, expr: str) -> list[dict[str, Any]]:
        """Instant vector. Raises ValueError for what Prometheus refuses."""
        data = await self._get("query", {"query": expr})
        return list(data["result"])

    async def over(
        self, expr: str, start: float, end: float, step_s: float
    ) -> list[dict[str, Any]]:
        """Series with their values over time, as `query_range` gives them."""
        params = {"query": expr, "start": f"{start}", "end": f"{end}", "step": f"{step_s}"}
        data = await self._get("query_range", params)
        return list(data["result"])

    async def exemplars(self, expr: str, start: float, end: float) -> list[dict[str, Any]]:
        params = {"query": expr, "start": f"{start}", "end": f"{end}"}
        return list(await self._get("query_exemplars", params))

    async def label_values(self, metric: str, label: str) -> list[str]:
        return list(await self._get(f"label/{label}/values", {"match[]": metric}))

    async def metric_names(self) -> list[str]:
        return list(await self._get("label/__name__/values", {}))

    async def firing(self) -> set[str]:
        data = await self._get("alerts", {})
        return {
            alert["labels"]["alertname"] for alert in data["alerts"] if alert["state"] == "firing"
        }

    async def until_scraped(self, count: int) -> None:
        """Wait until so many targets answered; the first scrape takes Prometheus five seconds."""
        async with asyncio.timeout(START_S):
            while len(await self.now("up == 1")) < count:
                await asyncio.sleep(0.1)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@asynccontextmanager
async def prometheus(targets: Sequence[str]) -> AsyncIterator[Prometheus]:
    """Start it on these HOST:PORT; it and its storage are gone at the end."""
    binary = program()
    assert binary is not None, "no prometheus here (Debian: apt-get install prometheus)"
    with tempfile.TemporaryDirectory(prefix="prometheus-") as name:
        place = Path(name)
        (place / "rules.yml").write_text(yaml.safe_dump(quick_rules()))
        scrape = {
            "job_name": "mogplex-bridge",
            "static_configs": [{"targets": list(targets)}],
        }
        config = {
            "global": {
                "scrape_interval": f"{int(SCRAPE_S * 1000)}ms",
                "scrape_timeout": f"{int(SCRAPE_S * 1000)}ms",
            },
            "rule_files": ["rules.yml"],
            "scrape_configs": [scrape],
        }
        (place / "prometheus.yml").write_text(yaml.safe_dump(config))
        address = f"127.0.0.1:{free_port()}"
        log = (place / "log").open("wb")
        process = await asyncio.create_subprocess_exec(
            binary, f"--config.file={place / 'prometheus.yml'}",
            f"--storage.tsdb.path={place / 'data'}", f"--web.listen-address={address}",
            "--enable-feature=exemplar-storage", "--log.level=warn",
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            async with aiohttp.ClientSession() as session:
                client = Prometheus(f"http://{address}", session, process.pid)
                await _until_ready(client, process, place / "log")
                yield client
        finally:
            log.close()
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _until_ready(client: Prometheus, process: Any, log: Path) -> None:
    async with asyncio.timeout(START_S):
        while True:
            assert process.returncode is None, log.read_text()[-2000:]
            try:
                async with client.session.get(f"{client.url}/-/ready") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
