"""File outputs that are let go of after each test."""

from __future__ import annotations

import pytest

from tests.unit.outputs.sinks.file_outputs import Outputs


@pytest.fixture
def outputs(tmp_path):
    made = Outputs(tmp_path)
    yield made
    made.kill_all()
