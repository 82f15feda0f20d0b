"""The walk: names, containers, pairs, arguments, environments; identity, shape, limits, policy."""

from __future__ import annotations

import enum
import json
from dataclasses import replace
from typing import Any

import pytest

from bridge.core.errors import ConfigError
from bridge.redact import RULES, Policy, Redactor
from bridge.redact.anchors import Prefilter
from bridge.redact.detectors.tokens import PROVIDER_TOKENS
from bridge.redact.spans import Scan
from tests.cases import each_case

P = "Amber" + "5528#"
T = "9eSnDM4nCktogtUd" + "dIcL3VUllFtOIQdS"
OWN = "mo" + "g_" + T


def payload(obj: Any, policy: Policy | None = None) -> Any:
    redactor = Redactor(policy) if policy is not None else Redactor()
    return redactor.event({"id": "e", "type": "log", "payload": obj})["payload"]


@each_case(
    "obj",
    [
        {"password": P}, {"a": [{"b": {"api-key": T}}]}, {"apiKey": [T]}, {"token": {"value": T}}, {"headers": [{"name": "x-auth-token", "value": T}]},
        {"headers": [["API_TOKEN", T]]}, {"rawHeaders": ["accept", "*/*", "authorization", f"Bearer {T}"]}, {"argv": ["x", "--pass", P]},
        {"argv": ["x", f"--token={T}"]}, {"args": ["mysql", "-u", "root", f"-p{T}"]}, {"env": {"DATADOG": T}}, {"Env": [f"PG_PASS={P}"]},
        {"env": [{"name": "X", "value": T}]}, {"credentials": {"user": "dana", "pw": P}}, {"auth": {"user": "dana", "pass": P}}, {T[:4] + "x": {OWN: 1}},
        {"variables": [{"key": "DB_PASSWORD", "value": P}]}, {"Parameters": [{"ParameterKey": "DbPassword", "ParameterValue": P}]},
        {"credential": {"accessKey": T, "nested": {"more": T}}}, {"text": f"x {OWN} y"}, (f"token={T}", 1),
    ],
)  # fmt: skip
def test_the_secret_is_gone_whatever_shape_names_it(obj: Any) -> None:
    result = json.dumps(payload(obj))
    assert T not in result
    assert P not in result


@each_case(
    "obj",
    [
        {"usage": {"inputTokens": 18021, "max_tokens": 4096, "tokens_used": 7}}, {"password": ""}, {"password": None}, {"token": True}, {"env": {}},
        {"environment": "production"}, {"env": {"PATH": "/usr/bin", "NODE_ENV": "production", "PORT": "3000", "DEBUG": "1"}}, {"Env": ["LANG=en_US.utf8"]},
        {"properties": {"password": {"type": "string", "description": "The password of the user"}}}, {"token": "<your-token>"}, {"api_key": "${API_KEY}"},
        {"headers": [{"name": "accept", "value": "text/plain"}]}, {"pin": 12}, {"password": 12}, {"token": 123}, {"args": ["git", "commit", "-m", "token"]},
        {"labels": {"password": "Password", "forgot": "Forgot your password?"}}, ["a", "b"], {"n": 1.5, "b": False}, {"key": "users/1/a.png"},
    ],
)  # fmt: skip
def test_harmless_values_come_back_as_the_same_object(obj: Any) -> None:
    assert Redactor().value(obj) is obj


def test_numbers_below_sure_names_go_from_their_lengths_on() -> None:
    assert payload({"password": 600533, "otp": 4821, "token": 12345678901, "count": 600533}) == {
        "password": "[REDACTED:password]", "otp": "[REDACTED:otp]", "token": "[REDACTED:token]", "count": 600533,
    }  # fmt: skip


def test_identity_of_an_event_is_never_touched() -> None:
    event = {
        "id": OWN,
        "type": OWN,
        "createdAt": OWN,
        "toolName": OWN,
        "message": OWN,
        "payload": {},
    }
    result = Redactor().event(event)
    assert (result["id"], result["type"], result["createdAt"]) == (OWN, OWN, OWN)
    assert OWN not in result["toolName"] + result["message"]


def test_a_value_found_once_goes_everywhere_in_the_event_and_not_in_the_next() -> None:
    redactor = Redactor()
    result = redactor.event({"id": "e", "message": f"retry with {T}", "payload": {"password": T}})
    assert T not in json.dumps(result)
    assert redactor.event({"id": "f", "message": f"retry with {T}"})["message"] == f"retry with {T}"


def test_names_that_are_secrets_are_replaced_and_stay_apart() -> None:
    second = "mo" + "g_" + T[::-1]
    result = payload({OWN: 1, "n": 2, second: 3})
    assert sorted(result.values()) == [1, 2, 3]
    assert list(result)[1] == "n"
    assert T not in json.dumps(result)


def test_a_failing_scan_replaces_the_text_instead_of_passing_it() -> None:
    redactor = Redactor()

    def broken(scan: Scan, start: int, end: int, data: object) -> int:
        raise RuntimeError(T)

    detector = replace(PROVIDER_TOKENS, literals={"password": None}, look=broken)
    redactor._tree._hits = Prefilter([detector]).hits
    assert redactor.text(f"password={P}") == "[REDACTED:unscanned]"
    assert redactor.take_counts() == {"unscanned": 1}


def test_structure_below_the_depth_limit_is_replaced_whole() -> None:
    deep: Any = OWN
    for _ in range(400):
        deep = {"a": [deep]}
    result = json.dumps(Redactor().value(deep))
    assert T not in result
    assert "[REDACTED:unscanned]" in result


def test_text_that_costs_too_much_fails_closed() -> None:
    redactor = Redactor()
    result = redactor.text("password=x" * 4000 + f" token {OWN}")
    assert T not in result
    assert redactor.take_counts()["unscanned"] == 1


def test_lone_surrogates_and_strange_types_are_taken() -> None:
    class Word(enum.StrEnum):
        SECRET = f"token={T}"
        PLAIN = "plain text here"

    assert T not in Redactor().text(f"a \ud83d {OWN} \udc00")
    assert Redactor().value(Word.PLAIN) is Word.PLAIN
    assert T not in Redactor().value({"x": Word.SECRET, "y": 1})["x"]


def test_counts_are_by_rule_from_the_closed_list_and_are_taken_once() -> None:
    redactor = Redactor()
    redactor.event(
        {"id": "e", "message": f"x {OWN}", "payload": {"password": P, "c": f"TOKEN={T}"}}
    )
    counts = redactor.take_counts()
    assert counts == {"own-token": 1, "key-name": 1, "assignment": 1}
    assert counts.keys() <= RULES.keys()
    assert redactor.take_counts() == {}


def test_markers_and_masks_of_others_pass_through() -> None:
    for text in (
        "token=[REDACTED:token]",
        "[redacted]",
        "Bearer [redacted]",
        "password: ********",
        '{"token":"[REDACTED:token]"}',
        "https://u:[REDACTED:url-credential]@h/x",
    ):
        assert Redactor().text(text) == text


def test_a_marker_is_never_read_as_a_user_a_value_or_a_name() -> None:
    redactor = Redactor()
    for text in (f"curl -u {OWN}-----BEGIN ", f"https://{OWN}:x1y2z3w4@h/", f"password={OWN}={P}"):
        once = redactor.text(text)
        assert redactor.text(once) == once


def test_a_false_marker_hides_nothing() -> None:
    assert T not in Redactor().text(f"[REDACTED: {OWN} ]")


def test_a_token_between_a_name_and_its_value_is_seen() -> None:
    result = Redactor().text(f"password {OWN} ={P}")
    assert T not in result
    assert P not in result


def test_secrets_behind_invisible_characters_are_cut_out_where_they_stand() -> None:
    text = f"a\u200b\u200bb TOKEN={T} and c"
    assert Redactor().text(text) == "a\u200b\u200bb TOKEN=[REDACTED:token] and c"


def test_replaced_names_are_numbered_by_what_they_were_and_not_by_their_order() -> None:
    second = "mo" + "g_" + T[::-1]
    one, two = payload({OWN: 1, second: 2}), payload({second: 2, OWN: 1})
    assert one == two


# -- policy ----------------------------------------------------------------------------------------


def test_added_keys_are_globs_over_any_spelling() -> None:
    policy = Policy(keys=("x-internal-*", "employeeNumber"))
    assert payload({"xInternalId": "abc", "X_INTERNAL_REF": 5, "employee_number": "77"}, policy) == {
        "xInternalId": "[REDACTED:secret]", "X_INTERNAL_REF": "[REDACTED:secret]", "employee_number": "[REDACTED:secret]",
    }  # fmt: skip
    assert "abc" not in Redactor(policy).text("X-Internal-Ref: abc")


def test_added_patterns_replace_their_group_or_the_whole() -> None:
    policy = Policy(patterns=(("badge", r"EMP-(?P<secret>\d{6})"), ("room", r"R\d{3}Q")))
    assert (
        Redactor(policy).text("EMP-123456 in R101Q") == "EMP-[REDACTED:secret] in [REDACTED:secret]"
    )


def test_kept_paths_come_back_unread() -> None:
    policy = Policy(keep=("payload.tokenizer", "payload.items.*.password"))
    result = Redactor(policy).event(
        {
            "id": "e",
            "payload": {"tokenizer": OWN, "password": P, "items": [{"password": P, "secret": P}]},
        }
    )
    assert result["payload"] == {
        "tokenizer": OWN,
        "password": "[REDACTED:password]",
        "items": [{"password": P, "secret": "[REDACTED:secret]"}],
    }
    record = Redactor(policy).value({"data": {"payload": {"tokenizer": OWN}}, "password": P})
    assert record["data"]["payload"]["tokenizer"] == OWN
    assert record["password"] != P


def test_each_rule_can_be_switched_off() -> None:
    assert Redactor(Policy(off=frozenset({"own-token"}))).text(f"x {OWN}") == f"x {OWN}"
    assert payload({"password": P}, Policy(off=frozenset({"key-name"}))) == {"password": P}
    assert Redactor(Policy(off=frozenset({"assignment"}))).text(f"password={P}") == f"password={P}"
    assert payload({"env": {"X": T}}, Policy(off=frozenset({"env"}))) == {"env": {"X": T}}


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (Policy(off=frozenset({"pemm"})), "did you mean 'pem'"), (Policy(patterns=(("p1", "("),)), "redaction.patterns: p1"),
        (Policy(keys=("a",) * 257), "redaction.keys"), (Policy(patterns=(("p", "x"),) * 65), "redaction.patterns"),
    ],
)  # fmt: skip
def test_a_wrong_policy_is_refused_in_one_line(policy: Policy, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        Redactor(policy)
    assert "\n" not in str(caught.value)


def test_fingerprints_are_keyed_equal_for_equal_secrets_and_absent_for_cut_ones() -> None:
    one, two = (
        Redactor(Policy(fingerprint_key=b"a" * 32)),
        Redactor(Policy(fingerprint_key=b"b" * 32)),
    )
    first = one.text(f"x {OWN} y")
    assert first == one.text(f"x {OWN} y")
    assert first != two.text(f"x {OWN} y")
    assert len(first) == len("x [REDACTED:token:0123456789] y")
    assert one.text(first) == first
    assert one.text("pushed with " + OWN[:16]) == "pushed with [REDACTED:token]"


def test_names_of_the_event_itself_may_be_secrets_too() -> None:
    """Found by the canaries: members of the event were read, their names were not."""
    token = "ghp_" + "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5"
    event = {"id": "1", token: {"seen": 1}, "type": "log", "message": "x", "createdAt": "t"}
    result = Redactor().event(event)
    assert list(result) == ["id", "[REDACTED:token]", "type", "message", "createdAt"]


def test_a_value_found_is_replaced_where_it_is_a_name() -> None:
    result = Redactor().value({"password": "Zx81kQ0pWmT3", "cache": {"Zx81kQ0pWmT3-1": 2}})
    assert result["cache"] == {"[REDACTED:password]-1": 2}


@pytest.mark.parametrize(
    "token",
    [
        "qNQTJVddloKjmDkZISUIpeSzbQCkfCyAdrrB",  # no digit, as one in 600 has none
        "ECYil9uUKeZG8mvjGpAdo315VErkyoURoQLZ",  # spells a word of placeholders by chance
        "6XXs2xKSjXuxcFACHcQDGVg2o7uKnXXXx8Ym",
    ],
)
def test_a_token_that_spells_something_by_chance_is_a_token(token: str) -> None:
    assert token not in Redactor().text(f"push with ghp_{token} now")


def test_a_name_in_greek_capitals_is_not_missed_for_the_sigma_at_its_end() -> None:
    # `lower` of mypyc makes the wrong small sigma of it; tests/deploy/test_compiled.py runs this.
    assert Redactor().text(f"ΚΩΔΙΚΟΣ: {P}") == "ΚΩΔΙΚΟΣ: [REDACTED:password]"
    assert payload({"ΚΩΔΙΚΌΣ": P}) == {"ΚΩΔΙΚΌΣ": "[REDACTED:password]"}
