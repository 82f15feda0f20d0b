"""The unit and the image: hardened, and true to the commands that the program has."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from bridge import __version__
from bridge.cli import COMMANDS, Commands

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy/systemd/mogplex-bridge.service"
DOCKERFILE = ROOT / "deploy/docker/Dockerfile"
EXPOSURE_MAX = 1.5

ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(
    ANALYZE is None and not os.environ.get("CI"),
    reason="no systemd-analyze here: apt-get install systemd",
)


def settings(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


def instructions() -> list[tuple[str, str]]:
    """(word, rest) of the Dockerfile, with lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.split(None, 1)[1].strip()) for line in lines if line.strip()]


def last_stage() -> dict[str, str]:
    found = instructions()
    start = max(i for i, (word, _) in enumerate(found) if word == "FROM")
    return dict(found[start:])


def accepts(command: list[str]) -> None:
    """Raise click's error if the program has no such command or option."""
    name, *args = command
    group = Commands()
    found = group.get_command(click.Context(group), name)
    assert found is not None, name
    found.make_parser(click.Context(found)).parse_args(args)


@needs_systemd
def test_the_unit_is_hardened(tmp_path: Path) -> None:
    assert ANALYZE is not None
    command = [ANALYZE, "security", "--offline=yes", "--no-pager", str(UNIT)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", result.stdout)
    assert level is not None, result.stdout + result.stderr
    assert float(level.group(1)) <= EXPOSURE_MAX


@needs_systemd
def test_systemd_understands_every_line_of_the_unit(tmp_path: Path) -> None:
    assert ANALYZE is not None
    unit = tmp_path / UNIT.name
    # The program is not installed where the unit expects it; anything executable will do.
    unit.write_text(UNIT.read_text().replace("/opt/mogplex-bridge/bin/mogplex-bridge", "/bin/true"))
    command = [ANALYZE, "verify", "--man=no", str(unit)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert unit.name not in result.stdout + result.stderr  # other units' faults are not ours


def test_the_unit_calls_commands_that_exist_and_stops_at_a_wrong_configuration() -> None:
    for name, command in (("ExecStartPre", "check"), ("ExecStart", "serve")):
        (line,) = settings(name)
        program, *args = shlex.split(line)
        assert program.endswith("/mogplex-bridge")
        assert args[0] == command
        accepts(args)
    assert settings("RestartPreventExitStatus") == ["78"]
    assert settings("ExecReload") == ["/bin/kill -HUP $MAINPID"]


def test_systemd_is_told_when_it_serves_and_when_it_hangs() -> None:
    """What the program says is in tests/unit/daemon/test_systemd.py; here: that systemd listens."""
    assert settings("Type") == ["notify"]
    assert settings("NotifyAccess") == ["main"]
    assert settings("WatchdogSec") == ["30s"]
    # It says READY from the process that systemd started, not from one behind a shell.
    (line,) = settings("ExecStart")
    assert not line.startswith(("/bin/sh", "/usr/bin/env"))


def test_a_start_has_as_long_as_in_kubernetes() -> None:
    """A large journal that was not closed is looked through; who is cut off there never starts."""
    text = (ROOT / "deploy/kustomize/base/statefulset.yaml").read_text()
    (pod,) = yaml.safe_load(text)["spec"]["template"]["spec"]["containers"]
    probe = pod["startupProbe"]
    minutes = probe["periodSeconds"] * probe["failureThreshold"] // 60
    assert settings("TimeoutStartSec") == [f"{minutes}min"]


def test_the_unit_keeps_proc_stat_without_which_process_metrics_vanish() -> None:
    assert settings("ProcSubset") == []


def test_the_token_reaches_the_service_as_a_credential_only() -> None:
    assert settings("LoadCredential") == ["token:/etc/mogplex-bridge/token"]
    assert settings("DynamicUser") == ["yes"]
    assert settings("Environment") == settings("EnvironmentFile") == []


def test_the_image_has_two_stages_and_runs_as_a_number() -> None:
    assert [rest for word, rest in instructions() if word == "FROM"] == [
        "${BASE} AS build",
        "${BASE}",
    ]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last_stage()["USER"])
    assert last_stage()["VOLUME"] == "/var/lib/mogplex-bridge"
    assert "STATE_DIRECTORY=/var/lib/mogplex-bridge" in last_stage()["ENV"]


def test_the_image_calls_commands_that_exist() -> None:
    stage = last_stage()
    assert json.loads(stage["ENTRYPOINT"]) == ["mogplex-bridge"]
    accepts(json.loads(stage["CMD"]))
    program, *args = json.loads(stage["HEALTHCHECK"].partition(" CMD ")[2])
    assert program == "mogplex-bridge"
    assert args == ["health"]
    accepts(args)


def test_the_image_checks_what_it_installs_and_copies_what_is_there() -> None:
    text = DOCKERFILE.read_text()
    assert "--require-hashes --requirement requirements.lock" in text
    assert "--no-index" in text
    allowed = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()
    copies = [rest.split() for word, rest in instructions() if word == "COPY"]
    sources = {source for words in copies if words[0][:2] != "--" for source in words[:-1]}
    assert sources == {line[1:] for line in allowed if line.startswith("!")}
    assert all((ROOT / source).exists() for source in sources)


def test_the_image_is_labelled_with_this_version() -> None:
    assert f"ARG VERSION={__version__}\n" in DOCKERFILE.read_text()
    assert 'licenses="Apache-2.0"' in last_stage()["LABEL"]


def test_a_command_that_does_not_exist_is_seen() -> None:
    assert "serve" in COMMANDS
    with pytest.raises(click.NoSuchOption):
        accepts(["serve", "--token", "x"])
