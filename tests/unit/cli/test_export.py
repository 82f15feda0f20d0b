"""`export` where there is nothing to export."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli import run
from bridge.cli.exits import Exit


def test_export_without_a_journal_names_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", "--journal", f"sqlite:{tmp_path}/none.db"]) == Exit.CONFIG
    assert f"there is no journal {tmp_path}/none.db" in capsys.readouterr().err
    assert not (tmp_path / "none.db").exists()
