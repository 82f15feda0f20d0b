"""How commands begin and end, in this process."""

from __future__ import annotations

import errno
import runpy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from bridge import cli
from bridge.cli import COMMANDS, commands, run
from bridge.cli.exits import Exit, exit_of_error, exit_of_failure
from bridge.core.errors import (
    BridgeError,
    ConfigError,
    Failure,
    JournalCorruptError,
    JournalVersionError,
    Retry,
    SourceFailedError,
)
from bridge.sources.http import HttpSession
from bridge.sources.mogplex.api import MogplexApi

ROOT = Path(__file__).parents[3]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Let the command `health` raise what a test wants."""

    def arrange(error: BaseException) -> None:
        @click.command()
        def command() -> None:
            raise error

        monkeypatch.setattr("bridge.cli.health.health", command)

    return arrange  # type: ignore[return-value]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Examples:" in text
    assert f"mogplex-bridge {name}" in text.partition("Examples:")[2]


def test_the_group_lists_all_commands_without_importing_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        cli.importlib, "import_module", lambda name: pytest.fail(f"{name} imported")
    )
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in COMMANDS)
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("mogplex-bridge, version ")


def test_no_command_is_a_usage_error_that_shows_the_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run([]) == Exit.USAGE
    assert "Commands:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["folow"], "No such command 'folow'. Did you mean 'follow'?"),
        (["zzzz"], "Known: serve, follow"),
        (["check", "--onlin"], "'--online'?"),
        (["check", "--log-level", "loud"], "'loud' is not one of 'debug', 'info'"),
        (["export", "--run", "abc"], "'abc' is not a run id"),
        (["export", "--after", "x"], "'x' is neither a sequence nor a position"),
        (["health", "--url", "ftp://x"], "--url must be like http://127.0.0.1:8080"),
        (["health", "--url", "http://a b"], "--url must be like http://127.0.0.1:8080"),
        (["health", "--url", "http://a..b"], "--url must be like http://127.0.0.1:8080"),
        (["simulate", "--scenario", "storn"], "Did you mean 'storm'?"),
        (["simulate", "--scenario", "miosa-lively"], "Use --profile miosa."),
        (["simulate", "--knob", "window"], "is not NAME=VALUE"),
        (["simulate", "--knob", "windw=1"], "did you mean 'window'?"),
        (["simulate", "--listen", "x"], "--listen must be an address"),
    ],
)
def test_a_usage_error_is_one_line_with_a_hint(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == Exit.USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert expected in captured.err
    assert captured.err.count("\n") == 1
    assert "--help)" in captured.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x:1: no"), 78),
        (JournalVersionError("newer"), 78),
        (JournalCorruptError("torn"), 1),
        (BridgeError("two\nlines"), 1),
        (click.ClickException("no"), 1),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 0),
    ],
)
def test_every_end_has_its_code_and_at_most_one_line(
    failing: Any, error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(error)
    assert run(["health"]) == code
    captured = capsys.readouterr()
    is_told = isinstance(error, BridgeError | click.ClickException)
    assert len(captured.err.strip().splitlines()) == is_told
    assert captured.out == ""


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("UNAUTHORIZED", 401, 64),
        ("LOGIN_REDIRECT", 307, 64),
        ("HTTP_ERROR", 401, 64),
        ("FORBIDDEN", 403, 65),
        ("AUTOMATION_REQUIRED", 403, 65),
        ("RATE_LIMITED", 429, 75),
        ("HTTP_ERROR", 429, 75),
        ("SERVICE_UNAVAILABLE", 503, 69),
        ("HTTP_ERROR", 502, 69),
        ("TIMEOUT", None, 69),
        ("TLS", None, 69),
        ("NOT_FOUND", 404, 1),
        ("BAD_REQUEST", 400, 1),
    ],
)
def test_a_refusal_has_the_vendors_exit_code(code: str, status: int | None, expected: int) -> None:
    text = {"error": {"code": code, "message": "text"}}
    api = MogplexApi(HttpSession("http://x", lambda: ""), lambda text: text)
    if status is None or code == "HTTP_ERROR":
        failure = Failure("runs.events", code, "text", Retry.PERMANENT, status)
    elif code == "LOGIN_REDIRECT":
        failure = api.classify("runs.events", status, {"Location": "/login"}, None)
    else:
        failure = api.classify("runs.events", status, {}, text)
    assert failure.code == code
    assert exit_of_failure(failure) == expected
    assert exit_of_error(SourceFailedError(failure)) == expected


def test_the_module_and_the_command_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both begin in `bridge/__main__.py`, which hears SIGTERM before anything is imported."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"mogplex-bridge": "bridge.__main__:main"}
    called: list[None] = []
    monkeypatch.setattr(cli, "main", lambda: called.append(None))
    runpy.run_module("bridge", run_name="not main")["main"]()
    assert called == [None]
    assert isinstance(commands, click.Group)


def test_an_error_of_another_file_is_not_blamed_on_stdout(
    failing: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(OSError(errno.ENAMETOOLONG, "File name too long", "/tmp/aaa"))
    assert run(["health"]) == Exit.FAILED
    assert capsys.readouterr().err == "error: /tmp/aaa: file name too long\n"
    failing(OSError(errno.ENOSPC, "No space left on device"))
    assert run(["health"]) == Exit.FAILED
    assert capsys.readouterr().err == "error: cannot write to stdout: no space left on device\n"
