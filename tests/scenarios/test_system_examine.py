"""What `check --online` and `doctor` say of moot and MIOSA accounts, message by message."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.sources.port import Depth, Level
from tests.stages import miosa, moot


def said(found: Any) -> str:
    return "\n".join(f"{one.level.name} {one.about}: {one.text}" for one in found)


MOOT = [
    ({}, {}, "OK token: the key is that of an agent"),
    ({}, {}, "OK clock: the clock here and the server's agree"),
    ({}, {}, "OK spaces: spaces of this key: 1 active, 0 paused, 0 archived"),
    ({}, {}, "OK stream: the stream opens and replays"),
    ({}, {}, "OK pages: pages can be walked back"),
    ({"replay": "none"}, {}, "OK stream: the stream opens, without a replay so far"),
    ({"stream": "404"}, {}, "NOTE stream: the stream does not open (HTTP 404): the WebSocket is"),
    (
        {"stream": "broken"},
        {},
        "NOTE stream: the stream does not open (HTTP 500): pages are polled",
    ),
    (
        {"stream_auth": "query"},
        {},
        "NOTE stream: the stream refuses the key in a header (HTTP 401)",
    ),
    (
        {"stream": "garbage"},
        {},
        "NOTE stream: the stream sends frames that the bridge cannot parse",
    ),
    ({"before": "ignored"}, {}, "NOTE pages: `before` is not honored"),
    ({"suspended": True}, {}, "PROBLEM token: "),
    ({"list": "active_only"}, {}, "OK spaces: "),
    ({}, {"forbidden": ("known",)}, "NOTE spaces: space known is listed but may not be read"),
    ({}, {"valid": False}, "PROBLEM token: "),
]


@pytest.mark.parametrize(("knobs", "rights", "expected"), MOOT)
def test_each_message_about_moot(
    knobs: dict[str, Any], rights: dict[str, Any], expected: str
) -> None:
    async def scenario(stage: moot.MootStage) -> None:
        stage.sim.create_space("known", events=300)
        if rights:
            stage.sim.set_token(stage.TOKEN, **rights)
        async with asyncio.timeout(60):
            found = await stage.source.examine(Depth.ALL)
        assert expected in said(found)
        if any(one.level is Level.PROBLEM for one in found):
            assert found[-1].level is Level.PROBLEM, "a problem ends it"
        assert stage.TOKEN not in said(found)

    moot.play(scenario, **knobs)


EVERY = ("sandboxes:read", "computers:read", "builds:read", "deployments:read", "events:read")
MIOSA = [
    ({}, {}, "OK token: ok, http://upstream.test accepts the key"),
    ({}, {}, "OK scope: the key may read every kind"),
    ({}, {}, "OK server: runs are under /runs"),
    ({}, {}, "OK ticket: tickets come from /sse/ticket"),
    ({}, {}, "OK stream: the tenant's stream opens with a ticket"),
    ({"runs_path": "agent_runs"}, {}, "OK server: runs are under /agent-runs: an older server"),
    ({"ticket_path": "auth"}, {}, "OK ticket: tickets come from /auth/sse-ticket"),
    ({}, {"scopes": EVERY[1:]}, "NOTE scope: the key lacks runs:read, sandboxes:read: add them"),
    ({}, {"valid": False}, "PROBLEM token: invalid_token"),
    ({"html_5xx": 99}, {}, "PROBLEM server: "),
]


@pytest.mark.parametrize(("knobs", "rights", "expected"), MIOSA)
def test_each_message_about_miosa(
    knobs: dict[str, Any], rights: dict[str, Any], expected: str
) -> None:
    async def scenario(stage: miosa.Stage) -> None:
        if rights:
            stage.sim.set_key(stage.TOKEN, **rights)
        async with asyncio.timeout(60):
            found = await stage.source.examine(Depth.ALL)
        assert expected in said(found)
        book = stage.sim.world.tickets
        assert (book.unused, book.used_twice) == (0, 0)
        assert not [one for one in (*book.given, stage.TOKEN) if one in said(found)]

    miosa.play(scenario, **knobs)
