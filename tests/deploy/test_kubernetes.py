"""The chart and the plain base: rendered by Helm and kustomize, held against the API's schemas."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge import __version__
from bridge.config import load
from tests.deploy.checks import (
    DRAIN_S,
    LAST_WRITES_S,
    ROOT,
    objects,
    of_kind,
    pods,
    run,
    schema_faults,
    selects,
    soft_spots,
    tool,
    variables,
)

CHART = ROOT / "deploy/helm/mogplex-bridge"
BASE = ROOT / "deploy/kustomize/base"
VALUES = sorted(path.name for path in (CHART / "ci").iterdir())


@cache
def rendered(*command: str | Path) -> str:
    code, out, err = run(*command)
    assert code == 0, err
    return out


def chart(values: str, release: str = "mogplex-bridge") -> list[dict[str, Any]]:
    file = CHART / "ci" / values
    return objects(rendered(tool("helm"), "template", release, CHART, "-n", "there", "-f", file))


def base() -> list[dict[str, Any]]:
    return objects(rendered(tool("kubectl"), "kustomize", BASE))


@pytest.fixture(params=[*VALUES, "base"])
def found(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return base() if request.param == "base" else chart(request.param)


def test_the_api_accepts_every_object(found: list[dict[str, Any]]) -> None:
    for thing in found:
        assert schema_faults(thing) == [], f"{thing['kind']} {thing['metadata']['name']}"
    names = [(thing["kind"], thing["metadata"]["name"]) for thing in found]
    assert len(set(names)) == len(names)


def test_every_pod_is_hardened(found: list[dict[str, Any]]) -> None:
    assert [soft_spots(pod) for pod in pods(found)] != []
    assert all(soft_spots(pod) == [] for pod in pods(found))


def workload_of(found: list[dict[str, Any]]) -> Any:
    """One pod with a file, or several without on NATS."""
    (workload,) = [*of_kind(found, "StatefulSet"), *of_kind(found, "Deployment")]
    return workload


def test_it_stops_in_order_and_is_asked_the_right_questions(found: list[dict[str, Any]]) -> None:
    workload = workload_of(found)
    assert (workload["kind"], workload["spec"]["replicas"]) in (
        ("StatefulSet", 1),
        ("Deployment", 3),
    )
    pod = workload["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > DRAIN_S + LAST_WRITES_S
    (container,) = pod["containers"]
    asked = {
        name: container[name]["httpGet"]["path"]
        for name in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert asked == {
        "startupProbe": "/readyz", "livenessProbe": "/livez", "readinessProbe": "/readyz"
    }  # fmt: skip
    assert {port["name"] for port in container["ports"]} == {"http"}


def test_service_policy_and_budget_mean_this_pod_and_no_other(found: list[dict[str, Any]]) -> None:
    workload = workload_of(found)
    labels = workload["spec"]["template"]["metadata"]["labels"]
    (service,) = of_kind(found, "Service")
    (policy,) = of_kind(found, "NetworkPolicy")
    (budget,) = of_kind(found, "PodDisruptionBudget")
    assert selects(service["spec"]["selector"], labels)
    assert selects(policy["spec"]["podSelector"].get("matchLabels", {}), labels)
    assert selects(budget["spec"]["selector"].get("matchLabels", {}), labels)
    assert selects(workload["spec"]["selector"]["matchLabels"], labels)
    if workload["kind"] == "StatefulSet":
        assert workload["spec"]["serviceName"] == service["metadata"]["name"]
    assert service["spec"]["ports"][0]["targetPort"] == "http"
    # With one pod anything else would keep its node from ever being drained; of several one goes.
    assert budget["spec"] == {"maxUnavailable": 1, "selector": budget["spec"]["selector"]}
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    for test in of_kind(found, "Pod"):
        assert not selects(labels, test["metadata"]["labels"])  # or it would get the requests


def test_the_program_accepts_what_the_pod_is_given(
    found: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Every variable is a setting, and the file is a configuration."""
    (pod,) = (pod for pod in pods(found) if pod["containers"][0]["args"] == ["serve"])
    (config,) = (c for c in of_kind(found, "ConfigMap") if "bridge.toml" in c["data"])
    file = tmp_path / "bridge.toml"
    file.write_text(config["data"]["bridge.toml"])
    settings = load(file, {}, variables(pod)).settings
    mounts = {m["mountPath"]: m for m in pod["containers"][0]["volumeMounts"]}
    assert settings.listen == "0.0.0.0:8080"
    secrets = [settings.journal_credentials_file]
    if settings.journal.startswith("sqlite:"):
        assert str(Path(settings.journal.removeprefix("sqlite:")).parent) in mounts
        secrets = []
    assert not mounts["/var/lib/mogplex-bridge"].get("readOnly")
    assert settings.auth is not None
    for secret in (settings.auth.tokens_file, settings.accounts[0].token_file, *secrets):
        assert secret is not None
        mount = mounts[str(Path(secret).parent)]
        assert mount["readOnly"]
        assert "subPath" not in mount  # such a file never changes, and tokens do
    names = {volume["name"] for volume in pod["volumes"]} | {"state"}
    assert {mount["name"] for mount in mounts.values()} <= names


def test_both_ways_describe_the_same_pod() -> None:
    (ours,) = (pod for pod in pods(chart("minimal-values.yaml")) if "volumes" in pod)
    (plain,) = pods(base())

    def comparable(pod: Any) -> Any:
        pod = copy.deepcopy(pod)
        for volume in pod["volumes"]:
            volume.get("secret", {}).pop("secretName", None)
            volume.get("configMap", {}).pop("name", None)
        container = pod["containers"][0]
        container.pop("imagePullPolicy", None)
        container["env"] = [v for v in container["env"] if "METRICS" not in v["name"]]
        return pod

    assert comparable(ours) == comparable(plain)


def test_the_base_is_restarted_by_a_changed_configuration() -> None:
    (pod,) = pods(base())
    (name,) = [v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v]
    assert re.fullmatch(r"mogplex-bridge-[a-z0-9]{10}", name)  # kustomize's hash of the file
    assert tomllib.loads((BASE / "bridge.toml").read_text())["metrics"] == {"open": True}


# The chart alone


@pytest.mark.parametrize("values", VALUES)
def test_helm_has_nothing_to_say(values: str) -> None:
    code, out, err = run(tool("helm"), "lint", "--strict", CHART, "-f", CHART / "ci" / values)
    assert code == 0, out + err
    assert "[WARNING]" not in out


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("replicas=2", "replicas"),
        ("nats.url=nats://host:4222", "/nats/url"),  # without the stream's name
        ("nats.url=nats://me:secret@host/BRIDGE", "/nats/url"),  # for everybody to read
        ("nats.replicas=0", "/nats/replicas"),
        ("token.existingSecret=", "/token/existingSecret"),
        ("auth.existingSecret=", "/auth/existingSecret"),
        ("image.digest=sha256:12", "/image/digest"),
        ("securityContext.allowPrivilegeEscalation=true", "/securityContext"),
        ("podSecurityContext.runAsNonRoot=false", "/podSecurityContext"),
        ("terminationGracePeriodSeconds=5", "/terminationGracePeriodSeconds"),
        ("metrics.serviceMonitor.enabled=true,metrics.open=false", "tokenSecret.name"),
        ("persistence.sise=1Gi", "sise"),
        ("service.port=http", "/service/port"),
    ],
)
def test_wrong_values_are_refused_by_name(wish: str, words: str) -> None:
    code, _, err = run(
        tool("helm"), "template", "x", CHART, "-f", CHART / "ci/minimal-values.yaml", "--set", wish
    )
    assert code != 0
    assert words in err


def test_every_value_is_known_to_the_schema_and_has_an_effect() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    templates = "\n".join(path.read_text() for path in (CHART / "templates").rglob("*.*"))

    def walk(values: Any, schema: Any, path: str) -> None:
        known = schema.get("properties", {})
        if not isinstance(values, dict) or schema.get("additionalProperties") is not False:
            return
        assert set(values) <= set(known), path
        for key, value in values.items():
            walk(value, known[key], f"{path}.{key}")
            if not isinstance(value, dict):
                parent = path.rsplit(".", 1)[-1]
                assert f"{path}.{key}".removeprefix(".") in templates or f".{key}" in templates, (
                    parent, key
                )  # fmt: skip

    walk(values, schema, ".Values")
    assert set(schema["properties"]) - {"global"} == set(values)


def test_rules_and_dashboards_in_the_chart_are_those_of_the_project(tmp_path: Path) -> None:
    found = chart("full-values.yaml")
    (rule,) = of_kind(found, "PrometheusRule")
    assert rule["spec"] == yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump(rule["spec"]))
    code, out, err = run(tool("promtool"), "check", "rules", file)
    assert code == 0, out + err
    boards = [
        c
        for c in of_kind(found, "ConfigMap")
        if "grafana_dashboard" in c["metadata"].get("labels", {})
    ]
    texts = {name: text for board in boards for name, text in board["data"].items()}
    assert {name: json.loads(text) for name, text in texts.items()} == {
        f"mogplex-bridge-{path.name}": json.loads(path.read_text())
        for path in (ROOT / "grafana").glob("*.json")
    }
    assert max(map(len, texts.values())) < 900_000  # a ConfigMap holds 1 MiB


def test_replicas_are_spread_have_no_volumes_and_reach_the_engine() -> None:
    found = chart("replicas-values.yaml")
    workload = workload_of(found)
    assert workload["kind"] == "Deployment"
    assert "volumeClaimTemplates" not in workload["spec"]
    pod = workload["spec"]["template"]["spec"]
    assert {"name": "state", "emptyDir": {}} in pod["volumes"]
    labels = workload["spec"]["template"]["metadata"]["labels"]
    spread = {each["topologyKey"]: each for each in pod["topologySpreadConstraints"]}
    assert list(spread) == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    assert all(selects(s["labelSelector"]["matchLabels"], labels) for s in spread.values())
    (policy,) = of_kind(found, "NetworkPolicy")
    ports = [p["port"] for rule in policy["spec"]["egress"] for p in rule["ports"]]
    assert 4222 in ports
    (other,) = of_kind(chart("minimal-values.yaml"), "NetworkPolicy")
    assert 4222 not in [p["port"] for rule in other["spec"]["egress"] for p in rule["ports"]]


def test_prometheus_finds_the_service_under_the_job_of_the_rules() -> None:
    found = chart("full-values.yaml", release="other")
    (monitor,) = of_kind(found, "ServiceMonitor")
    (service,) = of_kind(found, "Service")
    assert selects(monitor["spec"]["selector"]["matchLabels"], service["metadata"]["labels"])
    assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "mogplex-bridge"
    assert 'job="mogplex-bridge"' in (ROOT / "deploy/prometheus/rules.yml").read_text()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["authorization"] == {"credentials": {"name": "scraper", "key": "token"}}


def test_the_chart_is_of_this_version() -> None:
    facts = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert facts["version"] == facts["appVersion"] == __version__
    assert f"newTag: {__version__}" in (BASE / "kustomization.yaml").read_text()


@pytest.mark.parametrize("release", ["a", "my-mogplex-bridge", "r" * 53])
def test_names_of_any_release_are_names(release: str) -> None:
    for thing in chart("full-values.yaml", release=release):
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", thing["metadata"]["name"])


@pytest.mark.parametrize(
    ("spoil", "spot"),
    [
        (lambda pod: pod["securityContext"].pop("runAsUser"), "may be root"),
        (lambda pod: pod.pop("enableServiceLinks"), "gets variables of other services"),
        (lambda pod: pod["containers"][0].pop("securityContext"), "writes to its root"),
    ],
)
def test_a_soft_pod_is_seen(spoil: Any, spot: str) -> None:
    (pod,) = pods(base())
    spoil(pod)
    if "securityContext" not in pod["containers"][0]:
        pod["containers"][0]["securityContext"] = {"capabilities": {"drop": ["ALL"]}}
    assert spot in soft_spots(pod)


def test_the_schemas_see_a_wrong_key() -> None:
    (workload,) = of_kind(base(), "StatefulSet")
    workload["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    assert any("livenesProbe" in fault for fault in schema_faults(workload))
