"""The gateway's part of `/openapi.json`: exactly its routes, and what they answer."""

from __future__ import annotations

import json
import re
import uuid
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bridge.metrics.words import HTTP_GROUPS
from bridge.sources.mogplex.dialect import MogplexDialect
from tests.gateway_bridge import API, GatewayBridge, gateway_bridge, hashed

DIALECT = MogplexDialect()
OURS: dict[str, Any] = json.loads(DIALECT.description())
OWN = json.loads((resources.files("bridge.outputs.http") / "openapi.json").read_bytes())
PARTS = {
    kind: {**OWN["components"].get(kind, {}), **OURS["components"].get(kind, {})}
    for kind in {*OWN["components"], *OURS["components"]}
}
UUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
OPERATIONS = [
    (method, path)
    for path, item in OURS["paths"].items()
    for method in item
    if method != "parameters"
]


def found(kind: str, value: Any) -> Any:
    """What a reference leads to."""
    if "$ref" not in value:
        return value
    return PARTS[kind][value["$ref"].removeprefix(f"#/components/{kind}/")]


def query_of(path: str, method: str) -> set[str]:
    named = [found("parameters", one) for one in OURS["paths"][path][method]["parameters"]]
    return {one["name"] for one in named if one["in"] == "query"}


async def test_the_description_lists_exactly_the_routes_of_the_gateway() -> None:
    async with gateway_bridge() as bridge:
        async with bridge.session.get(bridge.url + "/openapi.json") as answer:
            served = await answer.json()
        routes = {
            (route.method, route.resource.canonical)
            for route in bridge.server._app.router.routes()
            if route.resource.canonical.startswith("/api/")
            and route.method not in ("HEAD", "*")  # what is passed on is below
        }
    assert set(served["paths"]) == {*OWN["paths"], *OURS["paths"]}
    assert served["components"] == PARTS
    nameless = re.compile(r"\{\w+\}")
    passed_on = {
        ("GET", nameless.sub("{}", forward.path.pattern.replace(UUID, "{id}")))
        for forward in DIALECT.forwards
    }
    described = {(method.upper(), nameless.sub("{}", path)) for method, path in OPERATIONS}
    assert described == passed_on | {(method, nameless.sub("{}", path)) for method, path in routes}


async def test_every_group_of_routes_has_its_series_from_the_start() -> None:
    """A series that appears with its first request has no rate for that request."""
    async with gateway_bridge() as bridge:
        assert {group.name for group in bridge.server._groups} <= set(HTTP_GROUPS)


def test_what_is_passed_on_of_a_question_is_described() -> None:
    for forward in DIALECT.forwards:
        text = forward.path.pattern.replace(UUID, str(uuid.uuid4()))
        (path,) = [
            path
            for path in OURS["paths"]
            if re.fullmatch(re.sub(r"\{\w+\}", UUID, path), text) is not None
        ]
        assert query_of(path, "get") == forward.query, path


def test_names_are_used_once_and_references_lead_somewhere() -> None:
    for kind, named in OURS["components"].items():
        assert not set(named) & set(OWN["components"].get(kind, {})), kind
    ids = [OURS["paths"][path][method]["operationId"] for method, path in OPERATIONS]
    assert len(ids) == len(set(ids))
    for kind, name in re.findall(r'"#/components/(\w+)/(\w+)"', json.dumps(OURS)):
        assert name in PARTS[kind]
    assert not set(OURS["paths"]) & set(OWN["paths"])


@pytest.mark.parametrize("who", ["good", "nobody", "reader"])
async def test_every_answer_is_as_described(who: str, tmp_path: Path) -> None:
    tokens = "".join(
        f'[[tokens]]\nname = "{name}"\nsha256 = "{hashed(name)}"\nscopes = {scopes}\n'
        for name, scopes in (("good", '["read", "write"]'), ("reader", '["read"]'))
    )
    async with gateway_bridge(tokens=tokens, directory=tmp_path) as bridge:
        run = await bridge.followed(events=3)
        account = bridge.sim.world.account
        bridge.headers = {"Authorization": f"Bearer {who}"}
        automation = account.automations[0]["id"]
        answered = set()
        for method, path in OPERATIONS:
            for run_id in (run.id, str(uuid.uuid4())):
                target = path.replace("{runId}", run_id).replace("{id}", automation)
                if "/sandboxes/" in path:
                    target = path.replace("{id}", account.sandboxes[0]["id"])
                if "/automations/" in path and run_id == run.id:
                    known = account.automation_runs[automation][0]["id"]
                    target = target.replace(run_id, known)
                answered.add(await answer_of(bridge, method, path, target))
    statuses = {status for _, _, status in answered}
    good = {(method, path) for method, path, status in answered if 200 <= status < 300}
    assert statuses == {"good": {200, 202, 404}, "nobody": {401}, "reader": {200, 403, 404}}[who]
    assert (
        good
        == {
            "good": set(OPERATIONS),
            "nobody": set(),
            "reader": {one for one in OPERATIONS if one[0] == "get"},
        }[who]
    )


async def answer_of(
    bridge: GatewayBridge, method: str, path: str, target: str
) -> tuple[str, str, int]:
    """Ask; what came must be one of the answers that are described."""
    body = bridge.start_body() if path == f"{API}/runs" else None
    status, headers, said = await bridge.call(
        method.upper(), target, body=body if method == "post" else None,
        Idempotency_Key=str(uuid.uuid4()),
    )  # fmt: skip
    described = OURS["paths"][path][method]["responses"]
    assert str(status) in described, (method, target, status, said)
    content = found("responses", described[str(status)])["content"]
    kind = headers["Content-Type"].partition(";")[0]
    schema = {**content[kind]["schema"], "components": PARTS}
    if kind == "application/json":
        jsonschema.validate(said, schema)
    return method, path, status
