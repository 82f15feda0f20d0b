"""The compose files: parsed by the specification's rules, their parts started without Docker."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import importlib
import os
import re
import sys
import tomllib
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge import __version__
from bridge.config import load
from bridge.journal.jetstream.address import parse
from bridge.simulator import Simulator
from tests.deploy.checks import DRAIN_S, LAST_WRITES_S, ROOT, TOOLS, missing, run, tool
from tests.e2e.processes import environment, serve
from tests.e2e.replicas import WAIT_S, Replicas
from tests.nats_server import NatsCluster, binary

HERE = ROOT / "deploy/compose"
STACKS = {
    "simulator": ("compose.yml", "simulator.yml"),
    "token": ("compose.yml", "token.yml"),
    "replicas": ("replicas.yml",),
}


def merged(*names: str) -> dict[str, Any]:
    """As compose merges: mappings by key, volumes by where they are mounted; all else is replaced,
    of which ours have no more.
    """

    def merge(under: Any, over: Any) -> Any:
        if isinstance(under, dict) and isinstance(over, dict):
            both = {key: merge(under[key], over[key]) for key in under.keys() & over.keys()}
            return {**under, **over, **both}
        if isinstance(under, list) and all(":/" in str(item) for item in [*under, *over]):
            by_target = {item.split(":")[1]: item for item in [*under, *over]}
            return list(by_target.values())
        return over

    result: dict[str, Any] = {}
    for name in names:
        result = merge(result, yaml.safe_load((HERE / name).read_text()))
    return copy.deepcopy(result)


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> dict[str, Any]:
    return merged(*STACKS[request.param])


def specification() -> Any:
    if not (TOOLS / "packages/compose_spec").is_dir():
        missing("compose-spec")
    sys.path.append(str(TOOLS / "packages"))
    try:
        return importlib.import_module("compose_spec").PyCompose
    except ImportError:
        missing(f"compose-spec for Python {sys.version_info[0]}.{sys.version_info[1]}")
    finally:
        sys.path.remove(str(TOOLS / "packages"))


def test_the_specification_accepts_the_stack(stack: dict[str, Any]) -> None:
    parsed = specification().from_yaml(yaml.safe_dump(stack))
    assert set(parsed.service_names()) == set(stack["services"])


@pytest.mark.parametrize("fault", [{"imagee": "x"}, {"ports": ["x:y:z:1"]}, {"read_only": "maybe"}])
def test_the_specification_sees_a_fault(fault: dict[str, Any]) -> None:
    stack = merged(*STACKS["token"])
    stack["services"]["bridge"] |= fault
    with pytest.raises(ValueError, match=r"services\.bridge"):
        specification().from_yaml(yaml.safe_dump(stack))


def test_every_service_is_hardened_and_checked(stack: dict[str, Any]) -> None:
    for name, service in stack["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["healthcheck"]["test"][0] == "CMD", name  # no shell is needed
        assert "privileged" not in service, name
        image, _, tag = service["image"].partition(":")
        assert re.fullmatch(r"v?\d+\.\d+\.\d+(-alpine)?", tag), image
        if image == "mogplex-bridge":
            assert tag == __version__


def test_only_this_machine_reaches_it(stack: dict[str, Any]) -> None:
    ports = [port for service in stack["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)
    assert len({port.split(":")[1] for port in ports}) == len(ports)
    assert not any("network_mode" in service for service in stack["services"].values())


def test_a_service_starts_when_what_it_needs_is_healthy(stack: dict[str, Any]) -> None:
    for service in stack["services"].values():
        for needed, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in stack["services"][needed]


def test_what_is_mounted_is_there(stack: dict[str, Any]) -> None:
    for service in stack["services"].values():
        targets = []
        for volume in service.get("volumes", []):
            source, target, *mode = volume.split(":")
            targets.append(target)
            if source.startswith("."):
                assert (HERE / source).exists(), source
                assert mode == ["ro"], volume
            else:
                assert source in stack["volumes"], volume
        assert len(set(targets)) == len(targets)
        if "build" in service:
            context = HERE / service["build"]["context"]
            assert (context / service["build"]["dockerfile"]).is_file()


def bridge_of(name: str) -> dict[str, Any]:
    """The bridge of a stack, or the first of several that are alike."""
    services = merged(*STACKS[name])["services"]
    found = [service for key, service in services.items() if key.startswith("bridge")]
    assert found
    assert all(service == found[0] for service in found)
    return dict(found[0])


@pytest.mark.parametrize("name", STACKS)
def test_the_bridge_has_the_time_it_takes_to_stop(name: str) -> None:
    grace = bridge_of(name)["stop_grace_period"]
    assert int(grace.removesuffix("s")) > DRAIN_S + LAST_WRITES_S


def test_invented_runs_are_not_in_the_journal_that_a_token_is_used_with() -> None:
    """They would be asked for upstream, one request after the other."""

    def journals(name: str) -> set[str]:
        services = merged(*STACKS[name])["services"]
        mounts = [
            v.split(":") for n in ("bridge", "runs") for v in services.get(n, {}).get("volumes", [])
        ]
        return {source for source, target, *_ in mounts if target == "/var/lib/mogplex-bridge"}

    assert journals("simulator") == {"simulated"}
    assert journals("token") == {"state"}


@pytest.mark.parametrize("name", STACKS)
def test_the_program_accepts_what_the_bridge_is_given(name: str) -> None:
    bridge = bridge_of(name)
    env = bridge["environment"]
    config = HERE / "conf" / Path(env["MOGPLEX_BRIDGE_CONFIG"]).name
    command, *args = bridge["command"]
    assert command == "serve"
    listen = args[args.index("--listen") + 1]
    settings = load(config, {"listen": listen}, env).settings
    assert settings.auth is not None
    assert settings.auth.tokens_file == "/etc/mogplex-bridge/tokens.toml"
    account = settings.accounts[0]
    assert (
        account.token_env == "MOGPLEX_TOKEN" or account.token_file == "/etc/mogplex-bridge/mogplex"
    )
    assert (account.base_url == "https://mogplex.com") == (name == "token")


def test_the_token_of_the_demonstration_opens_it_and_says_what_it_is() -> None:
    token = (HERE / "conf/reader.token").read_text().strip()
    (entry,) = tomllib.loads((HERE / "conf/tokens.toml").read_text())["tokens"]
    assert entry["sha256"] == hashlib.sha256(token.encode()).hexdigest()
    assert "not-a-secret" in token


def test_prometheus_accepts_its_configuration(tmp_path: Path) -> None:
    stack = merged("compose.yml")
    mounts = {
        volume.split(":")[1]: HERE / volume.split(":")[0]
        for volume in stack["services"]["prometheus"]["volumes"]
    }
    text = mounts["/etc/prometheus/prometheus.yml"].read_text()
    for target, source in mounts.items():
        if source.is_file():
            (tmp_path / Path(target).name).write_text(source.read_text())
    text = text.replace("/etc/prometheus", str(tmp_path))
    (tmp_path / "prometheus.yml").write_text(text)
    code, out, err = run(tool("promtool"), "check", "config", tmp_path / "prometheus.yml")
    assert code == 0, out + err
    (job,) = yaml.safe_load(text)["scrape_configs"]
    assert job["job_name"] == "mogplex-bridge"
    assert job["static_configs"] == [{"targets": ["bridge:8080"]}]


def test_grafana_finds_its_source_and_the_dashboards() -> None:
    stack = merged("compose.yml")
    grafana = stack["services"]["grafana"]
    mounts = {v.split(":")[1]: v.split(":")[0] for v in grafana["volumes"]}
    provisioning = HERE / mounts["/etc/grafana/provisioning"]
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load((provisioning / "dashboards/mogplex-bridge.yml").read_text())[
        "providers"
    ]
    boards = HERE / mounts[provider["options"]["path"]]
    assert (boards / "overview.json").is_file()
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (boards / Path(home).relative_to(provider["options"]["path"])).is_file()


async def test_the_nodes_of_nats_and_the_journal_of_the_bridges_fit(tmp_path: Path) -> None:
    """The server's own check of its file; hosts and ports are those of the services."""
    services = merged(*STACKS["replicas"])["services"]
    nodes = [name for name in services if name.startswith("nats-")]
    assert [services[name]["environment"]["NODE"] for name in nodes] == nodes
    text = (HERE / "conf/nats.conf").read_text()
    assert re.findall(r"nats://(nats-\d):6222", text) == nodes
    assert "sync_interval: always" in text
    assert {v.split(":")[1] for v in services["nats-1"]["volumes"]} == {"/etc/nats", "/data"}
    env = {**os.environ, "NODE": "nats-1"}
    done = await asyncio.create_subprocess_exec(
        binary(), "-t", "-c", HERE / "conf/nats.conf", env=env
    )
    assert await done.wait() == 0
    settings = load(HERE / "conf/replicas.toml", {}, {}).settings
    address = parse(settings.journal)
    assert [server.removeprefix("nats://") for server in address.servers] == [
        f"{node}:4222" for node in nodes
    ]
    assert address.replicas == len(nodes)


def test_caddy_asks_every_bridge_and_none_besides() -> None:
    services = merged(*STACKS["replicas"])["services"]
    (line,) = re.findall(r"reverse_proxy (.*) {", (HERE / "conf/Caddyfile").read_text())
    assert line.split() == [f"{name}:8080" for name in services if name.startswith("bridge-")]
    assert services["caddy"]["ports"] == ["127.0.0.1:8080:8080"]


@pytest.mark.e2e
async def test_the_stack_of_replicas_without_docker(tmp_path: Path) -> None:
    """The same files; the nodes' addresses and directories are this test's."""
    cluster = NatsCluster(tmp_path)
    await asyncio.to_thread(cluster.start)
    bridge = bridge_of("replicas")
    token = (HERE / "conf/reader.token").read_text().strip()
    reader = {"Authorization": f"Bearer {token}"}
    try:
        async with Simulator() as sim, AsyncExitStack() as stack:
            hosts = ",".join(f"127.0.0.1:{node.port}" for node in cluster.nodes)
            env = environment(
                None,
                MOGPLEX_TOKEN=bridge["environment"]["MOGPLEX_TOKEN"],
                MOGPLEX_BASE_URL=sim.url,
                MOGPLEX_BRIDGE_AUTH__TOKENS_FILE=str(HERE / "conf/tokens.toml"),
                MOGPLEX_BRIDGE_JOURNAL=f"nats://{hosts}/BRIDGE",
            )
            replicas = Replicas(stack, [["--config", str(HERE / "conf/replicas.toml")]] * 3, env)
            for number in range(3):
                await replicas.start(number)
            run = sim.create_run(events=5)
            sim.finish(run)
            first, _, last = replicas.running.values()
            assert await first.status("PUT", f"/v1/runs/{run.id}", **reader) in (200, 201)
            async with asyncio.timeout(WAIT_S):
                while await last.status("GET", f"/v1/runs/{run.id}", **reader) != 200:
                    await asyncio.sleep(0.1)
    finally:
        cluster.kill()


@pytest.mark.e2e
async def test_the_stack_of_the_simulator_without_docker(tmp_path: Path) -> None:
    """The same files and arguments; only the addresses and directories are this test's."""
    services = merged(*STACKS["simulator"])["services"]
    async with Simulator(scenario="lively", speed=8.0) as sim:
        runs = tmp_path / "runs.txt"
        script = HERE / services["runs"]["volumes"][0].split(":")[0]
        path = services["runs"]["command"][0].partition(":9090")[2]
        lister = await asyncio.create_subprocess_exec(
            sys.executable, script, sim.url + path, runs, env=dict(os.environ)
        )
        try:
            async with asyncio.timeout(20):
                while not (runs.exists() and runs.read_text().strip()):
                    await asyncio.sleep(0.05)
            env = environment(
                None,
                MOGPLEX_TOKEN=services["bridge"]["environment"]["MOGPLEX_TOKEN"],
                MOGPLEX_BASE_URL=sim.url,
                MOGPLEX_BRIDGE_AUTH__TOKENS_FILE=str(HERE / "conf/tokens.toml"),
                MOGPLEX_BRIDGE_JOURNAL=f"sqlite:{tmp_path / 'journal.db'}",
            )
            config = HERE / "conf/simulator.toml"
            async with serve("--config", str(config), "--runs-from", str(runs), env=env) as daemon:
                reader = {
                    "Authorization": f"Bearer {(HERE / 'conf/reader.token').read_text().strip()}"
                }
                assert await daemon.status("GET", "/metrics") == 401
                assert await daemon.status("GET", "/metrics", **reader) == 200
                run_id = runs.read_text().split()[0]
                async with asyncio.timeout(20):
                    while await daemon.status("GET", f"/v1/runs/{run_id}", **reader) != 200:
                        await asyncio.sleep(0.1)
        finally:
            lister.terminate()
            await lister.wait()
