"""`health`: whom it asks, and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli import run
from bridge.cli.exits import Exit


def test_health_of_nobody_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["health", "--url", "http://127.0.0.1:9", "--timeout", "2"]) == 1
    assert capsys.readouterr().out == "unreachable: http://127.0.0.1:9/readyz: connection refused\n"


def test_health_of_any_free_port_needs_a_url(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text('listen = "127.0.0.1:0"\n')
    assert run(["health", "--config", "b.toml"]) == Exit.USAGE
