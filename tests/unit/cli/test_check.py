"""`check`: what it finds in a configuration and in the files that it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.cli import run
from bridge.cli.exits import Exit

TOKEN = "mog_abcdefghijklmnopqrstuvwx"


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
