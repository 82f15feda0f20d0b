"""Payload sanitisation against literals worked out by hand from mogplex.md 1.9."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.simulator.mogplex.sanitise import sanitise, sanitised_json


@pytest.mark.parametrize(
    "key",
    [
        "env",
        "ENV",
        "environment",
        "envVars",
        "env_vars",
        "runtimeEnv",
        "runtime-environment",
        "ghToken",
        "GITHUB_TOKEN",
        "aiBillingSource",
        "mogplex_ai_billing_source",
    ],
)
def test_step_1_named_keys_are_replaced_at_any_level(key: str) -> None:
    assert sanitise({key: {"PATH": "/bin"}}) == {key: "[redacted]"}
    assert sanitise({"a": {"b": {key: [1]}}}) == {"a": {"b": {key: "[redacted]"}}}


@pytest.mark.parametrize("key", ["envelope", "myenv", "environments", "billingSource"])
def test_step_1_needs_the_whole_key(key: str) -> None:
    assert sanitise({key: "x"}) == {key: "x"}


@pytest.mark.parametrize(
    "key",
    [
        "Authorization",
        "x_api_key",
        "api-key",
        "ApiKey",
        "token",
        "clientSecret",
        "PASSWORD",
        "set-cookie",
        "credentials",
        "session_id",
        "jwt",
    ],
)
def test_step_2_keys_that_contain_a_secret_word(key: str) -> None:
    assert sanitise({key: "v"}) == {key: "[redacted]"}


def test_step_2_over_redacts_numbers_booleans_and_null() -> None:
    given = {"inputTokens": 12, "sessionActive": True, "cookie": None, "secret": {"a": 1}}
    assert sanitise(given) == dict.fromkeys(given, "[redacted]")


@pytest.mark.parametrize("key", ["pwd", "passwd", "privateKey", "DATABASE_URL", "api key"])
def test_keys_that_survive(key: str) -> None:
    assert sanitise({key: "v"}) == {key: "v"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("curl -H 'Authorization: Bearer abc.def-123'", "[redacted]"),
        ("bearer ABCDEF== rest", "bearer [redacted] rest"),
        ("https://x-access-token:ghs_1234567890@h/r", "https://x-access-token:[redacted]@h/r"),
        ("got gho_abcdefgh1234 here", "got [redacted] here"),
        (
            "ghp_abcdefgh1 ghs_abcdefgh1 ghu_abcdefgh1 ghr_abcdefgh1",
            "[redacted] " * 3 + "[redacted]",
        ),
        ("github_pat_11ABCDEFG_xyz", "[redacted]"),
        ("OPENAI=sk-proj-abc_DEF-123456", "OPENAI=[redacted]"),
        ("sb_secret_abcd_EFGH", "[redacted]"),
        # What the service misses.
        ("mog_Ab3dEf6hIj9lMn2pQr5tUv8x", "mog_Ab3dEf6hIj9lMn2pQr5tUv8x"),
        ("AKIAABCDEFGHIJKLMNOP", "AKIAABCDEFGHIJKLMNOP"),
        ("xoxb-123456789012-abcdef", "xoxb-123456789012-abcdef"),
        ("postgres://u:p@h/db", "postgres://u:p@h/db"),
        ("a disk-full task-force", "a disk-full task-force"),
    ],
)
def test_step_3_masks_values(given: str, expected: str) -> None:
    clean = sanitise({"text": given})["text"]
    if "Authorization" in given:
        assert clean == "curl -H 'Authorization: Bearer [redacted]'"
    else:
        assert clean == expected


def test_step_3_json_in_a_string_is_a_tree_of_its_own() -> None:
    inner = {"token": "x", "one": {"two": {"three": {"four": 4}}}, "n": 1}
    text = "  " + json.dumps(inner, indent=2) + "\n"
    # It stands at level 2 of the payload, but its own levels count from 0.
    clean = sanitise({"a": {"b": text}})["a"]["b"]
    assert clean == '{"token":"[redacted]","one":{"two":{"three":"[truncated]"}},"n":1}'


def test_step_3_json_in_a_string_in_a_string() -> None:
    deepest = json.dumps({"password": "p"})
    clean = sanitise({"s": json.dumps([deepest])})["s"]
    assert json.loads(json.loads(clean)[0]) == {"password": "[redacted]"}


@pytest.mark.parametrize("text", ["{not json}", "[1, 2", "{", "[NaN]"])
def test_step_3_what_does_not_parse_stays(text: str) -> None:
    assert sanitise({"s": text}) == {"s": text}


def test_step_3_long_strings_are_cut_and_counted() -> None:
    assert sanitise({"s": "a" * 2_000}) == {"s": "a" * 2_000}
    assert sanitise({"s": "a" * 2_001}) == {"s": "a" * 2_000 + "\n...[truncated 1 chars]"}
    assert sanitise({"s": "a" * 5_000})["s"].endswith("a\n...[truncated 3000 chars]")


def test_step_3_counts_utf16_units_and_may_leave_half_a_pair() -> None:
    fits = "😀" * 1_000
    assert sanitise({"s": fits}) == {"s": fits}
    clean = sanitise({"s": "a" + fits})["s"]
    assert clean == "a" + "😀" * 999 + "\ud83d" + "\n...[truncated 1 chars]"
    encoded = sanitised_json({"s": "a" + fits})
    assert encoded.endswith(b'\\ud83d\\n...[truncated 1 chars]"}')
    assert json.loads(encoded)["s"] == clean


def test_step_3_masks_before_it_cuts() -> None:
    text = "x" * 1_990 + " ghp_" + "a" * 36
    assert sanitise({"s": text})["s"] == "x" * 1_990 + " [redacted\n...[truncated 1 chars]"


def test_step_4_keeps_25_of_everything_without_a_word() -> None:
    keys = {f"k{index}": index for index in range(30)}
    assert list(sanitise(keys)) == [f"k{index}" for index in range(25)]
    assert sanitise({"list": list(range(26))}) == {"list": list(range(25))}


def test_step_4_the_cut_comes_before_the_keys_are_looked_at() -> None:
    given: dict[str, Any] = {f"k{index}": index for index in range(24)}
    given["token"] = "kept as a marker"
    given["password"] = "gone"
    clean = sanitise(given)
    assert clean["token"] == "[redacted]"
    assert "password" not in clean


def test_step_5_level_3_becomes_a_marker_and_scalars_survive() -> None:
    given = {"1": {"2": {"3": {}, "list": [], "s": "text", "n": 1, "t": True, "z": None}}}
    assert sanitise(given) == {
        "1": {
            "2": {
                "3": "[truncated]",
                "list": "[truncated]",
                "s": "text",
                "n": 1,
                "t": True,
                "z": None,
            }
        }
    }
    assert sanitise({"a": [[[1]], [2], 3]}) == {"a": [["[truncated]"], [2], 3]}


def test_step_5_a_secret_key_wins_over_the_depth_marker() -> None:
    assert sanitise({"1": {"2": {"token": {}}}}) == {"1": {"2": {"token": "[redacted]"}}}


def test_step_6_a_payload_over_20_000_units_becomes_a_preview() -> None:
    # {"a":"…", …}: 10 keys of 3 characters with 1,990 characters each.
    def of(length: int) -> dict[str, str]:
        return {f"k{index:02d}": "x" * length for index in range(10)}

    text = json.dumps(of(1_992), separators=(",", ":"))
    assert len(text) == 20_011
    assert sanitise(of(1_992)) == {"truncated": True, "payloadPreview": text[:20_000]}
    fits = of(1_992) | {"k09": "x" * 1_981}
    assert len(json.dumps(fits, separators=(",", ":"))) == 20_000
    assert sanitise(fits) == fits


def test_step_6_counts_units_not_bytes() -> None:
    given = {f"k{index}": "é" * 1_900 for index in range(10)}
    assert len(sanitised_json(given)) > 20_000
    assert sanitise(given) == given


def test_numbers_pass_through_a_double() -> None:
    given = {"id": 12345678901234567890, "whole": 2.0, "half": 0.5, "small": 9007199254740992}
    assert sanitised_json(given) == (
        b'{"id":12345678901234567000,"whole":2,"half":0.5,"small":9007199254740992}'
    )
    assert sanitise({"n": 9007199254740993}) == {"n": 9007199254740992}


def test_the_raw_payload_is_left_alone() -> None:
    given = {"token": "t", "list": list(range(30)), "deep": {"a": {"b": {"c": 1}}}}
    before = json.dumps(given)
    sanitise(given)
    assert json.dumps(given) == before


def test_no_payload_reads_as_an_empty_object() -> None:
    assert sanitise(None) == {}
    assert sanitised_json(None) == b"{}"
