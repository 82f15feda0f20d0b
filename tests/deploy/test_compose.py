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
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge import __version__
from bridge.config import load
from bridge.simulator import Simulator
from tests.deploy.checks import DRAIN_S, LAST_WRITES_S, ROOT, TOOLS, missing, run, tool
from tests.e2e.processes import environment, serve

HERE = ROOT / "deploy/compose"
STACKS = {"simulator": ("compose.yml", "simulator.yml"), "token": ("compose.yml", "token.yml")}


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
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag), image
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


def test_the_bridge_has_the_time_it_takes_to_stop() -> None:
    grace = merged("compose.yml")["services"]["bridge"]["stop_grace_period"]
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
    bridge = merged(*STACKS[name])["services"]["bridge"]
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
