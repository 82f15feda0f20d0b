"""Durations, sizes, addresses and base URLs."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bridge.schema.values import (
    FilePath,
    JournalUrl,
    duration_text,
    is_loopback,
    size_text,
    split_address,
    to_bytes,
    to_seconds,
)
from bridge.sources.mogplex.settings import MogplexAccount as Account


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("1.5s", 1.5),
        ("250ms", 0.25),
        ("2m", 120),
        ("1h30m", 5400),
        ("7d", 604800),
        ("2w", 1209600),
        (5, 5),
        (0.5, 0.5),
        (0, 0),
    ],
)
def test_durations(text: object, seconds: float) -> None:
    assert to_seconds(text) == seconds


@pytest.mark.parametrize(
    "bad", ["", "7", "d", "7 fortnights", "1d of it", "-1s", -1, True, None, float("nan"), "1e9s"]
)
def test_what_is_no_duration(bad: object) -> None:
    with pytest.raises(ValueError, match="a duration such as"):
        to_seconds(bad)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("/tmp/\udcff", "a path in UTF-8"),
        ("~nobody-of-that-name/x", "a path in a home directory that exists"),
        ("", "a path to a file"),
        ("a\nb", "a path to a file"),
    ],
)
def test_a_path_that_no_file_can_have_here_is_refused(value: str, reason: str) -> None:
    """The first two ended commands and the daemon in a traceback."""
    with pytest.raises(ValueError, match=reason):
        TypeAdapter(FilePath).validate_python(value)
    if value:
        with pytest.raises(ValueError, match=reason) if "\n" not in value else nullcontext():
            TypeAdapter(JournalUrl).validate_python(f"sqlite:{value}")


@pytest.mark.parametrize(
    ("text", "count"),
    [("2GiB", 2 * 1024**3), ("100 MB", 10**8), ("1.5kB", 1500), ("7B", 7), (32_000, 32_000)],
)
def test_sizes(text: object, count: int) -> None:
    assert to_bytes(text) == count


@pytest.mark.parametrize(
    "bad", ["", "7", "2gib", "GiB", "-1B", -1, 1.5, True, None, "9" * 16 + "TiB"]
)
def test_what_is_no_size(bad: object) -> None:
    with pytest.raises(ValueError, match="a size such as"):
        to_bytes(bad)


@given(st.integers(0, 10**10))
def test_a_duration_is_read_as_it_was_written(seconds: int) -> None:
    assert to_seconds(duration_text(float(seconds))) == seconds


@given(st.integers(0, 2**50))
def test_a_size_is_read_as_it_was_written(count: int) -> None:
    assert to_bytes(size_text(count)) == count


def test_addresses() -> None:
    assert split_address("127.0.0.1:0") == ("127.0.0.1", 0)
    assert split_address("[::1]:8080") == ("::1", 8080)
    assert split_address("bridge.example:80") == ("bridge.example", 80)


@pytest.mark.parametrize(
    "bad", ["", "8080", ":80", "a:", "a:x", "::1:80", "[::1]", "[x]:1", "a b:1"]
)
def test_what_is_no_address(bad: str) -> None:
    with pytest.raises(ValueError, match="an address"):
        split_address(bad)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.255.0.9", "::1", "LOCALHOST", "::ffff:127.0.0.1"]
)
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "localhost.example", "127.0.0.1.nip"]
)
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://mogplex.com", "https://mogplex.com"),
        ("https://mogplex.com/", "https://mogplex.com"),
        ("https://mogplex.com/api/v1/mogplex", "https://mogplex.com"),
        ("https://mogplex.com/api/v1/mogplex/", "https://mogplex.com"),
        ("https://www.mogplex.com/api/v1/mogplex", "https://mogplex.com"),
        (" HTTPS://WWW.Mogplex.COM:443/ ", "https://mogplex.com"),
        ("https://mogplex.com:8443", "https://mogplex.com:8443"),
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:9000", "http://[::1]:9000"),
    ],
)
def test_a_base_url_is_reduced_to_its_origin(url: str, origin: str) -> None:
    assert Account(base_url=url).origin() == origin


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mogplex.com", "begins with https://"),
        ("ftp://mogplex.com", "begins with https://"),
        ("https://", "begins with https://"),
        ("https://u:hunter2@mogplex.com", "without user name"),
        ("https://mogplex.com?token=hunter2", "without query"),
        ("https://mogplex.com/#hunter2", "without query"),
        ("https://mogplex.com/v2", "without a path"),
        ("https://mogplex.com/api/v1/mogplex/runs", "without a path"),
        ("http://mogplex.com", "an https:// URL"),
        ("https://mogplex.com:x", "a URL such as"),
        ("https://mogplex.com\\@evil.example", "without blanks"),
        ("https://mog plex.com", "without blanks"),
    ],
)
def test_a_base_url_that_could_leak_or_mislead_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        Account(base_url=url).origin()
    assert "hunter2" not in str(caught.value)


def test_plain_http_to_another_host_needs_a_word() -> None:
    account = Account(base_url="http://sim:9000", allow_plain_http=True)
    assert account.origin() == "http://sim:9000"
