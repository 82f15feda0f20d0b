"""Tokens: found, checked, re-read, never shown."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from bridge.config import Settings, load_settings, resolve_accounts
from bridge.config.tokens import TokenFile
from bridge.core.errors import ConfigError

TOKEN = "mog_abcdefghijklmnopqrstuvwx"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    return path


def settings_with(path: Path) -> Settings:
    return load_settings(None, {"token_file": str(path)}, {})


def test_a_token_file_is_stripped_and_its_place_is_told(file: Path) -> None:
    account = resolve_accounts(settings_with(file), {})[0]
    assert account.tokens.token() == TOKEN
    assert account.tokens.described == f"file {file}"
    assert account.tokens.warning is None
    assert (account.name, account.base_url) == ("default", "https://mogplex.com")


def test_nothing_that_prints_shows_the_token(file: Path) -> None:
    from_file = resolve_accounts(settings_with(file), {})[0]
    env = {"MOGPLEX_TOKEN": TOKEN}
    settings = load_settings(None, {}, env)
    from_variable = resolve_accounts(settings, env)[0]
    assert from_variable.tokens.token() == TOKEN
    for thing in (from_file, from_file.tokens, from_variable, from_variable.tokens, settings):
        assert TOKEN not in f"{thing!r} {thing}"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        (b"mog_abc def\n", "spaces"),
        (b"mog_abc\nmog_def\n", "spaces"),
        (b"mog_\xc3\xa4\n", "not ASCII"),
        (b"mog_\x00abc\n", "spaces or characters"),
        (b"Bearer mog_abc", 'begins with "Bearer "'),
        (b"m" * 4097, "longer than 4 KiB"),
    ],
)
def test_a_file_that_holds_no_token_is_refused_without_repeating_it(
    file: Path, content: bytes, reason: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=reason) as caught:
        resolve_accounts(settings_with(file), {})
    assert str(file) in str(caught.value)
    assert '"default"' in str(caught.value)
    assert "mog_" not in str(caught.value)


def test_a_missing_file_and_a_directory_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        resolve_accounts(settings_with(tmp_path / "missing"), {})
    with pytest.raises(ConfigError, match="is a directory"):
        resolve_accounts(settings_with(tmp_path), {})


def test_no_token_names_the_cures() -> None:
    with pytest.raises(ConfigError, match="--token-file FILE, or set MOGPLEX_API_KEY"):
        resolve_accounts(load_settings(None, {}, {}), {})


@pytest.mark.parametrize("place", ["same server", "another server"])
def test_two_accounts_with_one_key_are_told_by_their_names(tmp_path: Path, place: str) -> None:
    """From two files: what two settings alone do not show."""
    config = tmp_path / "bridge.toml"
    host = "https://b.example" if place == "another server" else "https://a.example"
    for name in ("a", "b"):
        (tmp_path / name).write_text("msk_" + "k" * 24)
    config.write_text(
        "".join(
            f'[[accounts]]\nname="{name}"\nsystem="miosa"\nbase_url="{url}"\n'
            f'token_file="{tmp_path / name}"\n'
            for name, url in (("a", "https://a.example"), ("b", host))
        )
    )
    settings = load_settings(config, {}, {})
    if place == "another server":
        assert len(resolve_accounts(settings, {})) == 2
        return
    with pytest.raises(ConfigError, match=r'"b" .*has the token of account "a"') as caught:
        resolve_accounts(settings, {})
    assert "msk_" not in str(caught.value)


def test_a_file_that_everybody_can_read_is_a_warning(file: Path) -> None:
    file.chmod(0o644)
    account = resolve_accounts(settings_with(file), {})[0]
    assert "chmod 600" in (account.tokens.warning or "")


def test_a_changed_file_is_read_again_and_counted(file: Path) -> None:
    tokens = TokenFile(file, "default")
    assert (tokens.token(), tokens.generation) == (TOKEN, 1)
    assert (tokens.token(), tokens.generation) == (TOKEN, 1)
    os.utime(file, ns=(1, 1))  # touched, not changed
    assert (tokens.token(), tokens.generation) == (TOKEN, 1)
    replacement = file.with_suffix(".new")
    replacement.write_text("mog_other")
    replacement.replace(file)
    assert (tokens.token(), tokens.generation) == ("mog_other", 2)


def test_the_same_size_and_time_with_another_inode_is_noticed(file: Path) -> None:
    tokens = TokenFile(file, "default")
    tokens.token()
    before = file.stat()
    replacement = file.with_suffix(".new")
    replacement.write_text(TOKEN[::-1].replace("_", "x") + "\n")
    os.utime(replacement, ns=(before.st_atime_ns, before.st_mtime_ns))
    replacement.replace(file)
    assert tokens.token() != TOKEN


def test_a_rotation_in_two_steps_keeps_the_last_good_token(file: Path) -> None:
    tokens = TokenFile(file, "default")
    tokens.token()
    file.write_text("")
    assert tokens.token() == TOKEN
    assert "last good token" in (tokens.warning or "")
    file.unlink()
    assert tokens.token() == TOKEN
    file.write_text("mog_new")
    file.chmod(0o600)
    assert tokens.token() == "mog_new"
    assert tokens.warning is None


def test_a_pipe_without_a_writer_does_not_stop_the_loop(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o600)
    writer = threading.Thread(target=path.write_text, args=(TOKEN,))
    writer.start()
    tokens = TokenFile(path, "default")
    assert tokens.token() == TOKEN
    writer.join()
    os.utime(path)
    assert tokens.token() == TOKEN
    assert tokens.warning is not None
    assert "is empty" in tokens.warning
