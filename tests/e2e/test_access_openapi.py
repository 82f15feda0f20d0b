"""The description against a served bridge: hundreds of requests made from it, valid and not.

Each answer must be one that is described, in its shape; nothing invalid may be accepted, nothing
valid refused, and where a token is needed there is no way without.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from tests.e2e.attacked import RUN, TOKENS, attacked
from tests.e2e.processes import environment

pytestmark = pytest.mark.e2e

CONFIG = Path(__file__).parent / "schemathesis.toml"
DESCRIPTION = resources.files("bridge.outputs") / "openapi.json"


@pytest.mark.parametrize("with_auth", [False, True], ids=["open", "auth"])
def test_every_answer_is_as_described(tmp_path: Path, with_auth: bool) -> None:
    """Each operation at every limit of its parameters, and with a few requests made up freely.

    Chains of requests only once: they find the same with and without a token.
    """
    phases = "examples,coverage,fuzzing" + (",stateful" if with_auth else "")
    with attacked(tmp_path, with_auth=with_auth) as bridge:
        token = TOKENS["admin"][0] if with_auth else None
        assert bridge.ask("PUT", f"/v1/runs/{RUN}", token=token).status == 201
        command = [
            str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(CONFIG),
            "run", str(DESCRIPTION), "--url", f"http://{bridge.host}", "--checks", "all",
            "--max-examples", "5", "--generation-deterministic", "--phases", phases,
            "--request-timeout", "5", "--no-color", "--workers", "1",
        ]  # fmt: skip
        if token is not None:
            command += ["-H", f"Authorization: Bearer {token}"]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(None), capture_output=True, check=False,
            timeout=100,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout.decode()[-8000:] + done.stderr.decode()[-2000:]
        assert "request_failed" not in bridge.log()
        assert bridge.is_alive()
