"""What becomes of an event of moot: its id, type, time and text in the record."""

from __future__ import annotations

import asyncio

import pytest

from bridge.outputs.http.port import InvalidIdError
from bridge.simulator.moot.store import Draft
from bridge.simulator.moot.variants import VARIANTS
from bridge.wire.jsontext import loads
from tests.stages.moot import EVENT, MootStage, caught_up, play


def test_ids_are_taken_as_they_are_and_encoded_in_paths() -> None:
    async def scenario(stage: MootStage) -> None:
        for name in ("Sprint Planning", "é%2F?x=1#y", "a+b&c"):
            space = stage.sim.create_space(name, events=2)
            await stage.follow(space)
            await asyncio.sleep(3.0)
            await caught_up(stage, space)
        for name in ("a/b", ".", "..", "x" * 201, ""):
            with pytest.raises(InvalidIdError):
                await stage.follow(name)

    play(scenario)


def test_records_keep_data_untouched_and_name_types_from_a_closed_alphabet() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s")
        kinds = {
            "no_metadata": "message",
            "type_null": "message",
            "type_number": "other",
            "type_empty": "other",
            "type_long": "other",
            "type_strange": "other",
            "metadata_text": "message",
            "long_text": "code_share",
        }
        for name in kinds:
            stage.sim.append(space, VARIANTS[name]())
        await stage.follow(space)
        await asyncio.sleep(3.0)
        records = [r for r in await stage.records(space) if r.type.startswith(EVENT)]
        assert [r.type.removeprefix(EVENT) for r in records] == list(kinds.values())
        truth = stage.sim.truth(space)["committed"]
        for record, event in zip(records, truth, strict=True):
            body = loads(record.body)
            event.pop("visibleAt")
            assert body["data"] == event
            assert body["source"] == "/moot/default/spaces/s"
            assert body["subject"] == "s"

    play(scenario)


@pytest.mark.parametrize("style", ["micros_offset", "millis_z", "seconds_z", "unreadable"])
def test_times_are_read_in_every_form_and_stand_in_for_unreadable_ones(style: str) -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s")
        stage.sim.append(space, 1, timestamp="2026-08-03T15:00:20Z")
        await stage.follow(space)
        await asyncio.sleep(3.0)
        (record,) = [r for r in await stage.records(space) if r.type.startswith(EVENT)]
        body = loads(record.body)
        if style == "unreadable":
            assert body["time"] == body["recordedtime"]
        else:
            assert body["time"].startswith("2026-08-03T15:00:20")
            assert body["time"].endswith("Z")

    play(scenario, time_format=style)


def test_secrets_in_text_and_metadata_are_masked_before_the_journal() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s")
        for name in ("secret_text", "secret_metadata"):
            stage.sim.append(space, VARIANTS[name]())
        stage.sim.append(space, Draft("token ghp_x1Yz2Ab3Cd4Ef5Gh6Ij7Kl8Mn9Op0Qr1St2u here"))
        await stage.follow(space)
        await asyncio.sleep(3.0)
        bodies = b"".join(r.body for r in await stage.records(space))
        for secret in (b"q7W8e9R0t1Y2u3I4", b"Zx9Cv8Bn7Mq6Lw5K", b"x1Yz2Ab3Cd4Ef5Gh"):
            assert secret not in bodies
        assert len(await stage.event_ids(space)) == 3

    play(scenario)
