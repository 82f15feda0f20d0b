"""A time that leaves the bridge is RFC 3339, whatever upstream wrote."""

from __future__ import annotations

import re

import pytest

from bridge.wire.times import parse, rfc3339

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", re.ASCII)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-05-17T10:14:10.000Z", "2026-05-17T10:14:10.000Z"),
        ("2026-05-17T10:14:10.123456+00:00", "2026-05-17T10:14:10.123456Z"),
        ("2026-05-17T10:14:10+02:00", "2026-05-17T08:14:10.000000Z"),
        ("2026-05-17T10:14:33,5Z", "2026-05-17T10:14:33.500000Z"),
        ("0800-01-01T00:30:00+01:00", "0799-12-31T23:30:00.000000Z"),
        ("2026-05-17T10:14Z", "2026-05-17T10:14:00.000000Z"),
    ],
)
def test_the_same_instant_as_rfc_3339(text: str, time: str) -> None:
    moment = parse(text)
    assert moment is not None
    assert moment[0] == time
    assert RFC3339.fullmatch(moment[0])


@pytest.mark.parametrize(
    "text",
    [None, 7, "", "soon", "2026-05-17", "2026-05-17T10:14:10", "2026-W20-7T10:14:10Z",
     "2026-05-17T10:14:61Z", "2026-05-17 10:14:10Z", "2026-05-17T10:14:10Z" + "0" * 30],
)  # fmt: skip
def test_what_is_no_time_is_none(text: object) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("epoch_s", [0.0, 1785769234.2, -36_925_800_000.0])
def test_our_own_times_have_four_digits_of_year(epoch_s: float) -> None:
    assert RFC3339.fullmatch(rfc3339(epoch_s))
