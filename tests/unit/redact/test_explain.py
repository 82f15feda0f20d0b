"""`explain`: where and why, never what."""

from __future__ import annotations

from bridge.redact import Redactor
from bridge.redact.explain import explain

T = "9eSnDM4nCktogtUd" + "dIcL3VUllFtOIQdS"
OWN = "mo" + "g_" + T


def test_places_name_path_offset_rule_and_kind() -> None:
    obj = {"a": {"password": "Amber5528#"}, "log": ["ok", f"see {OWN} and {OWN}"], "n": 1}
    assert [tuple(place) for place in explain(Redactor(), obj)] == [
        ("a.password", 0, "key-name", "password"),
        ("log[1]", 4, "own-token", "token"),
        ("log[1]", 45, "own-token", "token"),
    ]


def test_a_path_never_shows_a_name_that_is_a_secret() -> None:
    places = explain(Redactor(), {"sessions": {OWN: {"password": "Amber5528#"}}})
    assert [place.path for place in places] == [
        "sessions.[REDACTED:token]",
        "sessions.[REDACTED:token].password",
    ]
    assert not any(T in repr(place) for place in places)


def test_a_clean_value_has_no_places_and_tracing_ends() -> None:
    redactor = Redactor()
    assert explain(redactor, {"a": 1}) == []
    assert redactor._tree.trace is None
