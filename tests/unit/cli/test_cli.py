"""How commands begin and end, in this process."""

from __future__ import annotations

import errno
import io
import json
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
from bridge.cli.streams import wants_colour
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

TOKEN = "mog_abcdefghijklmnopqrstuvwx"

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MOGPLEX_API_KEY", "MOGPLEX_TOKEN", "MOGPLEX_API_TOKEN", "MOGPLEX_BASE_URL",
                 "MOGPLEX_URL", "STATE_DIRECTORY", "XDG_STATE_HOME"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


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


def test_colours_are_for_terminals_that_want_them() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert wants_colour(Terminal(), {})
    assert not wants_colour(Terminal(), {"NO_COLOR": "1"})
    assert wants_colour(Terminal(), {"NO_COLOR": ""})
    assert not wants_colour(Terminal(), {"TERM": "dumb"})
    assert not wants_colour(io.StringIO(), {})
    assert not wants_colour(None, {})


class TestCheck:
    def test_prints_a_configuration_with_origins_and_no_token(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MOGPLEX_TOKEN", TOKEN)
        assert run(["check", "--log-level", "debug"]) == 0
        captured = capsys.readouterr()
        assert "# flag --log-level" in captured.out
        assert 'token of account "default": mog_*** (28 characters, environment' in captured.out
        assert TOKEN not in captured.out + captured.err
        assert captured.err == ""

    def test_a_missing_token_is_a_warning(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["check"]) == 0
        assert "warning: configuration: no token for account" in capsys.readouterr().err

    def test_lists_every_mistake(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "b.toml").write_text('listn = 1\n[retention]\nage = "x"\n')
        assert run(["check", "--config", "b.toml"]) == Exit.CONFIG
        lines = capsys.readouterr().err.splitlines()
        assert [line.partition(": ")[2].partition(": ")[0] for line in lines] == [
            "b.toml:1",
            "b.toml:3",
        ]
        assert run(["check", "--config", "b.toml", "--json"]) == Exit.CONFIG
        report = json.loads(capsys.readouterr().out)
        assert report["ok"] is False
        assert len(report["problems"]) == 2

    def test_other_commands_print_the_first_mistake_and_how_many_more(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "b.toml").write_text('listn = 1\n[retention]\nage = "x"\n')
        assert run(["health", "--config", "b.toml"]) == Exit.CONFIG
        text = capsys.readouterr().err
        assert text.startswith("error: b.toml:1: unknown key listn")
        assert "(and 1 more: mogplex-bridge check lists all)" in text

    def test_json_has_settings_origins_and_masked_tokens(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MOGPLEX_API_KEY", TOKEN)
        assert run(["check", "--json", "--base-url", "http://localhost:1"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["settings"]["retention"]["age"] == 604800
        assert report["origins"]["accounts[0].base_url"] == "flag --base-url"
        assert TOKEN not in json.dumps(report)

    @pytest.mark.parametrize("what", ["--example", "--schema"])
    def test_prints_example_and_schema(self, what: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["check", what]) == 0
        assert "requests_per_minute" in capsys.readouterr().out

    def test_a_directory_that_is_missing_is_a_warning(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "b.toml").write_text('[[outputs]]\npath = "/nowhere/x.ndjson"\n')
        assert run(["check", "--config", "b.toml"]) == 0
        assert "b.toml:2: directory of /nowhere/x.ndjson does not" in capsys.readouterr().err


def test_export_without_a_journal_names_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", "--journal", f"sqlite:{tmp_path}/none.db"]) == Exit.CONFIG
    assert f"there is no journal {tmp_path}/none.db" in capsys.readouterr().err
    assert not (tmp_path / "none.db").exists()


def test_health_of_nobody_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["health", "--url", "http://127.0.0.1:9", "--timeout", "2"]) == 1
    assert capsys.readouterr().out == "unreachable: http://127.0.0.1:9/readyz: connection refused\n"


def test_health_of_any_free_port_needs_a_url(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text('listen = "127.0.0.1:0"\n')
    assert run(["health", "--config", "b.toml"]) == Exit.USAGE


def test_the_module_and_the_command_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both begin in `bridge/__main__.py`, which hears SIGTERM before anything is imported."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"mogplex-bridge": "bridge.__main__:main"}
    called: list[None] = []
    monkeypatch.setattr(cli, "main", lambda: called.append(None))
    runpy.run_module("bridge", run_name="not main")["main"]()
    assert called == [None]
    assert isinstance(commands, click.Group)


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


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('[auth]\ntokens_file = "{file}"', "b.toml:2: {file}: not TOML"),
        ('[tls]\ncertificate_file = "{file}"\nkey_file = "{file}"', "holds no certificate in PEM"),
        (
            '[redaction]\nfingerprint_key_file = "{file}"',
            "b.toml:2: redaction.fingerprint_key_file",
        ),
        ('[[accounts]]\ntoken_file = "{file}"', "b.toml:2: token file {file}"),
    ],
)
def test_check_looks_into_files_that_are_there_and_warns_of_others(
    table: str,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a start and a reload would: what it passes, they take."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "wrong"
    Path("b.toml").write_text(table.replace("{file}", str(file)) + "\n")
    assert run(["check", "--config", "b.toml"]) == 0
    assert f"warning: b.toml:2: {file}" in (err := capsys.readouterr().err) or "no such" in err
    file.write_text("it is = not")
    assert run(["check", "--config", "b.toml"]) == Exit.CONFIG
    assert words.replace("{file}", str(file)) in capsys.readouterr().err


def test_check_warns_of_an_output_that_is_a_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files would lie beside it."""
    monkeypatch.chdir(tmp_path)
    Path("b.toml").write_text(f'[[outputs]]\npath = "{tmp_path}"\n')
    assert run(["check", "--config", "b.toml"]) == 0
    assert f"b.toml:2: {tmp_path} is a directory here" in capsys.readouterr().err
