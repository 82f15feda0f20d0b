"""Values of options that are refused."""

from __future__ import annotations

import pytest

from bridge.cli import run
from bridge.cli.exits import Exit


@pytest.mark.parametrize(
    "args",
    [
        ["follow", "--timeout", "nan"],
        ["demo", "--speed", "nan"],
        ["demo", "--seconds", "-nan"],
        ["simulate", "--speed", "NaN"],
        ["health", "--timeout", "nan"],
    ],
)
def test_not_a_number_is_refused(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(args) == Exit.USAGE
    assert "is not a number" in capsys.readouterr().err
