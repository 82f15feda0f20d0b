"""URLs of journals: which are accepted, and what they say."""

from __future__ import annotations

import pytest

from bridge.core.journal_url import DEFAULT, check_url, is_shared, maybe_file, maybe_scheme

NATS = "nats://a:4222,b:4222/BRIDGE"


@pytest.mark.parametrize(
    ("url", "scheme", "file", "shared"),
    [
        (DEFAULT, "sqlite", "", False),
        ("sqlite:a.db", "sqlite", "a.db", False),
        ("sqlite:/a b\n.db", "sqlite", "/a b\n.db", False),
        ("sqlite:///a.db", "sqlite", "/a.db", False),
        (NATS, "nats", None, True),
        ("tls://u:p@a/BRIDGE?replicas=3", "tls", None, True),
        ("memory:", "memory", None, False),
    ],
)
def test_a_url_says_what_general_modules_need(
    url: str, scheme: str, file: str | None, *, shared: bool
) -> None:
    check_url(url)
    assert (maybe_scheme(url), maybe_file(url), is_shared(url)) == (scheme, file, shared)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "sqlite:"),
        ("sqlite", "sqlite:"),
        ("kafka://a/b", "nats://"),
        ("memory:x", "memory:"),
        ("nats://a", "/STREAM"),
        (f"{NATS}?replicas=2", "/STREAM"),
        ("sqlite://host/a.db", "without a host"),
    ],
)
def test_any_other_url_is_refused_with_what_is_accepted(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_url(url)
