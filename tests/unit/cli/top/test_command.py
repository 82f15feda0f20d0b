"""What `top` shows of a bridge, and what it says when there is none."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bridge.cli import run

TOKEN = "reader-0123456789"


def followed(number: int, **more: Any) -> dict[str, Any]:
    return {
        "runId": f"{number:08x}-93d4-4c0a-b6f2-6f4a0b0f9e77", "account": "default",
        "state": "following", "status": "streaming", "events": number, "gaps": 0,
        "lagSeconds": float(number), "followedBy": "poll", "lastFailure": None,
        "nextRequestInSeconds": 1.0, "addedAt": f"2026-08-03T15:00:{number % 60:02}Z",
        "lastEventAt": None, **more,
    }  # fmt: skip


CHECKS = {
    "ready": {"ok": True, "detail": "serving"},
    "journal": {"ok": True, "detail": "writable", "head": 4711, "floor": 1},
    "account default": {
        "ok": True, "detail": "token accepted", "windowRequests": 30, "budgetRequests": 54,
        "refusals": 2, "foreignRequests": 1.0,
    },
    "sink /var/log/events.ndjson": {"ok": False, "detail": "cannot write: no space", "lag": 12},
}  # fmt: skip


FAILED = followed(
    7, state="failed", lastFailure={"code": "UNAUTHORIZED", "message": "the token is refused"}
)


def as_feed(run: dict[str, Any]) -> dict[str, Any]:
    """The same as /v1/feeds has it."""
    rest = {name: value for name, value in run.items() if name != "runId"}
    named = {"kind": "run", "id": run["runId"], "system": "mogplex"}
    return {**named, **rest, "following": run["state"], "state": "running"}


SPACE = {
    **as_feed(followed(3)), "kind": "space", "id": "sprint-planning", "system": "moot",
    "status": "active", "title": "Until Thursday", "lastSpeaker": "ana", "lastText": "Ready?",
}  # fmt: skip
SANDBOX = {
    **as_feed(followed(4)), "kind": "sandbox", "system": "miosa", "status": "ready",
    "lastText": "214 passed", "currentTool": {"name": "shell", "title": "npm test"},
}  # fmt: skip


METRICS = """\
# TYPE mogplex_bridge_subscribers gauge
mogplex_bridge_subscribers{transport="sse"} 3.0
mogplex_bridge_subscribers{transport="page"} 0.0
mogplex_bridge_build_info{version="9.8.7"} 1.0
mogplex_bridge_journal_bytes 2.097152e+06
process_start_time_seconds 1.0
"""


class Answers(BaseHTTPRequestHandler):
    """A bridge as far as `top` looks; `bodies` may be exchanged."""

    bodies: ClassVar[dict[str, tuple[int, str]]] = {}
    wants_token = False

    def do_GET(self) -> None:
        allowed = not self.wants_token or self.headers["Authorization"] == f"Bearer {TOKEN}"
        status, body = self.bodies.get(self.path, (404, "")) if allowed else (401, "")
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def bridge(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(
        Answers,
        "bodies",
        {
            "/healthz": (503, json.dumps({"checks": CHECKS})),
            "/v1/feeds": (200, json.dumps({"feeds": [as_feed(followed(1)), as_feed(FAILED)]})),
            "/metrics": (200, METRICS),
        },
    )
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def top(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = run(["top", *args])
    out, err = capsys.readouterr()
    return code, out, err


def test_once_as_json_is_for_scripts(bridge: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = top(capsys, "--url", bridge + "/", "--once", "--json")
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert said["version"] == "9.8.7"
    assert said["ok"] is False
    assert said["journal"]["head"] == 4711
    assert said["journal"]["bytes"] == 2 * 2**20
    assert said["subscribers"] == {"sse": 3, "page": 0}
    assert said["accounts"][0]["name"] == "default"
    assert said["sinks"][0]["name"] == "/var/log/events.ndjson"
    assert said["runStates"] == {"following": 1, "ended": 0, "failed": 1, "stopped": 0}
    assert [run["code"] for run in said["failures"]] == ["UNAUTHORIZED"]


def test_once_prints_a_table(bridge: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = top(capsys, "--url", bridge, "--once")
    assert code == 0
    assert "\x1b" not in out  # no colours in a pipe
    for words in ("30/54", "cannot write: no space", "00000001", "the token is refused", "3 sse"):
        assert words in out
    assert not any(line.endswith(" ") for line in out.splitlines())


def test_feeds_of_other_systems_are_rows_with_their_kind_and_last_words(
    bridge: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds = [as_feed(followed(1)), SPACE, SANDBOX]
    monkeypatch.setitem(Answers.bodies, "/v1/feeds", (200, json.dumps({"feeds": feeds})))
    _, out, _ = top(capsys, "--url", bridge, "--once")
    assert "3 feeds by lag" in out
    rows = {line.split()[0]: line for line in out.splitlines() if line[:3] in ("run", "spa", "san")}
    assert "sprint-planning" in rows["space"]
    assert "ana: Ready?" in rows["space"]
    assert "shell npm test" in rows["sandbox"]
    _, out, _ = top(capsys, "--url", bridge, "--once", "--json")
    said = json.loads(out)
    assert said["feeds"] == feeds
    assert [run["runId"] for run in said["runs"]] == [followed(1)["runId"]]
    assert said["runs"][0]["state"] == "following"
    assert (said["runStates"]["following"], said["feedStates"]["following"]) == (1, 3)


def test_a_picture(bridge: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "top.svg"
    assert top(capsys, "--url", bridge, "--once", "--json", "--svg", str(file))[0] == 0
    assert file.read_text().startswith("<svg")
    assert "9.8.7" in file.read_text()
    assert set(re.findall(r"https?://[\w.:]+", file.read_text())) <= {
        bridge, "http://www.w3.org", "https://www.textualize.io"  # names, not addresses
    }  # fmt: skip


def test_with_auth_a_token_is_needed(
    bridge: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Answers, "wants_token", True)
    code, _, err = top(capsys, "--url", bridge, "--once")
    assert code == 1
    assert "--token-file" in err
    assert err.count("\n") == 1
    (tmp_path / "token").write_text(TOKEN + "\n")
    assert top(capsys, "--url", bridge, "--once", "--token-file", str(tmp_path / "token"))[0] == 0


@pytest.mark.parametrize(
    ("path", "answer", "words"),
    [
        ("/healthz", (200, "<html>"), "is it a bridge?"),
        ("/v1/feeds", (404, "{}"), "is it a bridge?"),
        ("/healthz", (200, "[]"), "is it a bridge?"),
        ("/healthz", (200, "[" * 5000), "is it a bridge?"),
        ("/healthz", (200, '{"checks": []}'), "is it a bridge?"),
        ("/metrics", (200, 'mogplex_bridge_subscribers{transport="sse"} many'), "is it a bridge?"),
    ],
)
def test_something_else_that_answers_is_one_line(
    bridge: str, path: str, answer: tuple[int, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Answers.bodies[path] = answer
    code, out, err = top(capsys, "--url", bridge, "--once")
    assert (code, out) == (1, "")
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["--url", "http://127.0.0.1:1", "--once"], 1, "no bridge answers"),
        (["--url", "127.0.0.1:1", "--once"], 2, "--url must be like"),
        (["--url", "http://a:b@x", "--once"], 2, "--url must be like"),
        (["--url", "http://x:port", "--once"], 2, "--url must be like"),
        (["--url", "http://a b", "--once"], 2, "--url must be like"),
        (["--url", "http://a..b", "--once"], 2, "--url must be like"),
        (["--url", "http://[::1", "--once"], 2, "--url must be like"),
        (["--url", "http://x/?page=1", "--once"], 2, "--url must be like"),
        (["--url", "http://x", "--json"], 2, "need --once"),
        (["--url", "http://x"], 2, "needs a terminal"),
        (["--url", "http://x", "--once", "--token-file", "/none"], 2, "no such file"),
    ],
)
def test_what_cannot_be_is_one_line(
    args: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    got, out, err = top(capsys, *args)
    assert (got, out) == (code, "")
    assert words in err
    assert err.count("\n") == 1
