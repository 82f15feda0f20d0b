"""Ids: version 4, repeatable with the seed; what is none."""

from __future__ import annotations

import uuid
from random import Random

import pytest

from bridge.simulator.kit.ids import is_uuid, new_uuid


def test_ids_are_version_4_and_repeat_with_the_seed() -> None:
    chance = Random(5)
    ids = [new_uuid(chance) for _ in range(200)]
    assert all(uuid.UUID(each).version == 4 for each in ids)
    assert all(uuid.UUID(each).variant == uuid.RFC_4122 for each in ids)
    assert len(set(ids)) == 200
    assert ids != sorted(ids)
    again = Random(5)
    assert ids == [new_uuid(again) for _ in range(200)]


@pytest.mark.parametrize(
    "text", ["", "x", "3f0c1c52", "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a1", "a" * 36]
)
def test_what_is_no_uuid(text: str) -> None:
    assert not is_uuid(text)


def test_upper_case_is_a_uuid_too() -> None:
    assert is_uuid("3F0C1C52-6A3E-4F0E-9D3B-0D8F3C5B7A10")
