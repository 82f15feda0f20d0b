"""What `doctor` finds out about a server, a token and the clocks."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.core.errors import Failure
from bridge.schema.baseurl import host_was_rewritten
from bridge.sources.mogplex.api import MogplexApi
from bridge.sources.mogplex.examine import examine
from bridge.sources.port import Finding, Level
from tests.accounts import TOKEN
from tests.stages.mogplex import Setting, Stage, play


async def look(stage: Stage, *, fill: bool = False) -> dict[str, Finding]:
    http = stage.http()
    try:
        found = await examine(MogplexApi(http, lambda _: ""), stage.clock, _words, fill=fill)
    finally:
        await http.close()
    return {finding.about: finding for finding in found}


def _words(failure: Failure) -> str:
    return f"in words: {failure.code}"


def levels(found: dict[str, Finding]) -> dict[str, str]:
    return {about: finding.level.value for about, finding in found.items()}


def test_a_healthy_account_costs_three_requests() -> None:
    async def scenario(stage: Stage) -> None:
        found = await look(stage)
        assert levels(found) == dict.fromkeys(("clock", "server", "token", "scope", "stream"), "ok")
        assert len(stage.sim.requests) == 3

    play(scenario)


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"stream": "absent"}, "no stream"),
        (
            {"stream": "broken"},
            "runs can be followed by stream",
        ),  # told by no run that is not there
    ],
)
def test_the_stream_is_tried_without_a_run(knobs: dict[str, Any], words: str) -> None:
    async def scenario(stage: Stage) -> None:
        assert words in (await look(stage))["stream"].text

    play(scenario, **knobs)


def test_a_stream_that_fails_is_told() -> None:
    async def scenario(stage: Stage) -> None:
        stage.sim.fault("database", endpoint="stream")
        found = await look(stage)
        assert found["stream"].level is Level.NOTE
        assert "HTTP 500" in found["stream"].text

    play(scenario)


def test_a_stream_that_never_answers_is_not_waited_for() -> None:
    async def scenario(stage: Stage) -> None:
        stage.sim.fault("slow", endpoint="stream", delay_s=3000.0)
        found = await look(stage)
        assert found["stream"].text == "the stream was not tried: no answer in time"

    play(scenario)


@pytest.mark.parametrize(("times", "level"), [(1, "note"), (2, "note"), (3, "problem")])
def test_a_refused_token_is_tried_again_before_it_is_called_dead(times: int, level: str) -> None:
    async def scenario(stage: Stage) -> None:
        stage.sim.fault("unauthorized", times=times)
        found = await look(stage)
        assert found["token"].level == level
        assert ("scope" in found) is (level == "note")

    play(scenario)


@pytest.mark.parametrize(("skew_s", "words"), [(95.0, "95 s ahead of"), (-4000.0, "4000 s behind")])
def test_a_wrong_clock_is_told_in_seconds(skew_s: float, words: str) -> None:
    async def scenario(stage: Stage) -> None:
        clock = (await look(stage))["clock"]
        assert clock.level is Level.NOTE
        assert words in clock.text

    play(scenario, Setting(skew_s=skew_s))


def test_a_dead_token_and_a_narrow_one() -> None:
    async def scenario(stage: Stage) -> None:
        stage.sim.set_token(TOKEN, scopes=["write"])
        assert levels(await look(stage))["scope"] == "note"
        stage.sim.set_token(TOKEN, valid=False)
        found = await look(stage)
        assert levels(found) == {"clock": "ok", "token": "problem"}
        assert found["token"].text == "in words: UNAUTHORIZED"

    play(scenario)


def test_a_server_that_is_another_one() -> None:
    async def scenario(stage: Stage) -> None:
        stage.sim.fault("not_json")
        assert levels(await look(stage)) == {"clock": "ok", "server": "problem"}
        stage.sim.fault("html_5xx", status=404)
        found = await look(stage)
        assert levels(found) == {"clock": "ok", "server": "problem"}
        stage.sim.fault("reset")
        assert levels(await look(stage)) == {"server": "problem"}

    play(scenario)


@pytest.mark.parametrize(("others", "level"), [(0, "ok"), (13, "note")])
def test_the_share_of_others_is_counted_by_filling_the_window(others: int, level: str) -> None:
    async def scenario(stage: Stage) -> None:
        http = stage.http()
        for _ in range(others):
            await http.get("repos", "/api/v1/mogplex/repos", {})
        await http.close()
        found = await look(stage, fill=True)
        assert found["sharing"].level == level
        if others:
            assert f"{others} of the 60" in found["sharing"].text
        refused = await look(stage)
        assert levels(refused) == {"clock": "ok", "sharing": "problem"}

    play(scenario)


def test_a_server_without_a_limit_is_told() -> None:
    async def scenario(stage: Stage) -> None:
        assert "limit is off" in (await look(stage, fill=True))["sharing"].text

    play(scenario, limiter="off")


@pytest.mark.parametrize(
    ("configured", "origin", "is_rewritten"),
    [
        ("https://www.mogplex.com", "https://mogplex.com", True),
        ("https://WWW.mogplex.com/api/v1/mogplex", "https://mogplex.com", True),
        ("https://mogplex.com", "https://mogplex.com", False),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", False),
    ],
)
def test_a_www_that_was_left_out(configured: str, origin: str, is_rewritten: bool) -> None:
    assert host_was_rewritten(configured, origin) is is_rewritten
