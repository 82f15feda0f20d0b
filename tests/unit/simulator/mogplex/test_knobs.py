"""Knobs refuse what they do not know, and change all or nothing."""

from __future__ import annotations

import pytest

from bridge.simulator.kit.knobs import KnobError
from bridge.simulator.mogplex.knobs import OLDER_SERVER, Knobs


def test_an_unknown_knob_names_the_nearest() -> None:
    with pytest.raises(KnobError, match=r"no knob 'windw'; did you mean 'window'\?"):
        Knobs().change({"windw": "head"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", "middle"),
        ("window", None),
        ("stream_max_s", -1),
        ("stream_max_s", "1"),
        ("stream_max_s", float("nan")),
        ("limiter_limit", 1.5),
        ("limiter_limit", True),
        ("limiter_instances", 0),
        ("gzip", 1),
        ("gzip", "on"),
        ("payloads", "deep"),
        ("payloads", ["deeper"]),
        ("html_5xx_status", 404),
    ],
)
def test_a_wrong_value_names_the_knob(name: str, value: object) -> None:
    with pytest.raises(KnobError, match=name):
        Knobs().change({name: value})


def test_a_change_is_all_or_nothing() -> None:
    knobs = Knobs()
    with pytest.raises(KnobError):
        knobs.change({"window": "head", "stream": "v3"})
    assert knobs.window == "tail"


def test_every_value_of_every_knob_is_accepted() -> None:
    knobs = Knobs()
    for row in Knobs.describe():
        for value in row["allowed"]:
            knobs.change({row["name"]: [value] if row["name"] == "payloads" else value})
    knobs.reset()
    assert knobs == Knobs()


def test_a_run_has_its_own_values_but_not_for_the_whole_server() -> None:
    knobs = Knobs()
    assert knobs.with_feed(Knobs.checked_for_feed({"window": "head"})).window == "head"
    assert knobs.window == "tail"
    with pytest.raises(KnobError, match="whole server"):
        Knobs.checked_for_feed({"limiter": "off"})


def test_the_defaults_are_the_first_column_of_the_contract() -> None:
    knobs = Knobs()
    assert (knobs.window, knobs.stream, knobs.stream_max_s) == ("tail", "v2", 800.0)
    assert (knobs.tie_order, knobs.time_format, knobs.cancel_shape) == (
        "id",
        "micros_offset",
        "code",
    )
    assert (knobs.limiter, knobs.limiter_limit, knobs.limiter_window_s) == ("on", 60, 60.0)
    assert (knobs.status_regress, knobs.segment_switch, knobs.auth_flap, knobs.html_5xx) == (
        "off",
        0,
        0,
        0,
    )
    assert (knobs.no_bearer, knobs.www, knobs.non_uuid) == ("redirect", "redirect", "fault")


def test_the_older_server_is_a_set_of_knobs() -> None:
    knobs = Knobs()
    knobs.change(OLDER_SERVER)
    assert (knobs.window, knobs.stream) == ("head", "absent")
