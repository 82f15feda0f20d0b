"""What upstream writes reaches a terminal and a CI log only as text, from every command."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.cli import run
from bridge.cli.guarding import RUNNERS, guarded, guarded_json, guarded_text

RUN = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"
HOSTILE = "::error::x ##[command]y \x1b]0;title\x07 \x9b2J \u202e"

Serve = Callable[[Any], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Answer every request with one `data`; returns the URL."""
    servers: list[http.server.HTTPServer] = []

    def start(data: Any) -> str:
        body = json.dumps({"ok": True, "data": data}).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - the name that the server looks for

            def log_message(self, *_: Any) -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        waits = {"poll_interval": 0.02}
        threading.Thread(target=server.serve_forever, kwargs=waits, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")


def _is_harmless(out: str) -> None:
    assert not any(line.lstrip().startswith("::") for line in out.splitlines())
    assert "##[" not in out
    assert not set(out) & set("\x1b\x07\x9b\u202e")


@pytest.mark.parametrize(
    ("command", "data"),
    [
        (("list",), {"runs": [{"runId": HOSTILE, "status": HOSTILE, "createdAt": HOSTILE}]}),
        (("get", RUN), {"run": {"runId": HOSTILE, "status": HOSTILE}}),
        (("cancel", RUN), {"run": {"runId": HOSTILE, "status": HOSTILE}}),
        (("events", RUN), {"run": {}, "events": [{"id": "1", "message": HOSTILE}]}),
        (("events", "--follow", RUN),
         {"run": {"status": "failed"}, "events": [{"id": "1", "createdAt": HOSTILE}]}),
    ],
)  # fmt: skip
def test_a_word_of_upstream_does_not_control_the_terminal_or_the_ci_job(
    command: tuple[str, ...],
    data: Any,
    serve: Serve,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`runs` printed status and id as they came, and commands of runners in messages."""
    monkeypatch.setattr("bridge.cli.run_options.POLL_S", 0.0)
    assert run(["runs", *command, "--url", serve(data)]) == 0
    _is_harmless(capsys.readouterr().out)


@pytest.mark.usefixtures("in_ci")
def test_the_api_s_json_holds_no_command_in_a_ci_job(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    data = {"run": {"runId": RUN, "error": "##[error]no"}}
    assert run(["runs", "get", "--json", RUN, "--url", serve(data)]) == 0
    out = capsys.readouterr().out
    assert "##[" not in out
    assert json.loads(out) == data


@pytest.mark.parametrize("data", [{}, {"run": None, "events": None}, {"run": [], "events": {}}])
@pytest.mark.parametrize(
    "command", [("get", RUN), ("cancel", RUN), ("events", RUN), ("events", "--follow", RUN)]
)
def test_an_answer_of_another_shape_does_not_end_in_a_traceback(
    command: tuple[str, ...], data: Any, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["runs", *command, "--url", serve(data)]) == 69
    assert capsys.readouterr().err.startswith("error: INVALID_RESPONSE: the answer has no readable")


@pytest.mark.parametrize("key", ["a\nb", "\udcff", "\u00e9"])
def test_an_idempotency_key_that_no_header_can_hold_is_a_usage_error(
    key: str, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["run", "x", "--repo", RUN, "--idempotency-key", key, "--url", serve({})]
    assert run(args) == 2
    assert "printable ASCII" in capsys.readouterr().err


def test_an_id_that_is_not_utf_8_does_not_end_in_a_traceback(serve: Serve) -> None:
    assert run(["runs", "get", "\udcff", "--url", serve({"run": {"runId": RUN}})]) == 0


@pytest.mark.parametrize("format_name", ["cloudevents", "mogplex", "pretty"])
def test_exported_records_hold_no_command_in_a_ci_job(
    format_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to_line(text: str) -> bytes:
        return text.encode() if format_name == "pretty" else json.dumps(text).encode()

    for name in RUNNERS:
        monkeypatch.delenv(name, raising=False)
    assert guarded(to_line, format_name)("##[x]") == to_line("##[x]")  # byte for byte elsewhere
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    found = guarded(to_line, format_name)("::error::x ##[x]")
    assert b"##[" not in found
    assert not found.startswith(b"::")


def test_text_keeps_its_words() -> None:
    assert guarded_text("2026  log  all is well: a::b") == "2026  log  all is well: a::b"
    assert guarded_text(" ::debug::x") == "-   ::debug::x"
    assert guarded_json(b'{"a":1}') == b'{"a":1}'
