"""What is generated is current, complete and accepted by its own schema."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from bridge.config import load
from bridge.config.effective import effective_toml, flat
from bridge.config.environment import variable_name
from bridge.config.reference import (
    EXAMPLE_FILE,
    REFERENCE_FILE,
    SCHEMA_FILE,
    example_text,
    json_schema,
    reference_text,
    schema_text,
)
from bridge.config.setting_index import entries

ROOT = Path(__file__).parents[3]
HOME = {"HOME": "/home/somebody"}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (SCHEMA_FILE, schema_text),
        (EXAMPLE_FILE, example_text),
        (REFERENCE_FILE, reference_text),
    ],
    ids=["schema", "example", "reference"],
)
def test_the_file_in_the_tree_is_what_the_model_says(file: Path, text: object) -> None:
    assert callable(text)
    assert (ROOT / file).read_text() == text(), f"{file} is old: run `make docs`"


def uncommented() -> str:
    text = re.sub(r"^#(?=[a-z\[])", "", example_text(), flags=re.MULTILINE)
    return re.sub(r"^token_env = .*\n", "", text, flags=re.MULTILINE)  # instead of token_file


def test_the_example_with_every_key_uncommented_is_a_valid_configuration(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(uncommented())
    settings = load(file, {}, HOME).settings
    assert settings.redaction.patterns == ("EMP-[0-9]{6}",)
    jsonschema.validate(tomllib.loads(uncommented()), json_schema())


def test_the_example_as_it_is_sets_nothing(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(example_text())
    assert load(file, {}, HOME).settings == load(None, {}, HOME).settings


def test_every_key_is_explained_in_example_and_reference() -> None:
    example = [line.partition(" =")[0] for line in example_text().splitlines()]
    for entry in entries():
        assert entry.field.description, entry.dotted
        if not entry.section:
            assert f"#{entry.path[-1]}" in example
            assert f"| `{entry.path[-1]}` |" in reference_text()


def test_every_key_has_a_variable_of_its_own() -> None:
    paths = {entry.path for entry in entries()}  # accounts of all systems share some keys
    assert len({variable_name(path) for path in paths}) == len(paths)


@pytest.mark.slow
def test_the_schema_is_valid_and_refuses_what_the_loader_refuses() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"retention": {"age": "7d", "bytes": 5}})
    for bad in ({"listn": "x"}, {"retention": {"age": "soon"}}, {"accounts": [{"name": "A B"}]}):
        assert not validator.is_valid(bad), bad


def test_effective_settings_are_a_configuration_with_the_same_effect(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(uncommented())
    first = load(file, {}, HOME)
    again = tmp_path / "again.toml"
    again.write_text(effective_toml(first.settings, first.origin))
    assert load(again, {}, HOME).settings == first.settings


def test_effective_settings_tell_where_each_value_is_from(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text('[retention]\nage = "1d"\n')
    loaded = load(file, {"listen": "127.0.0.1:1"}, HOME | {"MOGPLEX_BRIDGE_LOG__LEVEL": "debug"})
    text = effective_toml(loaded.settings, loaded.origin)
    for line in (
        r'listen = "127\.0\.0\.1:1" +# flag --listen',
        rf'age = "1d" +# {re.escape(str(file))}:2',
        r'level = "debug" +# environment MOGPLEX_BRIDGE_LOG__LEVEL',
        r'bytes = "2GiB" +# default',
    ):
        assert re.search(f"^{line}$", text, re.MULTILINE), line


def test_every_value_of_the_settings_is_listed_once() -> None:
    settings = load(None, {}, HOME).settings
    paths = [path for path, _ in flat(settings)]
    assert len(set(paths)) == len(paths)
    assert ("accounts", 0, "name") in paths
    json.dumps(settings.model_dump(mode="json"))
