"""Commands run in this process here: nothing of who runs the tests may reach them."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MOGPLEX_API_KEY", "MOGPLEX_TOKEN", "MOGPLEX_API_TOKEN", "MOGPLEX_BASE_URL",
                 "MOGPLEX_URL", "STATE_DIRECTORY", "XDG_STATE_HOME"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
