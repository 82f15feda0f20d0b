"""Tokens are compared as hashes, all of them, whichever is right."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.core.errors import ConfigError
from bridge.outputs.http.token_access import TokenAccess
from bridge.outputs.http.tokens import TOKEN_CHARS_MAX, Tokens, parse_tokens
from tests.journal_records import StillClock


def entry(name: str, more: str = "") -> str:
    return (
        f'[[tokens]]\nname = "{name}"\nsha256 = "{hashlib.sha256(name.encode()).hexdigest()}"\n'
        f"{more}\n"
    )


def test_token_timing_every_hash_is_compared_in_constant_time_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Structure, not a stopwatch: no early end, no comparison but the constant-time one."""
    names = [f"token{n}" for n in range(7)]
    (tmp_path / "tokens.toml").write_text("".join(map(entry, names)))
    tokens = Tokens(tmp_path / "tokens.toml")
    compared: list[tuple[bytes, bytes]] = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return hmac.compare_digest(a, b)

    monkeypatch.setattr(
        "bridge.outputs.http.tokens.hmac",
        type("Counting", (), {"compare_digest": staticmethod(compare)}),
    )
    for asked, is_known in ((names[0], True), (names[3], True), (names[6], True), ("none", False)):
        compared.clear()
        assert (tokens.maybe_identity(asked, 0.0) is not None) == is_known
        assert len(compared) == 7
        assert all(len(a) == len(b) == 32 for a, b in compared), "hashes, never the tokens"
    compared.clear()
    assert tokens.maybe_identity("x" * (TOKEN_CHARS_MAX + 1), 0.0) is None
    assert compared == []


def test_a_token_is_worth_something_until_its_end(tmp_path: Path) -> None:
    (tmp_path / "t").write_text(entry("a", "expires = 1970-01-01T00:01:40Z") + entry("b"))
    tokens = Tokens(tmp_path / "t")
    identity = tokens.maybe_identity("a", 99.9)
    assert identity is not None
    assert tokens.holds(identity, 99.9)
    assert tokens.maybe_identity("a", 100.0) is None
    assert not tokens.holds(identity, 100.0)
    assert tokens.maybe_identity("b", 1e12) is not None
    assert [tokens.has_ended_between(*times) for times in ((98, 99), (99, 100), (100, 101))] == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "value", ['"2027-01-01"', "2027-01-01", "2027-01-01T00:00:00", "1", "true"]
)
def test_an_end_without_a_zone_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=r"tokens entry 1 \(a\): expires must be a time with its"):
        parse_tokens(entry("a", f"expires = {value}"), "file")


def test_a_byte_order_mark_spoils_no_file() -> None:
    assert len(parse_tokens("\ufeff" + entry("a"), "f")) == 1


def test_runs_are_told_apart_without_case() -> None:
    (identity,) = parse_tokens(
        entry("a", 'runs = ["3F0C1C52-6A3E-4F0E-9D3B-0D8F3C5B7A10"]'), "f"
    ).values()
    assert identity.may_see("default", "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10")


def test_a_limit_to_a_feed_whose_id_has_capitals_is_not_a_limit_to_nothing() -> None:
    (identity,) = parse_tokens(entry("a", 'runs = ["Sprint Planning"]'), "f").values()
    assert identity.may_see("default", "Sprint Planning")
    assert not identity.may_see("default", "sprint planning")


def test_a_file_that_stays_away_is_told_once_each_time_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(entry("a"))
    access = TokenAccess(Tokens(path), StillClock())
    with capture_logs() as told:
        for _ in range(2):
            path.rename(tmp_path / "away")
            assert [access.refresh() for _ in range(3)] == [False] * 3
            (tmp_path / "away").rename(path)
            assert not access.refresh()
    assert [line["event"] for line in told] == ["auth.tokens_refused"] * 2
