"""Commands in documents are commands that exist, and values of the chart are its values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from bridge.cli import COMMANDS, Commands
from tests.deploy.checks import ROOT, run, tool

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")),
         *sorted((ROOT / "docs/runbooks").glob("*.md"))]  # fmt: skip
CHART = ROOT / "deploy/helm/mogplex-bridge"


def lines(page: Path) -> Iterator[str]:
    """Lines of shell in a page, joined where they go on, without comments."""
    text = page.read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    blocks += ["\n".join(re.findall(r"^    (?! )(.*)$", text, re.MULTILINE))]
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            yield re.sub(r"\s#\s.*", "", line)


def commands(page: Path) -> Iterator[list[str]]:
    """Arguments of every call of the program."""
    for line in lines(page):
        for found in re.finditer(r"(?:^|[\s/(])mogplex-bridge (?=[a-z])([^|>;&)]*)", line):
            try:
                words = shlex.split(found[1])
            except ValueError:  # a quote that ends behind a pipe
                continue
            if words and words[0] in COMMANDS:
                yield words


@cache
def group() -> Commands:
    return Commands()


def test_there_are_commands_to_check() -> None:
    assert sum(1 for page in PAGES for _ in commands(page)) > 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_one_that_the_program_has(page: Path) -> None:
    for name, *args in commands(page):
        command = group().get_command(click.Context(group()), name)
        assert command is not None
        # Placeholders stand for what a reader knows; only names of options are looked at.
        known = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
        used = {word.split("=")[0] for word in args if word.startswith("-") and len(word) > 1}
        assert used <= known | {"--help", "-h"}, f"{page.name}: mogplex-bridge {name} {args}"


def test_the_values_on_the_page_are_values_of_the_chart() -> None:
    values: Any = yaml.safe_load((CHART / "values.yaml").read_text())
    text = (ROOT / "docs/operations.md").read_text()
    wishes = [w for found in re.findall(r"--set ([^\s`]+)", text) for w in found.split(",")]
    assert len(wishes) >= 6
    for wish in wishes:
        node = values
        for key in wish.partition("=")[0].split("."):
            assert key in node, wish
            node = node[key]
    (install,) = [line for line in lines(ROOT / "docs/operations.md") if "helm install" in line]
    code, _, err = run(tool("helm"), "template", *shlex.split(install)[2:])
    assert code == 0, err


def test_the_secrets_on_the_page_are_those_of_the_base() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    made = set(re.findall(r"create secret generic (\S+)", text))
    (workload,) = (
        found
        for found in yaml.safe_load_all(
            (ROOT / "deploy/kustomize/base/statefulset.yaml").read_text()
        )
        if found["kind"] == "StatefulSet"
    )
    volumes = workload["spec"]["template"]["spec"]["volumes"]
    assert {v["secret"]["secretName"] for v in volumes if "secret" in v} == made
