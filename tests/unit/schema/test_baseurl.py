"""A base URL in every form that people give it, and what is refused without repeating it."""

from __future__ import annotations

import pytest

from bridge.schema.baseurl import host_was_rewritten, to_origin

PATHS = ("/api/v1/mogplex",)


def origin(url: str, *, allow_plain_http: bool = False) -> str:
    return to_origin(
        url, example="https://mogplex.com", paths=PATHS, allow_plain_http=allow_plain_http
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://mogplex.com", "https://mogplex.com"),
        (" https://WWW.Mogplex.com/ ", "https://mogplex.com"),
        ("https://mogplex.com/api/v1/mogplex/", "https://mogplex.com"),
        ("https://mogplex.com:443", "https://mogplex.com"),
        ("https://mogplex.com:8443", "https://mogplex.com:8443"),
        ("https://mogplex.com.", "https://mogplex.com"),
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("http://[::1]:9000", "http://[::1]:9000"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_every_form_is_one_origin(url: str, expected: str) -> None:
    assert origin(url) == expected
    assert origin(expected) == expected


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mogplex.com", "begins with https://"),
        ("https://mogplex.com\udcff", "without blanks"),
        ("ftp://mogplex.com", "begins with https://"),
        ("https://", "begins with https://"),
        ("https://user:Sw0rdf1sh@mogplex.com", "without user name and password"),
        ("https://mogplex.com?token=Sw0rdf1sh", "without query"),
        ("https://mogplex.com#Sw0rdf1sh", "without query"),
        ("https://mogplex.com/Sw0rdf1sh", "without a path, or with /api/v1/mogplex"),
        ("https://mog plex.com", "without blanks"),
        ("https://mogplex.com\\@evil.example", "without blanks"),
        ("https://mogplex.com:port", "such as"),
        ("https://[::1", "such as"),
        ("http://mogplex.com", "everybody on the way can read the token"),
    ],
)
def test_what_is_refused_is_told_and_never_repeated(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as error:
        origin(url)
    assert "Sw0rdf1sh" not in str(error.value)


def test_plain_http_is_for_who_asks_for_it() -> None:
    assert origin("http://inner.example", allow_plain_http=True) == "http://inner.example"


@pytest.mark.parametrize(
    ("configured", "was"),
    [("https://www.mogplex.com", True), ("https://mogplex.com", False), ("https://www.x.y", False)],
)
def test_a_rewritten_host_is_known(configured: str, was: bool) -> None:
    assert host_was_rewritten(configured, "https://mogplex.com") is was
