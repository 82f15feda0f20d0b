"""`[redaction]` from the file to the marker: every key of it, and every way to get it wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bridge.config.load import load
from bridge.core.errors import ConfigError
from bridge.daemon.build import build_redactor
from bridge.redact import RULES, Redactor
from tests.accounts import mogplex_metrics

P = "Amber" + "5528x"


EVENT = {"id": "1", "payload": {"password": P, "list": [{"token": P}, {"n": 1}]}, "message": "m"}


def redactor_of(tmp_path: Path, table: str) -> Redactor:
    file = tmp_path / "bridge.toml"
    file.write_text(f"[redaction]\n{table}\n")
    loaded = load(file, environ={})
    return build_redactor(loaded.settings.redaction, loaded.place)


def test_keys_and_patterns_are_on_top_of_the_rules(tmp_path: Path) -> None:
    redactor = redactor_of(
        tmp_path,
        "keys = ['x-internal-*', 'flavour']\npatterns = ['EMP-(?P<secret>\\d{6})', 'zq9+']",
    )
    found: Any = redactor.value(
        {
            "XInternalRef": "a b",
            "flavour": 5,
            "text": "EMP-123456 zq999 flavour=mint",
            "password": P,
        }
    )
    assert found == {
        "XInternalRef": "[REDACTED:secret]",
        "flavour": "[REDACTED:secret]",
        "text": "EMP-[REDACTED:secret] [REDACTED:secret] flavour=[REDACTED:secret]",
        "password": "[REDACTED:password]",
    }
    assert redactor.value(found) == found
    assert redactor.take_counts() == {
        "policy-key": 2, "policy-pattern": 2, "assignment": 1, "key-name": 1
    }  # fmt: skip


def test_what_is_kept_is_kept_and_nothing_else(tmp_path: Path) -> None:
    redactor = redactor_of(tmp_path, "keep = ['payload.list.*.token']")
    assert redactor.event(EVENT)["payload"] == {
        "password": "[REDACTED:password]", "list": [{"token": P}, {"n": 1}]
    }  # fmt: skip
    record = {"type": "t", "data": EVENT}
    assert redactor.value(record)["data"]["payload"]["list"][0] == {"token": P}


@pytest.mark.slow
@pytest.mark.parametrize("rule", sorted(set(RULES) - {"unscanned", "echo"}))
def test_a_rule_that_is_off_finds_nothing(tmp_path: Path, rule: str) -> None:
    events = [
        {"password": P}, {"env": {"ODD": P}}, {"args": ["x", "--token", P]},
        {"text": f"password={P}"}, {"text": f"curl -u a:{P} x"},
        {"text": f"Authorization: Bearer {P}{P}"}, {"text": f"Cookie: sid={P}{P}; a=b"},
        {"text": f"postgres://u:{P}@h/d"}, {"jwk": {"kty": "EC", "d": P * 3}}, {"flavour": "m"},
        {"text": "EMP-123456"}, {"text": f"see mog_{P}{P}{P} now"}, {"text": "x ghp_" + P * 4},
        {"text": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9." + P * 4},
        {"text": "-----BEGIN PRIVATE " + f"KEY-----\n{P * 6}\n-----END PRIVATE KEY-----"},
        {"url": "https://discord.com" + f"/api/webhooks/1234567890/{P * 6}"},
    ]  # fmt: skip
    table = "keys = ['flavour']\npatterns = ['EMP-\\d{6}']\n"
    everything = redactor_of(tmp_path, table)
    for event in events:
        everything.value(event)
    assert rule in everything.take_counts()
    without = redactor_of(tmp_path, f"{table}off = ['{rule}']")
    for event in events:
        without.value(event)
    assert rule not in without.take_counts()


def test_a_fingerprint_tells_secrets_apart_and_redacting_again_changes_nothing(
    tmp_path: Path,
) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    redactor = redactor_of(tmp_path, f"fingerprint_key_file = '{key}'")
    once = redactor.event(EVENT)
    marker = once["payload"]["password"]
    assert re.fullmatch(r"\[REDACTED:password:[0-9a-f]{10}\]", marker)
    assert once["payload"]["list"][0]["token"].split(":")[2] == marker.split(":")[2]
    assert redactor.event(once) == once
    other = redactor.event({"password": P + "y"})["password"]
    assert other != marker
    key.write_bytes(b"q" * 32)  # another key, another print: nothing can be looked up without it
    again = redactor_of(tmp_path, f"fingerprint_key_file = '{key}'")
    assert again.event(EVENT)["payload"]["password"] != marker


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("patterns = ['(']", "redaction.patterns[0] must be a regular expression"),
        ("off = ['key-nam']", 'must be the id of a redaction rule (did you mean "key-name"?)'),
        ("off = ['zzz']", "(one of key-name, env, argv"),
        ("keep = ['payload..x']", "must be a dotted path"),
        ("keep = ['payload.**']", "must be a dotted path"),
        ("key = ['x']", "did you mean redaction.keys?"),
        ("fingerprint_key_file = '/no/such/file'", "no such file or directory"),
        ("patterns = ['ok', '(a+)+$']", "redaction.patterns[1] '(a+)+$': "),
        ("patterns = ['[a-z]+[a-z0-9]+[0-9]+!']", "do not nest repetitions"),
        ("patterns = ['(x|x)*y']", "do not nest repetitions"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_file_line_and_key(
    tmp_path: Path, table: str, said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        redactor_of(tmp_path, table)
    text = str(error.value)
    assert said in text
    assert "bridge.toml:2: redaction" in text or "bridge.toml:2: unknown key redaction" in text
    assert "\n" not in text


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"k" * 31)
    with pytest.raises(ConfigError, match="31 bytes: make one of 32"):
        redactor_of(tmp_path, f"fingerprint_key_file = '{key}'")


def test_every_rule_is_in_the_metrics_at_0_from_the_start() -> None:
    text = mogplex_metrics(rules=RULES).render()[0].decode()
    for rule in RULES:
        assert f'mogplex_bridge_redactions_total{{rule="{rule}"}} 0.0' in text
