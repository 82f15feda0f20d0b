"""The programs of `make tools`, and what every pod must be, whoever describes it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".tools"
SCHEMAS = TOOLS / "packages" / "kubernetes_validate" / "kubernetes-json-schema"
CRDS = {"ServiceMonitor", "PrometheusRule"}  # of the Prometheus operator; no package has them
DRAIN_S = 10  # limits.drain
LAST_WRITES_S = 10  # outputs and server after it (Sinks.close, Server.close)


def missing(what: str) -> None:
    """Skip the test here, fail it in CI."""
    text = f"{what} is not here: run `make tools`"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


def tool(name: str) -> str:
    """Path of a program."""
    ours = TOOLS / "bin" / name
    path = str(ours) if ours.is_file() else shutil.which(name)
    if path is None:
        missing(name)
        raise AssertionError
    return path


def run(*command: str | Path, cwd: Path = ROOT) -> tuple[int, str, str]:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def objects(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def of_kind(found: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [thing for thing in found if thing["kind"] == kind]


def schema_faults(thing: Mapping[str, Any]) -> list[str]:
    """What the API's strict schema says against an object; [] for kinds without one."""
    if thing["kind"] in CRDS:
        return []
    if not SCHEMAS.is_dir():
        missing("the API's schemas")
    (release,) = SCHEMAS.iterdir()
    group, _, version = thing["apiVersion"].rpartition("/")
    name = "-".join(filter(None, (thing["kind"].lower(), group.split(".")[0], version)))
    schema = _schema(release / f"{name}.json")
    registry: Registry[Any] = Registry(
        retrieve=lambda uri: Resource.from_contents(
            _schema(release / uri.rpartition("/")[2]), DRAFT202012
        )
    )
    validator = jsonschema.Draft202012Validator(schema, registry=registry)
    return [f"{'/'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(thing)]


@cache
def _schema(file: Path) -> Any:
    return json.loads(file.read_text())


def pods(found: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for thing in found:
        if thing["kind"] == "Pod":
            yield thing["spec"]
        elif thing["kind"] in ("StatefulSet", "Deployment"):
            yield thing["spec"]["template"]["spec"]


def soft_spots(pod: Mapping[str, Any]) -> list[str]:
    """What the "restricted" pod security standard, and we, would have otherwise."""
    spots = []
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser"):
        spots.append("may be root")
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        spots.append("no seccomp profile")
    if pod.get("automountServiceAccountToken") is not False:
        spots.append("gets a token of the cluster")
    if pod.get("enableServiceLinks") is not False:
        spots.append("gets variables of other services")
    for container in pod["containers"]:
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
            spots.append("may gain privileges")
        if own.get("capabilities", {}).get("drop") != ["ALL"] or "add" in own["capabilities"]:
            spots.append("keeps capabilities")
        if own.get("readOnlyRootFilesystem") is not True:
            spots.append("writes to its root")
        if "memory" not in container.get("resources", {}).get("limits", {}):
            spots.append("no memory limit")
        for variable in container.get("env", []):
            if "TOKEN" in variable["name"] and not variable["name"].endswith("_FILE"):
                spots.append(f"a token in {variable['name']}")
    return spots


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """An empty selector means every pod of the namespace: never ours."""
    return bool(selector) and selector.items() <= labels.items()


def variables(pod: Mapping[str, Any]) -> dict[str, str]:
    return {v["name"]: v["value"] for v in pod["containers"][0]["env"]}
