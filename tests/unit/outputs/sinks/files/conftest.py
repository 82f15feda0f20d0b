"""A writer of files in a directory, opened and killed by the test."""

from __future__ import annotations

import pytest

from tests.unit.outputs.sinks.lines_world import World


@pytest.fixture
def world(tmp_path):
    made = []

    def make(**settings) -> World:
        made.append(World(tmp_path, **settings))
        return made[-1]

    yield make
    for each in made:
        each.writer.drop()
