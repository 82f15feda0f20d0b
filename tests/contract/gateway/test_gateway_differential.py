"""The same requests at the simulator and at the gateway before it: the same answers.

What is documented as ours is left out or named: answers to a request without a token (upstream
sends a browser to its sign-in page), ids that are no UUID (upstream: a fault of its database),
routes that are not passed on, and the list of runs. Of a refusal of the client's token the words
are ours, and it comes before everything else.
"""

from __future__ import annotations

import json
import random
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.simulator.mogplex.tokens import Rights
from tests.gateway_bridge import API, GatewayBridge, gateway_bridge, hashed

REQUESTS = 200
HEADERS = ("Content-Type", "Retry-After")
WRITER, READER, NOBODY = (f"mog_{name}{'x' * 18}" for name in ("Writer", "Reader", "Nobody"))
TOKENS = "".join(
    f'[[tokens]]\nname = "{name}"\nsha256 = "{hashed(token)}"\nscopes = {scopes}\n'
    for name, token, scopes in (
        ("writer", WRITER, '["read", "write"]'),
        ("reader", READER, '["read"]'),
    )
)
LIMITS = ("", "0", "-5", "999", "10abc", "1e3", "5.9", " 7", "+3", "x", "99999999999", "2")


class Draw:
    """Random requests of every route that both answer."""

    def __init__(self, seed: int, bridge: GatewayBridge, runs: list[Any]) -> None:
        self.random = random.Random(seed)
        self.account = bridge.sim.world.account
        self.runs = [run.id for run in runs]
        self.keys = [str(uuid.UUID(int=self.random.getrandbits(128))) for _ in range(4)]

    def who(self) -> str:
        """Mostly somebody who may."""
        return self.random.choice([WRITER] * 8 + [READER, NOBODY])

    def request(self) -> tuple[str, str, dict[str, str], bytes | None]:
        """Method, path, headers, body."""
        kind = self.random.choice(
            ["run", "events", "events", "stream404", "cursor", "repos", "sandboxes", "logs",
             "automations", "automation", "start", "start", "cancel404", "user", "models", "method"]
        )  # fmt: skip
        return getattr(self, kind)()

    def _id(self) -> str:
        one = self.random.choice(self.runs)
        unknown = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        return self.random.choice([one, one, one.upper(), unknown])

    def _limit(self) -> str:
        if self.random.random() < 0.3:
            return ""
        return f"limit={self.random.choice(LIMITS)}".replace(" ", "%20").replace("+", "%2B")

    def run(self) -> Any:
        return "GET", f"{API}/runs/{self._id()}", {}, None

    def events(self) -> Any:
        return "GET", f"{API}/runs/{self._id()}/events?{self._limit()}", {}, None

    def stream404(self) -> Any:
        unknown = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        return "GET", f"{API}/runs/{unknown}/events/stream", {}, None

    def cursor(self) -> Any:
        foreign = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        path = f"{API}/runs/{self.random.choice(self.runs)}/events/stream"
        return "GET", path, {"Last-Event-ID": foreign}, None

    def repos(self) -> Any:
        name = self.account.repos[0]["full_name"][:4]
        q = self.random.choice(
            ["", f"q={name}&", "q=nothing&", f"id={self.account.repos[0]['id']}&"]
        )
        return "GET", f"{API}/repos?{q}{self._limit()}", {}, None

    def sandboxes(self) -> Any:
        status = self.random.choice(["", "status=running&", "status=none&"])
        repo = self.random.choice(["", f"repo_id={self.account.repos[0]['id']}&"])
        return "GET", f"{API}/sandboxes?{status}{repo}{self._limit()}", {}, None

    def logs(self) -> Any:
        known = [row["id"] for row in self.account.sandboxes]
        return "GET", f"{API}/sandboxes/{self.random.choice([*known, self._id()])}/logs", {}, None

    def automations(self) -> Any:
        cursor = self.random.choice(["", "cursor=MQ%3D%3D&", "cursor=broken&"])
        return "GET", f"{API}/automations?{cursor}{self._limit()}", {}, None

    def automation(self) -> Any:
        known = [row["id"] for row in self.account.automations]
        rest = self.random.choice(["", "/runs", f"/runs/{self._id()}"])
        return (
            "GET",
            f"{API}/automations/{self.random.choice([*known, self._id()])}{rest}",
            {},
            None,
        )

    def start(self) -> Any:
        key = self.random.choice([*self.keys, "", "k" * 201])
        body: Any = {
            "repoId": self.random.choice([self.account.repos[0]["id"], self._id(), "", None]),
            "prompt": self.random.choice(["Fix it", " ", None, 7]),
            "harness": self.random.choice(["codex", "claude-code", "other"]),
            "createBranch": True,
        }
        raw = self.random.choice([json.dumps(body).encode()] * 4 + [b"{", b""])
        headers = {"Idempotency-Key": key} if key else {}
        return "POST", f"{API}/runs", headers, raw

    def cancel404(self) -> Any:
        unknown = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        return "POST", f"{API}/runs/{unknown}/cancel", {}, None

    def user(self) -> Any:
        return "GET", "/api/auth/user", {}, None

    def models(self) -> Any:
        return "GET", "/api/models" + self.random.choice(["", "?format=cli"]), {}, None

    def method(self) -> Any:
        method = self.random.choice(["PUT", "DELETE", "PATCH", "POST"])
        return method, f"{API}/runs/{self.random.choice(self.runs)}/events", {}, None


def comparable(body: bytes) -> Any:
    """JSON without what differs by nature: ids and times of runs that each side started anew."""
    try:
        found = json.loads(body)
    except ValueError:
        return body
    data = found.get("data") if isinstance(found, dict) else None
    if isinstance(data, dict) and "replayed" in data:
        return {"replayed": data["replayed"], "keys": sorted(data)}
    return found


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_same_requests_get_the_same_answers(seed: int, tmp_path: Path) -> None:
    async with gateway_bridge(tokens=TOKENS, directory=tmp_path) as bridge:
        bridge.sim.world.tokens.set(READER, Rights(scopes=("read",)))
        bridge.sim.world.tokens.set(NOBODY, Rights(valid=False))
        runs = [bridge.sim.create_run(events=n) for n in (3, 90, 150)]
        for run in runs:
            await bridge.follows.follow("run", run.id, "default")
            bridge.sim.finish(run)
        await bridge.until(lambda: all(bridge.state(run.id).ended for run in runs))
        draw = Draw(seed, bridge, runs)
        differences = []
        direct = {"Accept-Encoding": "identity"}
        async with aiohttp.ClientSession(headers=direct) as upstream:
            for number in range(REQUESTS):
                method, path, headers, body = draw.request()
                who = draw.who()
                answers = []
                for session, url in ((upstream, bridge.sim.url), (bridge.session, bridge.url)):
                    # Each side has keys of its own: the second use of one is a replay.
                    own = {k: v.replace("-", str(len(answers))) for k, v in headers.items()}
                    if "Last-Event-ID" in headers:
                        own = headers
                    own = {**own, "Authorization": f"Bearer {who}"}
                    async with session.request(
                        method, url + path, headers=own, data=body, allow_redirects=False
                    ) as answer:
                        whole = await answer.read()
                        named = {name: answer.headers.get(name) for name in HEADERS}
                        if not whole:
                            named.pop("Content-Type")
                        kind = (named.get("Content-Type") or "").partition(";")[0]
                        if kind:
                            named["Content-Type"] = kind
                        answers.append((answer.status, named, comparable(whole)))
                if answers[0] != answers[1] and not _is_ours(method, path, who, answers):
                    differences.append((number, method, path, who, headers, body, *answers))
        assert differences == []


def _is_ours(method: str, path: str, who: str, answers: list[Any]) -> bool:
    """Documented differences."""
    status, our_status = answers[0][0], answers[1][0]
    if who == NOBODY:  # upstream: null instead of a user, 405 whoever asks
        is_known = status == 401 or path == "/api/auth/user" or status == 405
        return our_status == 401 and answers[1][2]["error"]["code"] == "UNAUTHORIZED" and is_known
    if our_status == status == 403:
        return bool(answers[0][2]["error"]["code"] == answers[1][2]["error"]["code"])
    if method == "POST" and path.endswith("/runs") and our_status == 400:
        return status in (400, 404, 500, 503)  # found wrong here, before it costs a start
    return False
