"""hadolint's opinion of the Dockerfile; what else is promised of it is in tests/ops."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.checks import ROOT, run, tool

DOCKERFILE = ROOT / "deploy/docker/Dockerfile"


def test_hadolint_has_nothing_to_say() -> None:
    code, out, err = run(tool("hadolint"), "--failure-threshold", "style", DOCKERFILE)
    assert (code, out) == (0, ""), out + err


@pytest.mark.parametrize(
    ("good", "bad", "rule"),
    [
        ("USER 65532:65532", "USER root", "DL3002"),
        ("WORKDIR /src", "WORKDIR src", "DL3000"),
        ('CMD ["serve"]', "CMD serve", "DL3025"),
    ],
)
def test_hadolint_sees_a_fault(good: str, bad: str, rule: str, tmp_path: Path) -> None:
    text = DOCKERFILE.read_text()
    assert text.count(good) == 1
    (tmp_path / "Dockerfile").write_text(text.replace(good, bad))
    code, out, _ = run(tool("hadolint"), tmp_path / "Dockerfile")
    assert code != 0
    assert rule in out
